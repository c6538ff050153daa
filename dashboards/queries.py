"""The one home for what the pages ask of the published set. Answers are kept by set id: a new set is asked anew.

Every value from a reader's address or field is a parameter. Rows come as dicts, money as Decimal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import streamlit as st

from pipelines.publish import currency
from pipelines.storage.models import literal
from pipelines.storage.published import Published, current
from pipelines.workspace.load import Loaded, load_workspace

Rows = list[dict[str, Any]]


def root() -> Path:
    """The workspace that is served."""
    return Path(os.environ.get("OUTLAY_WORKSPACE") or ".").expanduser().resolve()


def published() -> Published:
    """The last published set. Raises NothingPublished."""
    return current(root())


def workspace() -> Loaded:
    """The workspace file: declared tasks, tiers, owners and approvers. Raises UsageError."""
    return load_workspace(root())


def ask(p: Published, query: str, **parameters: Any) -> Rows:
    """Rows of a query over the marts."""
    return _ask(str(p.home), p.name, query, tuple(sorted(parameters.items())))


@st.cache_data(max_entries=512, show_spinner=False)
def _ask(home: str, name: str, query: str, parameters: tuple[tuple[str, Any], ...]) -> Rows:
    p = Published(Path(home), name)
    with p.connect() as con:
        return in_currency(p, _rows(con, query, dict(parameters)))


def in_currency(p: Published, rows: Rows) -> Rows:
    """Rows with their `_usd` amounts in the currency that the set is shown in."""
    shown = currency.shown(p.meta)
    return [shown.row(row) for row in rows]


def _rows(con: Any, query: str, parameters: Mapping[str, Any]) -> Rows:
    answer = con.execute(query, dict(parameters)) if parameters else con.execute(query)
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def daily(p: Published) -> Rows:
    """One row a day and workflow, with the cost per outcome of the seven days that end there."""
    rows = ask(
        p,
        """
        select *, sum(spend_usd) over seven as spend_7d_usd, sum(failure_spend_usd) over seven as failure_7d_usd,
            sum(outcomes) over seven as outcomes_7d
        from daily_cost
        window seven as (partition by workflow order by day range between interval 6 days preceding and current row)
        order by workflow, day
        """,
    )
    return [{**row, "cost_7d_usd": per(row["spend_7d_usd"], row["outcomes_7d"])} for row in rows]


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


def units(p: Published, workflow: str) -> Rows:
    """One row a unit of a workflow, dearest first."""
    return ask(
        p,
        "select unit_id, status, attempts, requests, spend_usd, value_usd, first_request, outcome_day from outcome_cost "
        "where workflow = $workflow order by spend_usd desc nulls last, unit_id",
        workflow=workflow,
    )


def unit(p: Published, workflow: str, unit_id: str) -> dict[str, Any] | None:
    """One unit; None where the workflow has none of this name."""
    found = ask(
        p, "select * from outcome_cost where workflow = $workflow and unit_id = $unit_id",
        workflow=workflow, unit_id=unit_id,
    )  # fmt: skip
    return found[0] if found else None


def requests_of(p: Published, workflow: str, unit_id: str, first: date | None) -> tuple[Rows, Rows]:
    """A unit's requests in time order, and the charges that priced them."""
    return _requests_of(str(p.home), p.name, workflow, unit_id, first)


@st.cache_data(max_entries=64, show_spinner=False)
def _requests_of(home: str, name: str, workflow: str, unit_id: str, first: date | None) -> tuple[Rows, Rows]:
    p = Published(Path(home), name)
    calls, charges = (_files(p, table, first) for table in ("requests", "charges"))
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


def _files(p: Published, table: str, first: date | None) -> str:
    return ", ".join(literal(str(file)) for file in p.segments(table, first))


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
    return ask(p, "select * from quarantine order by source, file, line")


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
