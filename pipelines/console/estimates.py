"""The forecast of a planned workflow as people's text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rich.table import Table

from pipelines.console.headline import render


def estimate_text(document: dict[str, Any]) -> str:
    """One row per task and model; the two ways to run it all below."""
    table = Table(box=None, pad_edge=False, title=f"Rates of {document['at'][:10]}", title_justify="left")
    for name in ("Task", "Needs", "Tier", "Model"):
        table.add_column(name)
    for name in ("Tokens a call", "Calls", "$ per outcome", "$ a month"):
        table.add_column(name, justify="right")
    for row in document["tasks"]:
        table.add_row(
            row["task"], row["needed_tier"] or "not declared",
            row["tier"] + (" ←" if row["tier"] == row["needed_tier"] else ""), row["model"],
            f"{row['input_tokens']:,} + {row['output_tokens']:,}", row["calls"], _usd(row["cost_per_outcome_usd"], 4),
            _usd(row["cost_month_usd"], 2),
        )  # fmt: skip
    lines = [render(table), ""]
    says = {"needed": "Every task on the tier that it needs", "dearest": "Everything on the highest tier"}
    for way, words in says.items():
        cost = document["ways"][way]
        lines.append(
            f"{words}: {_usd(cost['cost_per_outcome_usd'], 4)} per outcome, {_usd(cost['cost_month_usd'], 2)} a month "
            f"at {document['outcomes_month']:,} outcomes."
        )
    return "\n".join(lines)


def _usd(amount: str | None, places: int) -> str:
    return "no rate" if amount is None else f"${Decimal(amount):,.{places}f}"
