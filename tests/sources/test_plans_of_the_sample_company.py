"""What the sample company's systems write is read by the plans and by the parsers of single records alike."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.sources import test_lean_plans, test_plans

LOGS = Path(__file__).parents[2] / "sample_logs" / "logs"
#: Lines of each file, from its middle on, and the least share of them that the plan itself reads.
LINES = 600
KINDS = {
    "requests": ("calls/requests-*.jsonl*", 0.95),
    "litellm": ("gateway/litellm-*.jsonl*", 0.95),
    "otlp": ("otlp/traces-*.jsonl*", 0.3),
    "outcomes": ("outcomes/*.jsonl*", 0.95),
}


@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_say_the_same_of_the_sample_company(tmp_path: Path, kind: str):
    pattern, share = KINDS[kind]
    files = sorted(LOGS.glob(pattern))
    assert files
    for file in (files[0], files[-1]):
        text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        lines = text.splitlines(keepends=True)
        some = lines[len(lines) // 2 :][:LINES]
        path = test_plans.written(tmp_path, b"".join(some))
        if kind == "requests":
            taken = test_plans.assert_same(path)
        else:
            taken = test_lean_plans.assert_same(kind, path, piece_size=200_000)
        assert taken > share * len(some)
