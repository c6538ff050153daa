"""What a scan found, for people, and the names that its sources get."""

from __future__ import annotations

import re

from pipelines.workspace.findings import Findings, SourceFound

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def named_sources(findings: Findings) -> list[tuple[str, SourceFound]]:
    """A name for each source: its folder's, else its kind's, numbered where that is taken."""
    named: dict[str, SourceFound] = {}
    for source in findings.sources:
        folders = [part for part in source.pattern.split("/")[:-1] if part and not re.search(r"[*?]", part)]
        own = _NO_NAME.sub("-", folders[-1]).strip("-.")[:50].lower() if folders else ""
        siblings = sum(_folder(other) == _folder(source) for other in findings.sources)
        base = own if own and siblings == 1 and not own.isdigit() else source.kind
        name, number = base, 2
        while name in named:
            name, number = f"{base}-{number}", number + 1
        named[name] = source
    return list(named.items())


def _folder(source: SourceFound) -> str:
    return source.pattern.rpartition("/")[0]


def summary(findings: Findings) -> str:
    """What was found, for people."""
    lines = [f"{findings.files} files looked at, {findings.unknown} of no kind that Outlay knows"]
    lines += [f"  not known: {name}" for name in findings.strangers]
    lines += [f"  {name:<20} {s.kind:<18} {s.files:>6} files  {s.pattern}" for name, s in named_sources(findings)]
    if findings.first and findings.last:
        lines.append(
            f"{findings.requests} requests and {findings.outcomes} outcome events from {findings.first:%Y-%m-%d} to {findings.last:%Y-%m-%d}"
        )
    if findings.models:
        lines.append(
            f"{len(findings.models)} models of {len({p for p, _ in findings.models})} providers, {len(findings.unpriced)} without a rate"
        )
    lines += [f"  without a rate: {'/'.join(pair)}" for pair in findings.unpriced[:10]]
    lines += [f"  tag {key}: {percent(share)}" for key, share, _ in findings.coverage[:10]]
    lines += [
        f"  workflow {name}: {seen.requests} requests, unit {seen.unit(name)}"
        for name, seen in findings.workflows.items()
    ]
    if not findings.complete:
        lines.append("the folder is larger than what is looked at: counts are of a part of it")
    return "\n".join(lines)


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"
