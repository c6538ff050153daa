"""What a review reads: the marts of one published set, the workspace file, the decisions and the routing audit.

Amounts stay dollars here; texts are made in the currency that the set is shown in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.outcomes.period import PERIOD_DAYS, published_period
from pipelines.publish import formats
from pipelines.publish.currency import Shown, shown
from pipelines.review.weeks import Chosen, Week, choose
from pipelines.routing import audit
from pipelines.storage.published import Published
from pipelines.workspace.decisions import Decision, read_decisions
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Workspace

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]
SPLIT_DAYS = 7


@dataclass(frozen=True)
class Facts:
    """Everything that the parts of a review are made of; lists of mart rows unless said otherwise."""

    published: Published
    config: Workspace
    currency: Shown
    chosen: Chosen
    index: Rows  #: `weekly_index` of the week and the one before
    bridge: Rows  #: of the week, all workflows
    contributors: Rows  #: `bridge_detail` of the weeks to `seen_to`
    alarms: Rows  #: raised by `seen_to`, with `open` as of then
    states: Rows  #: `drift_state`
    budgets: Rows  #: of the month of `seen_to`
    ranking: Rows  #: over 28 days to `seen_to`
    sensitivity: Rows
    totals: Rows
    basis: Rows  #: `value_basis` in force
    task_days: Rows  #: (day, workflow, task type, tier): requests and spend
    daily: Rows  #: `daily_cost`
    adherence: Rows  #: of the seven days to `seen_to`
    promises: Rows  #: the mart `decisions`: every move of a route, promised against realised
    restated: Rows
    recommendations: tuple[dict[str, Any], ...]  #: of the present set
    disagreements: tuple[dict[str, Any], ...]
    decisions: tuple[Decision, ...]
    audit: tuple[dict[str, Any], ...]

    @property
    def week(self) -> Week:
        return self.chosen.week

    @property
    def period_first(self) -> date:
        return self.chosen.seen_to - timedelta(days=PERIOD_DAYS - 1)

    def owner(self, workflow: str | None) -> str:
        """The workflow's owner, else the first approver."""
        declared = self.config.workflows.get(workflow or "")
        if declared and declared.owner:
            return declared.owner
        approvers = self.config.routing.approvers
        return approvers[0].name if approvers else "nobody declared"

    def money(self, usd: Decimal | None) -> str:
        """Spend, in the currency shown."""
        return formats.money(self.currency(usd))

    def per(self, usd: Decimal | None) -> str:
        """A cost per outcome, in the currency shown."""
        return formats.unit_cost(self.currency(usd))

    @property
    def by(self) -> str:
        """Who decides, as a command line names them."""
        approvers = self.config.routing.approvers
        return approvers[0].name if approvers else "NAME"

    def unit(self, workflow: str) -> str:
        declared = self.config.workflows.get(workflow)
        return declared.unit if declared else "unit"


def read_facts(loaded: Loaded, published: Published, asked: str | None = None) -> Facts:
    """Raises UsageError for a week that the set doesn't hold, OutlayError for a set that an older version published, and
    where decisions or audit can't be read."""
    meta = published.meta
    if not meta["as_of"]:
        raise OutlayError("what is published is empty, so there is no week to review: outlay run with logs")
    as_of = date.fromisoformat(meta["as_of"])
    rows, broken = audit.examine(loaded.root)
    if broken:
        raise OutlayError(f"{broken}; restore the file from version control, then try again")
    try:
        with published.connect() as con:
            return _read(con, loaded, published, as_of, asked, rows)
    except duckdb.CatalogException as error:
        raise OutlayError("the published set is of an older version of Outlay: outlay run, then try again") from error


def _read(
    con: duckdb.DuckDBPyConnection, loaded: Loaded, published: Published, as_of: date, asked: str | None,
    audited: list[dict[str, Any]],
) -> Facts:  # fmt: skip
    def rows(query: str, **values: Any) -> Rows:
        return con.sql(query, params=values).pl().to_dicts() if values else con.sql(query).pl().to_dicts()

    config = loaded.config
    weeks = [
        Week(r["monday"])
        for r in rows(
            "select distinct cast(date_trunc('week', day) as date) as monday from "
            "(select day from daily_spend union all select day from daily_cost) order by monday"
        )
    ]
    maturity = max((w.maturity_days for w in config.workflows.values()), default=0)
    chosen = choose(asked, weeks, as_of, maturity)
    week, seen = chosen.week, chosen.seen_to
    first = seen - timedelta(days=PERIOD_DAYS - 1)
    if seen == as_of:
        ranking, sensitivity, totals = (
            rows(f"from {mart}") for mart in ("value_ranking", "value_sensitivity", "workflow_totals")
        )
    else:
        earlier = published_period(published, first, seen)
        ranking, sensitivity, totals = (
            (earlier.ranking.to_dicts(), earlier.sensitivity.to_dicts(), earlier.totals.to_dicts())
            if earlier
            else ([], [], [])
        )
    document = published.recommendations
    return Facts(
        published=published, config=config, currency=shown(published.meta), chosen=chosen,
        index=rows("from weekly_index where first_day = $first or first_day = $before order by first_day, workflow",
                   first=week.first, before=week.before.first),
        bridge=rows("from bridge where first_day = $first", first=week.first),
        contributors=rows(
            "from bridge_detail where first_day <= $seen order by first_day, workflow, abs(effect_usd) desc, contributor", seen=seen
        ),
        alarms=rows(
            "select *, case when $now then status = 'open' else closed_day is null or closed_day > $seen end as open "
            "from drift where detected_day <= $seen order by open desc, abs(change) desc, alarm",
            seen=seen, now=seen == as_of,
        ),
        states=rows("from drift_state order by workflow"),
        budgets=rows("from budgets where month = $month order by scope, workflow, value", month=f"{seen:%Y-%m}"),
        ranking=sorted(ranking, key=lambda r: (r["rank"] is None, r["rank"] or 0, r["workflow"])),
        sensitivity=sensitivity, totals=totals,
        basis=rows(
            "from value_basis where (valid_from is null or valid_from <= $seen) and (valid_to is null or valid_to > $seen)",
            seen=seen,
        ),
        task_days=rows(
            "select day, workflow, task_type, tier, cast(sum(requests) as bigint) as requests, sum(spend_usd) as spend_usd from task_cost "
            "where day <= $seen group by all order by all", seen=seen,
        ),
        daily=rows("from daily_cost where day <= $seen order by day, workflow", seen=seen),
        adherence=rows(
            "from adherence where day between $first and $seen order by all",
            first=seen - timedelta(days=SPLIT_DAYS - 1), seen=seen,
        ),
        promises=rows("from decisions order by approved_at, workflow, task_type"),
        restated=rows(
            "select workflow, count(*) as days from restatements where day between $first and $last group by workflow "
            "order by workflow", first=week.before.first, last=week.last,
        ),
        recommendations=tuple(document["recommendations"]), disagreements=tuple(document["disagreements"]),
        decisions=tuple(read_decisions(loaded.root)), audit=tuple(audited),
    )  # fmt: skip
