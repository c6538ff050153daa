"""What a run answers: the document of `outlay run --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.publish import assemble
from pipelines.rates.missing import missing_yaml
from pipelines.storage import published

if TYPE_CHECKING:
    from pipelines.running import Run


def report(run: Run) -> dict[str, Any]:
    """The document of `outlay run --json`: this run's files and records, the whole published ledger's totals."""
    if run.result:
        meta, warned = run.result.meta, run.result.alerts
    else:
        current = published.current(run.loaded.root)
        meta = current.meta
        with current.connect() as con:
            warned = assemble.json_rows(con.sql("select * from alerts").pl())
    summary = meta["summary"]
    return {
        "run_id": run.run_id,
        "published": meta["set_id"],
        "days": [] if run.unchanged else [day.isoformat() for day in run.days],
        "files": {
            "read": run.intake.files_read,
            "unchanged": run.intake.files_unchanged,
            "refused": run.intake.files_refused,
        },
        "records": run.intake.records(),
        "requests": summary["requests"],
        "spend_usd": summary["spend_usd"],
        "unpriced_requests": summary["unpriced_requests"],
        "unattributed_usd": summary["unattributed_usd"],
        "alerts": warned,
        "assign": meta.get("assign", []),
        "as_of": meta["as_of"],
        "stages": [
            {"name": s.name, "rows": s.rows, "cpu_s": round(s.cpu_s, 3), "wall_s": round(s.wall_s, 3)}
            for s in run.stages
        ],
        "not_read": dict(run.intake.skipped_kinds),
        "missing_rates": missing_yaml(published.current(run.loaded.root)) if summary["unpriced_requests"] else "",
        "skipped": run.intake.skipped(),
    }
