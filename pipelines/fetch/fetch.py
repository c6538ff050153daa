"""`outlay fetch`: a provider's usage or cost report of a month, page by page, kept as the provider sent it.

Pages are gathered under `.outlay/fetch/` and moved to `bills/KIND/MONTH/PULL/` when the report is whole, in one
rename, so that a source never reads half a report. A pull that was cut off goes on after its last whole page; where
the provider no longer knows that page's cursor, it begins anew. Folders of pulls sort by time, and the last pull of a
period is the one that counts.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import tenacity

from pipelines.fetch.reports import KINDS, Provider, Report
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded

TRIES = 5
PATIENCE_S = 60.0
MAX_PAGES = 10_000
#: beside the gathered pages: the period that they were asked for
ASKED = "asked.txt"


@dataclass(frozen=True)
class Fetched:
    """A whole report on disk. `source` is the workspace's source that reads it, None where none does."""

    kind: str
    month: str
    folder: Path
    pages: int
    rows: int
    source: str | None


class _Passing(Exception):
    """An answer that another try may better. `wait_s`: how long the provider asked to be left alone."""

    def __init__(self, said: str, wait_s: float | None = None) -> None:
        super().__init__(said)
        self.wait_s = wait_s


class _Expired(Exception):
    """The provider does not know the page's cursor any more."""


def fetch(loaded: Loaded, kind: str, month: str, base_url: str | None = None, first_wait_s: float = 1.0) -> Fetched:
    """Pull one report of one month (UTC) into `bills/`. The current month is pulled up to now.

    Raises UsageError for a kind that has no report, a month that is none or not begun, or a key that the environment
    lacks; OutlayError when the provider refuses or can't be reached. Then what was pulled so far is kept for the next.
    """
    if kind not in KINDS:
        raise UsageError(f"fetch {kind!r}: expected one of {', '.join(sorted(KINDS))}")
    provider = KINDS[kind]
    start, end = _period(month)
    key = os.environ.get(provider.key_name)
    if not key:
        raise UsageError(
            f"the environment has no {provider.key_name}: an admin key of {provider.name} is read from there"
        )
    gathered = loaded.home / "fetch" / f"{kind}-{month}"
    gathered.mkdir(parents=True, exist_ok=True)
    _same_period(gathered, start, end)
    asked = _Asked(provider, key, (base_url or provider.base_url).rstrip("/"), first_wait_s)
    rows = pages = 0
    for report in provider.reports[kind]:
        found = _pull(asked, report, start, end, gathered)
        rows, pages = rows + found[0], pages + found[1]
    (gathered / ASKED).unlink()
    folder = loaded.root / "bills" / kind / month / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
    folder.parent.mkdir(parents=True, exist_ok=True)
    os.replace(gathered, folder)
    return Fetched(kind, month, folder, pages, rows, _reads(loaded, kind, folder))


def _same_period(gathered: Path, start: datetime, end: datetime) -> None:
    """Pages that an earlier try left count only for the same period: a cursor of a running month ends where it began."""
    wanted, said = f"{start.isoformat()} {end.isoformat()}\n", gathered / ASKED
    if said.is_file() and said.read_text("utf-8") != wanted:
        for page in gathered.glob("*.json"):
            page.unlink()
    said.write_text(wanted, "utf-8")


@dataclass(frozen=True)
class _Asked:
    provider: Provider
    key: str
    base_url: str
    first_wait_s: float


def _pull(asked: _Asked, report: Report, start: datetime, end: datetime, folder: Path) -> tuple[int, int]:
    """(rows, pages) of one endpoint, after the pages that an earlier try left."""
    done = sorted(folder.glob(f"{report.name}-*.json"))
    query = report.query(start, end)
    cursor: str | None = None
    if done:
        cursor = _next(json.loads(done[-1].read_text("utf-8")))
        if cursor is None:
            return _rows(done), len(done)
    while True:
        if len(done) >= MAX_PAGES:
            raise OutlayError(f"{report.path}: more than {MAX_PAGES:,} pages, which no month has")
        try:
            page, raw = _page(asked, report, [*query, ("page", cursor)] if cursor else query)
        except _Expired:
            if not done:
                raise OutlayError(f"{report.path}: the provider refuses the first page") from None
            for file in done:
                file.unlink()
            done, cursor = [], None
            continue
        file = folder / f"{report.name}-{len(done) + 1:05}.json"
        part = file.with_suffix(".part")
        part.write_bytes(raw)
        os.replace(part, file)
        done.append(file)
        following = _next(page)
        if following is None:
            return _rows(done), len(done)
        if following == cursor:
            raise OutlayError(f"{report.path}: page {len(done)} names itself as the next one")
        cursor = following


def _page(asked: _Asked, report: Report, query: list[tuple[str, str]]) -> tuple[dict[str, Any], bytes]:
    url = f"{asked.base_url}{report.path}?{urllib.parse.urlencode(query)}"
    headers = {name: value.format(key=asked.key) for name, value in asked.provider.headers.items()}

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        said = failure.wait_s if isinstance(failure, _Passing) else None
        return min(said if said is not None else asked.first_wait_s * 2 ** (state.attempt_number - 1), PATIENCE_S)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_Passing),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=wait,
        reraise=True,
    )
    try:
        return retrying(_ask, url, headers, report)
    except _Passing as error:
        raise OutlayError(f"{report.path}: {error}, after {TRIES} tries; fetch goes on from there") from error


def _ask(url: str, headers: dict[str, str], report: Report) -> tuple[dict[str, Any], bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as response:
            raw = response.read()
        page = json.loads(raw)
    except urllib.error.HTTPError as error:
        error.close()
        after = error.headers.get("retry-after", "")
        if error.code == 429 or error.code >= 500:
            raise _Passing(f"the provider answered {error.code}", float(after) if after.isdigit() else None) from error
        if error.code == 410 or (error.code == 400 and "page=" in url):
            raise _Expired from error
        hint = ": is the key an admin key?" if error.code in (401, 403) else ""
        raise OutlayError(f"{report.path}: the provider answered {error.code}{hint}") from None  # never its text
    except json.JSONDecodeError as error:
        raise _Passing("the provider's answer is not JSON") from error
    except OSError as error:
        raise _Passing(f"the provider can't be reached ({type(error).__name__})") from error
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise OutlayError(f"{report.path}: the answer is no page of buckets: is {url.split('?')[0]} the right address?")
    return page, raw


def _next(page: dict[str, Any]) -> str | None:
    return str(page["next_page"]) if page.get("has_more") and page.get("next_page") else None


def _rows(files: list[Path]) -> int:
    return sum(len(bucket["results"]) for file in files for bucket in json.loads(file.read_text("utf-8"))["data"])


def _period(month: str) -> tuple[datetime, datetime]:
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError(f"--month {month!r}: expected YYYY-MM such as 2026-10") from None
    now = datetime.now(UTC)
    if start > now:
        raise UsageError(f"--month {month}: has not begun")
    end = start + timedelta(days=monthrange(start.year, start.month)[1])
    return start, min(end, now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))


def _reads(loaded: Loaded, kind: str, folder: Path) -> str | None:
    """The source of this kind whose pattern matches what was written."""
    from pipelines.intake.discover import discover

    wanted = str(folder.relative_to(loaded.root))
    return next((f.source.name for f in discover(loaded) if f.source.kind == kind and f.name.startswith(wanted)), None)
