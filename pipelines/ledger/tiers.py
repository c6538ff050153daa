"""Which tier lists a model: tiers and logs meet on the canonical name, so one model stands in one tier."""

from __future__ import annotations

from collections import defaultdict

from pipelines.rates.book import RateBook
from pipelines.rates.contract import read_contract
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import Loaded


def tier_of_model(loaded: Loaded) -> dict[str, str]:
    """Canonical `provider/model` -> tier. Raises UsageError where two tiers list one model, however it is spelt."""
    found: dict[str, str] = {}
    for model, spelt in _spellings(loaded).items():
        (first, tier), *others = spelt
        for other, beside in others:
            if beside != tier:
                raise UsageError(
                    f"{loaded.root / 'outlay.yaml'}: tiers: {first} ({tier}) and {other} ({beside}) are one model, "
                    f"{model}: list it in one tier"
                )
        found[model] = tier
    return found


def spelt_twice(loaded: Loaded) -> list[str]:
    """Warnings: models that one tier lists under several names."""
    return [
        f"tiers.{spelt[0][1]}: {' and '.join(name for name, _ in spelt)} are one model, {model}: one of them is enough"
        for model, spelt in _spellings(loaded).items()
        if len(spelt) > 1 and len({tier for _, tier in spelt}) == 1
    ]


def _spellings(loaded: Loaded) -> dict[str, list[tuple[str, str]]]:
    """Canonical name -> the names that tiers list it under, each with its tier, in the file's order."""
    contract = loaded.config.rates.contract
    book = RateBook(read_contract(None if contract is None else loaded.path(contract)))
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for tier in loaded.config.tiers:
        for listed in tier.models:
            provider, _, name = listed.partition("/")
            found[book.canonical(provider, name)].append((listed, tier.name))
    return dict(found)
