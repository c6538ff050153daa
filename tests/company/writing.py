"""A period as a workspace on disk: a log file per source and week, older weeks compressed, bills,
`outlay.yaml`."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path

from tests.company.bills import anthropic_pages, openai_pages
from tests.company.company import Company, Period
from tests.company.gateway_log import payload
from tests.company.plain_logs import batch_result, broken_lines, evaluation, line, outcome, request_lines
from tests.company.traces import trace_lines

#: The last weeks are still being written and lie there as plain text.
PLAIN_WEEKS = 2
HERE = Path(__file__).parent


def write(company: Company, period: Period, root: Path) -> None:
    """Writes the logs and bills of a period below `root`; the workspace file too, unless there is one."""
    files: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for call in period.logged:
        week = _week(period, call.time)
        if call.source == "calls":
            files[f"logs/calls/requests-{week}.jsonl"] += [(call.time, text) for text in request_lines(call)]
        if call.source == "gateway" or "two_sources" in call.marks:
            files[f"logs/gateway/litellm-{week}.jsonl"].append((call.time, payload(call)))
        if call.source == "batch":
            files[f"logs/batch/archive-{call.time:%Y-%m-%d}.jsonl"].append((call.time, batch_result(call)))
    traced: dict[date, list] = defaultdict(list)
    for call in period.logged:
        if call.source == "traces":
            traced[_week(period, call.time)].append(call)
    for week, calls in traced.items():
        files[f"logs/otlp/traces-{week}.jsonl"] += trace_lines(calls, company.first)
    for event in period.events:
        files[f"logs/outcomes/outcomes-{_week(period, event.written)}.jsonl"].append((event.written, outcome(event)))
    for mark in period.marks:
        files[f"logs/evals/{mark.workflow}-{mark.task}-{mark.time:%Y-%m-%d}.jsonl"].append(
            (mark.time, evaluation(mark))
        )
    texts = {name: [text for _, text in sorted(rows, key=lambda row: row[0])] for name, rows in files.items()}
    _break(company, period, texts)
    newest = _week(period, datetime.combine(period.first + timedelta(days=period.days - 1), datetime.min.time()))
    plain = {newest - timedelta(days=7 * n) for n in range(PLAIN_WEEKS)}
    for name, rows in texts.items():
        body = ("\n".join(rows) + "\n").encode()
        zipped = not name.startswith(("logs/batch", "logs/evals")) and date.fromisoformat(name[-16:-6]) not in plain
        target = root / (name + ".gz" if zipped else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(body, 9, mtime=0) if zipped else body)
    for folder, prefix, pages in (
        ("openai", "costs", openai_pages(period)),
        ("anthropic", "cost-report", anthropic_pages(period)),
    ):
        for month, page in pages.items():
            suffix = month if period.first == company.first else f"{month}-from-{period.first}"
            target = root / f"bills/{folder}/{prefix}-{suffix}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(page, encoding="utf-8")
    for name in ("outlay.yaml", "gateway/config.yaml"):
        if not (root / name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(
                (HERE / "workspace" / Path(name).name).read_text(encoding="utf-8"), encoding="utf-8"
            )


def _week(period: Period, moment: datetime) -> date:
    """The first day of the file that a moment belongs to."""
    return period.first + timedelta(days=(moment.date() - period.first).days // 7 * 7)


def _break(company: Company, period: Period, texts: dict[str, list[str]]) -> None:
    """The second week holds a few lines that no reader can take."""
    if period.first != company.first or period.days < 14:
        return
    week = period.first + timedelta(days=7)
    calls, outcomes = (
        texts[f"logs/calls/requests-{week}.jsonl"],
        texts[f"logs/outcomes/outcomes-{week}.jsonl"],
    )
    for number, text in enumerate(broken_lines()):
        calls.insert(40 + 90 * number, text)
    odd = {
        "event_id": "ev-half-done",
        "time": f"{week}T09:30:00.000Z",
        "workflow": "claims_decision",
        "unit_id": "clm-none",
        "event": "half-done",
    }
    outcomes.insert(25, line(odd))
    period.planted_elsewhere = Counter({"broken_line": 1, "tokens_as_text": 1, "unknown_event": 1})
