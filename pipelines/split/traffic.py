"""What serves each task type today, from the last 28 days: the reference model, volume, spend and what-if
costs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import polars as pl

MONTH_DAYS = 30
_PRICED = Fraction(95, 100)  # of the requests must be priced before the traffic's cost means anything


@dataclass(frozen=True, slots=True)
class TaskTraffic:
    """One (workflow, task type) over `days` days. Dollars; `on_model`: what all of it would cost on one
    model.
    """

    workflow: str
    task_type: str
    reference: str
    requests: int
    days: int
    spend: Decimal | None
    on_model: Mapping[str, Decimal]
    unplaced: frozenset[str] = frozenset()  # models that no rate prices where these requests run

    @property
    def daily_requests(self) -> float:
        return self.requests / max(self.days, 1)

    def saved(self, candidate: str, percent: int) -> Decimal | None:
        """Dollars that these days would have cost less with `percent` on the candidate, the rest on the
        reference.
        """
        new, old = self.on_model.get(candidate), self.on_model.get(self.reference)
        if self.spend is None or new is None or (old is None and percent < 100):
            return None
        mix = Fraction(new) * percent + Fraction(old or 0) * (100 - percent)
        return _money(Fraction(self.spend) - mix / 100)

    def saved_like(self, new: Decimal | None, old: Decimal | None, percent: int) -> Decimal | None:
        """Dollars that `percent` on a candidate would have saved of what was spent, at the cost per item of the pairs.

        For what no rate prices, such as a router: the pairs alone say what it costs against the reference.
        """
        if self.spend is None or new is None or not old:
            return None
        return _money(Fraction(self.spend) * (1 - Fraction(new) / Fraction(old)) * percent / 100)

    def month(self, saved: Decimal | None) -> Decimal | None:
        """Scaled to 30 days from the days that the ledger holds."""
        return None if saved is None else _money(Fraction(saved) * MONTH_DAYS / max(self.days, 1))


def task_traffic(
    traffic: pl.DataFrame,
    whatif: pl.DataFrame,
    recorded: Mapping[tuple[str, str], str],
    unplaced: Collection[tuple[str, str, str]] = (),
) -> list[TaskTraffic]:
    """Ordered by workflow and task type. The reference is the recorded one, else the model with the most
    spend. `unplaced`: (workflow, task type, model) that no rate prices where the requests run.
    """
    what: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in whatif.iter_rows(named=True):
        if row["spend_usd"] is not None:
            what.setdefault((row["workflow"], row["task_type"]), {})[row["model_key"]] = row["spend_usd"]
    rows: dict[tuple[str, str], list[dict]] = {}
    wanted = traffic.filter(
        pl.col("workflow").is_not_null() & pl.col("task_type").is_not_null() & (pl.col("requests") > 0)
    )
    for row in wanted.sort("workflow", "task_type", "model_key").iter_rows(named=True):
        rows.setdefault((row["workflow"], row["task_type"]), []).append(row)
    nowhere: dict[tuple[str, str], set[str]] = {}
    for workflow, task, model in unplaced:
        nowhere.setdefault((workflow, task), set()).add(model)
    return [
        replace(_task(*key, models, what.get(key, {}), recorded.get(key)), unplaced=frozenset(nowhere.get(key, ())))
        for key, models in rows.items()
    ]


def _task(workflow: str, task: str, models: list[dict], what: dict[str, Decimal], recorded: str | None) -> TaskTraffic:
    def rank(row: dict) -> tuple:
        return (-(row["spend_usd"] or 0), -row["requests"], row["model_key"])

    reference = recorded or min(models, key=rank)["model_key"]
    requests = sum(row["requests"] for row in models)
    priced = sum(row["priced_requests"] for row in models)
    spend = sum((row["spend_usd"] or Decimal(0) for row in models), Decimal(0))
    priced_some = any(row["spend_usd"] is not None for row in models)
    known = priced_some and Fraction(priced, requests) >= _PRICED
    on_model = dict(what)
    own = next((row for row in models if row["model_key"] == reference), None)
    if own is not None and known and own["spend_usd"] is not None and (len(models) == 1 or reference not in what):
        on_model[reference] = _money(Fraction(own["spend_usd"]) * requests / own["requests"])
    return TaskTraffic(
        workflow,
        task,
        reference,
        requests,
        max(row["days"] for row in models),
        spend if known else None,
        on_model,
    )


def _money(amount: Fraction) -> Decimal:
    return Decimal(round(amount * 10**12)).scaleb(-12).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
