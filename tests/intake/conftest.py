"""A bucket for the tests of cloud paths."""

from collections.abc import Iterator

import pytest

from tests.intake.buckets import Bucket, s3_server


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with s3_server(monkeypatch) as started:
        yield started
