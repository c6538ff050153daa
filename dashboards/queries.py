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
from pipelines.storage.published import Published, current
from pipelines.workspace.load import FILE_NAME, Loaded, load_workspace

Rows = list[dict[str, Any]]


def root() -> Path:
    """The workspace that is served."""
    return Path(os.environ.get("OUTLAY_WORKSPACE") or ".").expanduser().resolve()


def told(error: Exception) -> str:
    """What went wrong, with files named as they lie in the workspace: where that lies is the server's affair."""
    return str(error).replace(f"{root()}{os.sep}", "").replace(str(root()), "the workspace folder")


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
    with marts(p) as con:
        return in_currency(p, _rows(con, query, dict(parameters)))


def marts(p: Published) -> duckdb.DuckDBPyConnection:
    """A cursor on the marts of a set, to be closed by who asks for it."""
    con = _open(str(p.home), p.name).cursor()
    con.execute("use marts")
    return con


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


def unattributed(p: Published, first: date, last: date) -> Rows:
    """One row a (reason, workflow) of a period, most spend first."""
    return ask(
        p,
        "select reason, workflow, sum(requests) as requests, sum(spend_usd) as spend_usd, max(day) as last_day from unattributed "
        "where day between $first and $last group by all order by spend_usd desc nulls last, reason, workflow",
        first=first, last=last,
    )  # fmt: skip


def spend(p: Published, first: date, last: date) -> dict[str, Any]:
    """All spend of a period, and what no unit bears of it; unknown where nothing of that has a price."""
    return ask(
        p,
        "select case when count(*) = 0 or count(spend_usd) > 0 then coalesce(sum(spend_usd), 0) end as spend_usd, "
        "case when coalesce(sum(unattributed_requests), 0) = 0 or sum(unattributed_priced) > 0 "
        "then coalesce(sum(unattributed_usd), 0) end as unattributed_usd, "
        "sum(requests) as requests, sum(unpriced_requests) as unpriced_requests from daily_spend where day between $first and $last",
        first=first, last=last,
    )[0]  # fmt: skip
