"""Workflows, task types and models as people say them; commands and files keep the names of the logs."""

from __future__ import annotations

from pipelines.publish import formats

_SHORT = {"sku", "id", "ai", "crm", "hr", "kyc", "faq"}


def human(name: str | None) -> str:
    """`internal_reporting` -> `Internal reporting`; abbreviations stay capital."""
    if not name:
        return formats.UNKNOWN
    words = name.replace("_", " ").replace("-", " ").replace(".", " ").split()
    said = " ".join(w.upper() if w.lower() in _SHORT else w for w in words)
    return said[:1].upper() + said[1:]


def within(name: str | None) -> str:
    """A name inside a sentence: `internal reporting`."""
    said = human(name)
    return said if said[:2].isupper() else said[:1].lower() + said[1:]


def task(workflow: str, task_type: str) -> str:
    """One task type among all, as a chooser and its address name it: `Clause extraction (contract review)`."""
    return f"{human(task_type)} ({within(workflow)})"


def task_within(workflow: str, task_type: str) -> str:
    """The same inside a sentence: `clause extraction (contract review)`."""
    return f"{within(task_type)} ({within(workflow)})"


def missing_rates(text: str | None) -> str:
    """`input@standard,output@batch,region=eu` -> `input; output of batch calls, in eu`: what no rate covers."""
    if not text:
        return formats.UNKNOWN
    parts = text.split(",")
    by_tier: dict[str, list[str]] = {}
    for cls, _, tier in (part.partition("@") for part in parts if "@" in part):
        by_tier.setdefault(tier, []).append(cls.replace("_", " "))
    said = [
        formats.listing(classes) + ("" if tier == "standard" else f" of {tier} calls")
        for tier, classes in by_tier.items()
    ]
    others = [part for part in parts if "@" not in part and not part.startswith("region=")]
    regions = [part.removeprefix("region=") for part in parts if part.startswith("region=")]
    return "; ".join([*said, *others]) + "".join(f", in {region}" for region in regions)


def model(name: str | None) -> str:
    """`openai/gpt-5-mini` -> `gpt-5-mini`: what stands after the provider."""
    return (name or formats.UNKNOWN).rpartition("/")[2]
