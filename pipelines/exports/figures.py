"""How figures stand in a workbook: the number format of a column, and the columns whose sum means something."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

COUNT, USD, PER, PRICE, SHARE = "#,##0", "#,##0.00", "#,##0.0000", "0.000000000000", "0.0%"

#: export -> columns that add up over its rows; ratios, prices, states and figures of other rows' wholes don't
SUMS: dict[str, tuple[str, ...]] = {
    "daily_cost": (
        "outcomes", "failed_units", "requests", "input_tokens", "output_tokens", "spend_usd", "failure_spend_usd",
    ),
    "outcome_cost": ("spend_usd", "value_usd"),
    "requests": (
        "input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_long_tokens", "output_tokens",
        "reasoning_tokens", "cost_usd",
    ),
    "charges": ("amount_usd", "list_amount_usd", "contracted_amount_usd", "effective_amount_usd"),
    "value_ranking": ("outcomes", "spend_usd", "spend_share", "value_usd"),
    "unattributed": ("requests", "spend_usd"),
    "task_cost": ("requests", "input_tokens", "output_tokens", "spend_usd"),
    "workload_profile": ("requests", "spend_usd"),
    "assign_rules": ("requests", "spend_usd"),
    "outcome_days": ("outcomes", "spend_usd", "failure_spend_usd"),
    "work_in_progress": ("units", "awaiting_acceptance", "spend_usd"),
    "rollup_cost": ("own_spend_usd",),
    "billed": ("billed_usd", "effective_usd"),
    "unseen_spend": ("amount_usd",),
    "close_adjustments": ("difference_usd",),
    "focus": ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "x_UnattributedCost"),
}  # fmt: skip
_PER = ("cost_per", "value_per", "break_even", "own_cost_per", "rolled_up_cost_per", "like_for_like", "before", "after")
_RATIOS = ("low", "high", "index", "break_even_factor", "minimum_detectable", "x_CostPerOutcome")
_SHARES = ("share", "allocation_rate", "retention", "retention_low", "retention_high", "quality_reference", "change")


def number_format(column: str, value: Any) -> str | None:
    """Excel's format for a value of this column; None for what is no number."""
    if isinstance(value, bool | str | date) or value is None:
        return None
    if isinstance(value, int):
        return COUNT
    if column.endswith(("unit_price_usd", "UnitPrice")):
        return PRICE
    if column.endswith(("Cost",)):
        return "#,##0.000000"
    if column.endswith("Quantity"):
        return "#,##0.######"
    if column.endswith(_SHARES) or column.startswith(("saving_share", "share_", "saving_low", "saving_high")):
        return SHARE
    if column.startswith(_PER) or column in _RATIOS or column in ("amount_usd", "cost_usd", "effect_usd"):
        return PER
    return USD if isinstance(value, Decimal) else PER
