"""The one home for what the pages ask of the published set. Answers are kept by set id: a new set is asked anew.

Every value from a reader's address or field is a parameter. Rows come as dicts, money as Decimal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from pipelines.publish import currency
from pipelines.storage.models import literal
from pipelines.storage.published import Published, current
from pipelines.workspace.load import FILE_NAME, Loaded, load_workspace

Rows = list[dict[str, Any]]
REFUSED_SHOWN = 200  #: refused records on the page; the export has all
A_SMALL_DAY = 50_000  #: requests; their file is read in some hundredths of a second


def root() -> Path:
    """The workspace that is served."""
    return Path(os.environ.get("OUTLAY_WORKSPACE") or ".").expanduser().resolve()


def published() -> Published:
    """The last published set. Raises NothingPublished."""
    return current(root())


def workspace() -> Loaded:
    """The workspace file: declared tasks, tiers, owners and approvers; read anew when its text changes. Raises UsageError."""
    folder = root()
    try:
        text = (folder / FILE_NAME).read_bytes()
    except OSError:
        return load_workspace(folder)
    return _workspace(folder, text)


@st.cache_resource(max_entries=2, show_spinner=False)
def _workspace(folder: Path, text: bytes) -> Loaded:  # noqa: ARG001 (`text` is what the answer is kept by)
    return load_workspace(folder)


def declares_login() -> bool:
    """Whether a workspace file that isn't valid seems to want a login; one that can't be read at all may."""
    try:
        text = (root() / "outlay.yaml").read_text("utf-8")
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    return re.search(r"\blogin[\"']?\s*:", text) is not None


def ask(p: Published, query: str, **parameters: Any) -> Rows:
    """Rows of a query over the marts."""
    return _ask(str(p.home), p.name, query, tuple(sorted(parameters.items())))


@st.cache_data(max_entries=512, show_spinner=False)
def _ask(home: str, name: str, query: str, parameters: tuple[tuple[str, Any], ...]) -> Rows:
    p = Published(Path(home), name)
    with _open(home, name).cursor() as con:
        con.execute("use marts")
        return in_currency(p, _rows(con, query, dict(parameters)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _open(home: str, name: str) -> duckdb.DuckDBPyConnection:
    """One hardened connection to a set for all pages and readers; every question has a cursor of its own."""
    return Published(Path(home), name).connect()


def in_currency(p: Published, rows: Rows) -> Rows:
    """Rows with their `_usd` amounts in the currency that the set is shown in."""
    shown = currency.shown(p.meta)
    return [shown.row(row) for row in rows]


def _rows(con: Any, query: str, parameters: Mapping[str, Any]) -> Rows:
    answer = con.execute(query, dict(parameters)) if parameters else con.execute(query)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def daily(p: Published, workflow: str) -> Rows:
    """One row a day of a workflow, with the cost per outcome of the seven days that end there."""
    rows = ask(
        p,
        """
        select *, sum(spend_usd) over seven as spend_7d_usd, sum(failure_spend_usd) over seven as failure_7d_usd,
            sum(outcomes) over seven as outcomes_7d
        from daily_cost
        where workflow = $workflow
        window seven as (order by day range between interval 6 days preceding and current row)
        order by day
        """,
        workflow=workflow,
    )
    return [{**row, "cost_7d_usd": per(row["spend_7d_usd"], row["outcomes_7d"])} for row in rows]


def recent(p: Published, first: date) -> Rows:
    """One row a day and workflow since a day: spend, outcomes, and whether the day is provisional."""
    return ask(
        p,
        "select day, workflow, unit, spend_usd, outcomes, provisional from daily_cost where day >= $first order by workflow, day",
        first=first,
    )


def sevens(p: Published, first: date) -> Rows:
    """One row a mature day and workflow since a day: the cost per outcome of the seven days that end there."""
    return ask(
        p,
        "select workflow, day, cost_per_outcome_7d_usd as cost_7d_usd, provisional from outcome_days "
        "where day >= $first and not provisional and cost_per_outcome_7d_usd is not null order by workflow, day",
        first=first,
    )


def per(amount: Decimal | None, number: int | Decimal | None) -> Decimal | None:
    """A ratio of exact sums; None where there is nothing to divide by."""
    return None if amount is None or number is None or number <= 0 else amount / number


def totals(p: Published) -> Rows:
    """One row a workflow for the last 28 days, most spend first."""
    return ask(p, "select * from workflow_totals order by spend_usd desc nulls last, workflow")


def ranking(p: Published) -> Rows:
    """One row a workflow: best first, unranked last."""
    return ask(p, "select * from value_ranking order by rank nulls last, workflow")


def task_spend(p: Published, first: date, last: date) -> Rows:
    """One row a (workflow, task type, tier, model) of a period."""
    return ask(
        p,
        "select workflow, task_type, tier, provider || '/' || model as model, sum(requests) as requests, "
        "sum(spend_usd) as spend_usd from task_cost where day between $first and $last group by all order by all",
        first=first, last=last,
    )  # fmt: skip


def alerts(p: Published) -> Rows:
    """One row a (kind, subject): its latest day and detail, and on how many days it was raised. Severest first."""
    return ask(
        p,
        "select kind, subject, severity, count(*) as days, max(day) as day, arg_max(detail, day) as detail from alerts "
        "group by kind, subject, severity "
        "order by case severity when 'high' then 1 when 'medium' then 2 else 3 end, count(*) desc, kind, subject",
    )


def open_alarms(p: Published) -> Rows:
    """One row an open shock or drift, the largest change first."""
    return ask(p, "select * from drift where status = 'open' order by abs(change) desc, workflow, kind")


def watched(p: Published) -> Rows:
    """One row a workflow: its baseline, and the smallest change that its noise would let be found."""
    return ask(p, "select * from drift_state order by workflow")


def unit_summary(p: Published, workflow: str) -> dict[str, Any] | None:
    """How many units of a workflow have a cost, and how it spreads; None where none has."""
    found = ask(p, "select * from unit_summary where workflow = $workflow", workflow=workflow)
    return found[0] if found else None


def unit_spread(p: Published, workflow: str) -> Rows:
    """One row a step of cost that units of a workflow fall into."""
    return ask(p, "select * from unit_spread where workflow = $workflow order by step", workflow=workflow)


def dearest(p: Published, workflow: str) -> Rows:
    """The dearest units of a workflow, dearest first."""
    return ask(
        p,
        "select unit_id, status, attempts, requests, spend_usd, value_usd, first_request, outcome_day from dearest_units "
        "where workflow = $workflow order by place",
        workflow=workflow,
    )


def unit(p: Published, workflow: str, unit_id: str) -> dict[str, Any] | None:
    """One unit; None where the workflow has none of this name."""
    found = ask(
        p, "select * from outcome_cost where workflow = $workflow and unit_id = $unit_id",
        workflow=workflow, unit_id=unit_id,
    )  # fmt: skip
    return found[0] if found else None


def opens_by_itself(p: Published, day: date) -> bool:
    """Whether a day's file of requests is small enough to be read for a unit that nobody asked for."""
    found = ask(p, "select coalesce(sum(requests), 0) as requests from daily_spend where day = $day", day=day)
    return found[0]["requests"] <= A_SMALL_DAY


def requests_of(p: Published, workflow: str, unit_id: str, first: date | None, last: date | None) -> tuple[Rows, Rows]:
    """A unit's requests from `first` to `last` in time order, and the charges that priced them: a file a day is read."""
    return _requests_of(str(p.home), p.name, workflow, unit_id, first, last)


@st.cache_data(max_entries=64, show_spinner=False)
def _requests_of(
    home: str, name: str, workflow: str, unit_id: str, first: date | None, last: date | None
) -> tuple[Rows, Rows]:
    p = Published(Path(home), name)
    calls, charges = (_files(p, table, first, last) for table in ("requests", "charges"))
    if not calls or not charges:
        return [], []
    preload = {
        "calls": (
            f"select * from read_parquet([{calls}]) where workflow = $workflow "
            "and (unit_id = $unit_id or list_contains(units, $unit_id))",
            {"workflow": workflow, "unit_id": unit_id},
        ),
        "priced": (f"select * from read_parquet([{charges}]) where request_key in (select request_key from calls)", {}),
    }
    with p.connect(preload) as con:
        found = _rows(
            con, "select *, latency_ms as latency_s, coalesce(len(units), 1) as shared_by from memory.calls "
            "order by time, request_key", {},
        )  # fmt: skip
        priced = _rows(
            con, "select calls.time, calls.attempt_id, priced.* from memory.priced join memory.calls using (request_key) "
            "order by calls.time, request_key, sku", {},
        )  # fmt: skip
    return in_currency(p, found), in_currency(p, priced)


def _files(p: Published, table: str, first: date | None, last: date | None) -> str:
    return ", ".join(literal(str(file)) for file in p.segments(table, first, last))


def unattributed(p: Published, first: date, last: date) -> Rows:
    """One row a (reason, workflow) of a period, most spend first."""
    return ask(
        p,
        "select reason, workflow, sum(requests) as requests, sum(spend_usd) as spend_usd, max(day) as last_day from unattributed "
        "where day between $first and $last group by all order by spend_usd desc nulls last, reason, workflow",
        first=first, last=last,
    )  # fmt: skip


def spend(p: Published, first: date, last: date) -> dict[str, Any]:
    """All spend of a period, unattributed included."""
    return ask(
        p,
        "select coalesce(sum(spend_usd), 0) as spend_usd, coalesce(sum(unattributed_usd), 0) as unattributed_usd, "
        "sum(requests) as requests, sum(unpriced_requests) as unpriced_requests from daily_spend where day between $first and $last",
        first=first, last=last,
    )[0]  # fmt: skip


def sources(p: Published) -> Rows:
    return ask(p, "select * from sources_health order by source")


def quarantine(p: Published) -> Rows:
    """The first refused records; the export has all."""
    return ask(p, f"select * from quarantine order by source, file, line limit {REFUSED_SHOWN}")


def refusals(p: Published) -> Rows:
    """One row a (source, reason): how often, most first."""
    return ask(
        p, "select source, reason, count(*) as times from quarantine group by all order by times desc, source, reason"
    )


def unpriced(p: Published) -> Rows:
    return ask(p, "select * from unpriced_models order by cost_basis desc, requests desc, provider, model")


def restatements(p: Published) -> Rows:
    return ask(p, "select * from restatements order by published_at desc, day desc, workflow limit 200")


def assign_rules(p: Published) -> Rows:
    return ask(p, "select * from assign_rules order by rule")


def coverage(p: Published, first: date, last: date) -> Rows:
    """Days of the usage reports, what is covered least first."""
    return ask(
        p, "select * from coverage where day between $first and $last order by share nulls last, day desc, provider, model",
        first=first, last=last,
    )  # fmt: skip
