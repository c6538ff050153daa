"""What `outlay rates diff`, `update` and `missing` say: changed prices, what they would move, and rates to add."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pipelines.ledger.repricing import rates_diff
from pipelines.rates import snapshot
from pipelines.rates.book import RateBook
from pipelines.rates.missing import missing_of, rates_yaml
from pipelines.storage.published import current
from pipelines.workspace.errors import NothingPublished, UsageError
from pipelines.workspace.load import Loaded

#: Lines of a list that people read; `--json` has all.
SHOWN = 20


def diff_text(document: dict[str, Any]) -> str:
    """One line a day and model, the sum, and the command that moves them."""
    moves = document["moves"]
    if not moves:
        return f"Rate book {document['present']}: no charge would move."
    lines = [f"Rate book {document['present']} (the last run priced with {document['last_run_with']}) would move:"]
    for row in moves:
        before, after = (row[f"{end}_usd"] or "unpriced" for end in ("before", "after"))
        lines.append(
            f"  {row['day']}  {row['provider']}/{row['model']}: {before} -> {after} ({row['requests']} requests)"
        )
    change = sum(Decimal(row["after_usd"] or 0) - Decimal(row["before_usd"] or 0) for row in moves)
    lines.append(
        f"In all {change:+,.2f} USD. New rates price what was unpriced by themselves; the rest: outlay run --full"
    )
    return "\n".join(lines)


def update_document(loaded: Loaded) -> dict[str, Any]:
    """The prices of the published set against those installed now, and what would move of what was charged.

    Raises NothingPublished before the first run, OutlayError where the published set's prices were not kept. Writes
    nothing: a run prices new requests with the installed list, and charged days move with `run --full` alone.
    """
    before = current(loaded.root).meta["rate_book"]
    moved = rates_diff(loaded)
    document: dict[str, Any] = {"rate_book_before": before, "rate_book": moved["present"], "moves": moved["moves"]}
    if before == moved["present"]:
        return document | {"changed": False}
    return document | {"changed": True} | snapshot.compared(snapshot.load(loaded.home, before), _book(loaded))


def update_text(document: dict[str, Any]) -> str:
    """What changed in the list, in the overlay, for this workspace's models, and what would move."""
    if not document["changed"]:
        return f"Rate book {document['rate_book']}: the prices are those that the published set was made with."
    packages = [document["package_before"], document["package"]]
    title = " -> ".join(dict.fromkeys(packages))
    lines = [f"{title}: rate book {document['rate_book_before']} -> {document['rate_book']}"]
    lines += _some("models added", document["models_added"])
    lines += _some("models removed", document["models_removed"])
    lines += _some(
        "list prices changed",
        [f"{r['model']}: {r['price']}: {r['before'] or 'none'} -> {r['after'] or 'none'}" for r in document["prices"]],
    )
    lines += _some("overlay blocks added", document["overlay_added"])
    lines += _some("overlay blocks removed", document["overlay_removed"])
    lines += _some("rates of this workspace's models changed", [_used(row) for row in document["used"]])
    change = sum(Decimal(r["after_usd"] or 0) - Decimal(r["before_usd"] or 0) for r in document["moves"])
    lines.append(
        f"Of what was charged, {len(document['moves'])} days and models would move, {change:+,.2f} USD (outlay rates diff). "
        "The next run prices new requests with these prices; charged days move with outlay run --full alone."
    )
    return "\n".join(lines)


def _used(row: dict[str, Any]) -> str:
    where = f" in {row['region']}" if row["region"] else ""
    band = f" over {row['band_over']:,}" if row["band_over"] >= 0 else ""
    since, until = row["valid_from"] or "the beginning", f" to {row['valid_to']}" if row["valid_to"] else ""
    before, after = (_each(row[end]) for end in ("before", "after"))
    return f"{row['provider']}/{row['model']} {row['class_']} at {row['service_tier']}{where}{band} from {since}{until}: {before} -> {after}"


def _each(price: str | None) -> str:
    return "none" if price is None else f"{(Decimal(price) * 1_000_000).normalize():f} per million"


def _some(title: str, rows: list[str]) -> list[str]:
    if not rows:
        return []
    more = [f"  and {len(rows) - SHOWN:,} more: --json has all"] if len(rows) > SHOWN else []
    return [f"{len(rows):,} {title}", *(f"  {row}" for row in rows[:SHOWN]), *more]


def _book(loaded: Loaded) -> RateBook:
    """The rates as they are now, of every model that the published set names."""
    contract = loaded.config.rates.contract
    with current(loaded.root).connect() as con:
        pairs = con.execute("select distinct provider, model from task_cost where model is not null").fetchall()
    return RateBook.for_models(sorted(pairs), loaded.path(contract) if contract else None)


def missing_document(loaded: Loaded) -> dict[str, Any]:
    """`rates_yaml` is the block for rates.yaml; `missing` names per model and region who lacks it."""
    contract = loaded.config.rates.contract
    found = missing_of(current(loaded.root), RateBook.for_models([], loaded.path(contract) if contract else None))
    return {
        "rates_yaml": rates_yaml(found),
        "missing": [
            {
                "provider": lack.provider,
                "model": lack.model,
                "region": lack.region or None,
                "classes": [{"class": cls, "service_tier": tier} for cls, tier in lack.classes],
                "requests": lack.requests,
                "recorded_requests": lack.recorded,
                "first_day": lack.first_day.isoformat(),
                "last_day": lack.last_day.isoformat(),
                "entries": list(lack.entries),
                "notes": list(lack.notes),
            }
            for lack in found
        ],
    }


def missing_text(document: dict[str, Any]) -> str:
    if not document["missing"]:
        return "Every request has a rate, or nothing billable."
    return (
        "# Rates that requests lack: fill in the price and put these under rates: of the file that rates.contract names.\n"
        + document["rates_yaml"].rstrip()
    )


def missing_warnings(loaded: Loaded) -> list[str]:
    """One warning a model and region that lacks a rate in the published set; none before the first run."""
    try:
        found = missing_document(loaded)["missing"]
    except (NothingPublished, UsageError):
        return []
    return [
        f"{row['requests']:,} requests of {row['provider']}/{row['model']}"
        + (f" in {row['region']}" if row["region"] else "")
        + f" lack a rate ({', '.join(' at '.join(c.values()) for c in row['classes'])}): "
        "outlay rates missing writes what to add"
        for row in found
    ]
