"""`outlay init --scan`: a bounded look through a folder of logs.

Links are not followed, hidden files and folders not entered. Bounds: `FILES` files listed, `READ` of them read,
`RECORDS` records in all; what they leave out makes the findings incomplete, never wrong.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.rates.book import Rate, RateBook
from pipelines.rates.identity import canonical
from pipelines.sources.bills import EmptyBucket
from pipelines.sources.context import FileRef, date_in_path
from pipelines.sources.detect import looks_like
from pipelines.sources.files import Refused, plain_name
from pipelines.sources.record import OutcomeEvent, Quarantined, RequestRecord, SpanContext
from pipelines.sources.registry import FORMATS, kinds_read, read, read_aggregated
from pipelines.sources.sampling import FLAG as SAMPLED
from pipelines.workspace.errors import UsageError
from pipelines.workspace.findings import Findings, SourceFound
from pipelines.workspace.globs import literal, mask, patterns, private
from pipelines.workspace.ladder import mean_price, tiers
from pipelines.workspace.logs import Tags

FILES = 50_000
READ = 2_000
RECORDS = 200_000
#: Files of one series (names that differ in numbers only) of which each is looked into; of more, that many.
SERIES = 20
#: Patterns written down, at most.
SOURCES = 100
#: Names of files of no kind that are told.
STRANGERS = 12
_DATA = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".log")
_MAPPED = Tags().keys


def scan(folder: Path, root: Path) -> Findings:
    """What lies in `folder`, with patterns as a workspace in `root` would write them.

    Raises UsageError where it is no folder.
    """
    folder, root = folder.expanduser().resolve(), root.expanduser().resolve()
    if not folder.is_dir():
        raise UsageError(f"--scan {folder}: expected a folder of logs")
    findings = Findings()
    files = list(_listed(folder, findings))
    findings.files = len(files)
    kinds = _kinds(folder, files)
    findings.unknown = sum(kind is None for kind in kinds.values())
    findings.strangers = _strangers(kinds)
    prefix = folder.relative_to(root) if folder.is_relative_to(root) else folder
    before = "" if prefix == Path() else literal_prefix(prefix)
    groups = [group for group in patterns(kinds) if group.kind in kinds_read()]
    if len(groups) > SOURCES:
        groups, findings.complete = sorted(groups, key=lambda group: -len(group.files))[:SOURCES], False
        findings.skipped["pattern beyond the first hundred"] += 1
    share = _Share(sum(len(group.files) for group in groups))
    for group in groups:
        source = SourceFound(group.kind, before + group.pattern, len(group.files))
        findings.sources.append(source)
        for file in share.of(group.files):
            shown = (prefix / file).as_posix()
            ref = FileRef(folder / file, shown, date_in_path(shown), mapped=_MAPPED)
            if not _read(group.kind, ref, source, findings, share.records):
                findings.complete = False
    findings.complete = findings.complete and share.whole
    _price(findings)
    return findings


def literal_prefix(prefix: Path) -> str:
    """The way to the folder as the beginning of a pattern."""
    way = literal(PurePosixPath(*[part for part in prefix.parts if part != "/"])) + "/"
    return "/" + way if prefix.is_absolute() else way


class _Share:
    """How much of each group is read, so that the whole stays within the bounds."""

    def __init__(self, files: int) -> None:
        self.every = max(1, -(-files // READ))
        self.records = max(200, RECORDS // max(1, min(files, READ)))
        self.whole = self.every == 1

    def of(self, files: tuple[PurePosixPath, ...]) -> tuple[PurePosixPath, ...]:
        """Every n-th file, first and last included."""
        return files if self.every == 1 else tuple(dict.fromkeys((*files[:: self.every], files[-1])))


def _listed(folder: Path, findings: Findings) -> Iterator[PurePosixPath]:
    """Regular files that hold something, in the order of their names."""
    left = FILES
    waiting = [folder]
    while waiting:
        at = waiting.pop()
        try:
            entries = sorted(os.scandir(at), key=lambda entry: entry.name)
        except OSError:
            findings.skipped["folder that cannot be listed"] += 1
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in ("node_modules", "__pycache__"):
                continue
            if entry.is_symlink():
                findings.skipped["link"] += 1
            elif entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif not entry.name.isprintable() or not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                findings.skipped["no regular file, or a name that can't be written"] += 1
            elif entry.stat(follow_symlinks=False).st_size:
                if not left:
                    findings.complete = False
                    return
                left -= 1
                yield PurePosixPath(Path(entry.path).relative_to(folder).as_posix())


def _kinds(folder: Path, files: list[PurePosixPath]) -> dict[PurePosixPath, str | None]:
    """The kind of each file; a long series whose samples agree is of their kind."""
    series: dict[str, list[PurePosixPath]] = defaultdict(list)
    for file in files:
        series[mask(file.as_posix())].append(file)
    kinds: dict[PurePosixPath, str | None] = {}
    for same in series.values():
        known = {file: _kind(folder / file) for file in _spread(same, SERIES)}
        agreed = set(known.values())
        if len(known) < len(same) and len(agreed) > 1:
            known = {file: _kind(folder / file) for file in _spread(same, READ)}
        rest = next(iter(agreed)) if len(agreed) == 1 else None
        kinds |= {file: known.get(file, rest) for file in same}
    return kinds


def _strangers(kinds: Mapping[PurePosixPath, str | None]) -> list[str]:
    """Files that look like data and are of no kind: one name a series, none that may name a person or hold a secret."""
    series: dict[str, str] = {}
    for file, kind in kinds.items():
        name = file.as_posix()
        if kind is None and plain_name(file.name).endswith(_DATA) and not any(private(part) for part in file.parts):
            series.setdefault(mask(name), name)
    return sorted(series.values())[:STRANGERS]


def _kind(path: Path) -> str | None:
    found = looks_like(path)
    return found.kind if found else None


def _spread(files: list[PurePosixPath], count: int) -> list[PurePosixPath]:
    if len(files) <= count:
        return files
    step = (len(files) - 1) / (count - 1)
    return [files[round(place * step)] for place in range(count)]


def _read(kind: str, file: FileRef, source: SourceFound, findings: Findings, most: int) -> bool:
    """Count the first records of one file; says whether that was all of them."""
    spans: dict[tuple[str, str], SpanContext] = {}
    calls: list[RequestRecord] = []
    taken = 0
    records: Iterator[Any] = read(kind, file) if kind in FORMATS else read_aggregated(kind, file)
    try:
        for _, parsed in islice(records, most):
            taken += 1
            if type(parsed) is SpanContext:
                spans[parsed.trace_id, parsed.span_id] = parsed
                continue
            if type(parsed) is EmptyBucket:
                continue
            source.records += 1
            if type(parsed) is Quarantined:
                source.refused[parsed.reason] += 1
            elif type(parsed) is RequestRecord:
                source.sampled += any(flag.startswith(SAMPLED) for flag in parsed.flags)
                calls.append(parsed)
            elif type(parsed) is OutcomeEvent:
                findings.take_outcome(parsed)
    except Refused:
        findings.skipped["file that can't be read to its end"] += 1
    for call in calls:
        findings.take_request(call, _with_inherited(call, spans))
    return taken < most


def _with_inherited(call: RequestRecord, spans: dict[tuple[str, str], SpanContext]) -> dict[str, str]:
    """A call's own tags, else those of the spans above it, nearest first, else those of its resource."""
    tags = {**call.resource_tags}
    above: list[SpanContext] = []
    at = call.parent_span_id
    while at is not None and len(above) < 64 and (span := spans.get((call.trace_id or "", at))) is not None:
        above.append(span)
        at = span.parent_span_id
    for span in reversed(above):
        tags |= span.tags
    return {**tags, **call.tags}


def _price(findings: Findings) -> None:
    """Which models have a rate on their last day, and a ladder of tiers by what they cost."""
    book = RateBook.for_models(findings.models)
    by_model: dict[tuple[str, str], list[Rate]] = defaultdict(list)
    for rate in book.rates:
        by_model[rate.provider, rate.model].append(rate)
    prices: dict[str, Decimal] = {}
    for pair, seen in findings.models.items():
        rates = [rate for rate in by_model[pair] if seen.last is not None and rate.in_force(seen.last)]
        seen.priced = bool(rates)
        mean = mean_price(rates)
        if mean is not None:
            name = canonical(*pair)
            prices[name] = max(mean, prices.get(name, mean))
    findings.tiers = tiers(prices)
