"""The prices that a published set was made with, kept beside it, so that a newer price list can be compared offline.

`<home>/rates/<rate book version>.json.gz` holds the whole price list as text, the overlay, and the compiled rates of
the models that the ledger had seen. Content-addressed: a version is written once.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genai_prices import types as gp

from pipelines.rates.book import RateBook
from pipelines.rates.change import changes, dump, read_dump
from pipelines.rates.identity import GENAI_PROVIDERS
from pipelines.rates.listprices import GENAI
from pipelines.rates.overlay import overlay_text
from pipelines.workspace.errors import OutlayError

#: Snapshots kept: that of the published set and some before it.
KEPT = 5
Listing = dict[str, dict[str, str]]


def listing() -> Listing:
    """The installed price list: per `provider/model` its prices by (context, start, class), as texts."""
    return {f"{p.id}/{m.id}": dict(_prices(m)) for p in GENAI_PROVIDERS for m in p.models}


def _prices(model: gp.ModelInfo) -> Iterator[tuple[str, str]]:
    standard = [gp.ConditionalPrice(prices=model.prices)] if isinstance(model.prices, gp.ModelPrice) else model.prices
    for one in standard:
        yield from _set("standard", one.constraint, one.prices)
    for variant in model.price_variants or ():
        context = "+".join(str(v) for v in variant.when.values())
        yield from _set(context, variant.constraint, variant.prices)


def _set(context: str, constraint: Any, prices: gp.ModelPrice) -> Iterator[tuple[str, str]]:
    match constraint:
        case None:
            since = "the beginning"
        case gp.StartDateConstraint():
            since = constraint.start_date.isoformat()
        case gp.TimeOfDateConstraint():
            since = f"{constraint.start_time.isoformat()}-{constraint.end_time.isoformat()} daily"
        case _:
            since = repr(constraint)
    for key, value in sorted(prices.__dict__.items()):
        if value is not None:
            each = str(value.base) if isinstance(value, gp.TieredPrices) else str(value)
            tiers = (
                "".join(f", {t.price} over {t.start}" for t in value.tiers)
                if isinstance(value, gp.TieredPrices)
                else ""
            )
            yield f"{context} {key} from {since}", each + tiers


def save(home: Path, book: RateBook) -> None:
    """Write the snapshot of this book unless it is there; of older ones the last few stay."""
    folder = home / "rates"
    file = folder / f"{book.version}.json.gz"
    if file.is_file():
        os.utime(file)
        return
    folder.mkdir(parents=True, exist_ok=True)
    document = {"package": GENAI, "list": listing(), "overlay": overlay_text(), "rates": dump(book.rates)}
    part = file.with_suffix(".part")
    part.write_bytes(gzip.compress(json.dumps(document).encode(), compresslevel=1, mtime=0))
    part.replace(file)
    for old in sorted(folder.glob("*.json.gz"), key=lambda f: f.stat().st_mtime, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)


def load(home: Path, version: str) -> dict[str, Any]:
    """Raises OutlayError where the prices of that version were not kept."""
    file = home / "rates" / f"{version}.json.gz"
    try:
        return json.loads(gzip.decompress(file.read_bytes()))
    except FileNotFoundError:
        raise OutlayError(
            f"the prices of rate book {version} were not kept (expected {file}): `outlay run --full` keeps those it uses"
        ) from None


def compared(before: dict[str, Any], book: RateBook) -> dict[str, Any]:
    """What the installed list, the overlay and the contract say that a kept snapshot does not, and the other way round.

    `prices`: one row per price of the list that changed, with old and new, None where there was or is none; `used`: one
    row per rate of this workspace's models that differs, overlay and contract included.
    """
    old, new = before["list"], listing()
    both = sorted(old.keys() & new.keys())
    was, now = before["overlay"].splitlines(), overlay_text().splitlines()
    seen = {(r.provider, r.model) for r in book.rates}
    kept = [r for r in read_dump(before["rates"]) if (r.provider, r.model) in seen]
    known = {(r.provider, r.model) for r in kept}
    return {
        "package_before": before["package"],
        "package": GENAI,
        "models_added": sorted(new.keys() - old.keys()),
        "models_removed": sorted(old.keys() - new.keys()),
        "prices": [
            {"model": model, "price": price, "before": old[model].get(price), "after": new[model].get(price)}
            for model in both
            for price in sorted(old[model].keys() | new[model].keys())
            if old[model].get(price) != new[model].get(price)
        ],
        "overlay_added": [line.strip() for line in now if line.startswith("  - ") and line not in set(was)],
        "overlay_removed": [line.strip() for line in was if line.startswith("  - ") and line not in set(now)],
        "used": [
            {k: v if v is None or isinstance(v, int) else str(v) for k, v in asdict(c).items() if k != "window"}
            for c in changes(kept, [r for r in book.rates if (r.provider, r.model) in known])
        ],
    }
