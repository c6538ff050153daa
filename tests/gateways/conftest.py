"""What tests of real gateways share: one provider behind them, and the workspace's policies as a person writes them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateways.servers import Upstream, upstream


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with upstream(tmp_path_factory.mktemp("provider")) as started:
        yield started
