"""The DuckDB ledger of a workspace: opening it, its schema, its settings. One run at a time holds it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.storage.models import sql
from pipelines.workspace.errors import OutlayError, UsageError

SCHEMA_VERSION = "4"
#: What a run's data may take in memory: this environment variable (such as `4GB`), else a share of the machine's. The
#: program itself takes some 250 MB beside it.
MEMORY_LIMIT, MEMORY_SHARE = "OUTLAY_MEMORY_LIMIT", "60%"
#: Percent of it that DuckDB's buffers get, beyond which sorts and joins go through `.outlay/tmp`. The others are for
#: batches and frames, and for what DuckDB takes uncounted.
BUFFERS = 70
#: Bytes of buffers for each of its threads: with less, joins and sorts hold more at once than they may.
PER_THREAD = 512 * 1024 * 1024
_UNITS = {
    f"{prefix}{unit}": factor**power
    for unit, factor in (("b", 1000), ("ib", 1024))
    for power, prefix in enumerate("kmgt", start=1)
} | {"": 1, "b": 1, "bytes": 1}


def open_ledger(file: Path) -> duckdb.DuckDBPyConnection:
    """The ledger for writing, made if it is not there. Raises OutlayError when it cannot be opened."""
    file.parent.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        con = duckdb.connect(str(file), config=config)
    except duckdb.Error as error:
        raise OutlayError(
            f"{file} cannot be opened: {_first_line(error)}. If another program holds it, close that; "
            "if the file is damaged, delete .outlay and run: outlay run --full"
        ) from error
    hold(con)
    con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set enable_progress_bar = false")
    con.execute(f"set temp_directory = '{str(file.parent / 'tmp').replace(chr(39), chr(39) * 2)}'")
    con.execute(sql("storage/ledger_schema"))
    found = setting(con, "schema")
    if found is None:
        put_setting(con, "schema", SCHEMA_VERSION)
    elif found != SCHEMA_VERSION:
        con.close()
        raise OutlayError(f"{file} was written by another version (schema {found}): run outlay run --full")
    forget_unsettled(con)
    return con


def commit_unsettled(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Commit the records that a run has read, and begin the transaction that settles them or leaves them to be forgotten.

    Changing or deleting one row in the transaction that wrote it makes DuckDB write all of them a second time, to its
    log.
    """
    put_setting(con, "unsettled", run_id)
    con.execute("commit")
    con.execute("begin transaction")
    con.execute("delete from settings where name = 'unsettled'")


def forget_unsettled(con: duckdb.DuckDBPyConnection) -> None:
    """Delete what a run has read that came to nothing."""
    run_id = setting(con, "unsettled")
    if run_id is not None:
        con.execute("begin transaction")
        con.execute("delete from records where run_id = $run", {"run": run_id})
        con.execute("delete from settings where name = 'unsettled'")
        con.execute("commit")


def settled(file: Path) -> Path:
    """A ledger that is there, without what a run has read that came to nothing: it can be read as it is then."""
    with duckdb.connect(str(file), read_only=True) as con:
        whole = setting(con, "unsettled") is None
    if not whole:
        with duckdb.connect(str(file)) as con:
            forget_unsettled(con)
    return file


def one_engine(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    """Raises OutlayError for a ledger that another engine filled: each keeps its records in another place."""
    filled = setting(con, "published") is not None
    found = (setting(con, "engine") or "duckdb") if filled else kind
    if found != kind:
        rebuild = (
            "rebuild it from the inputs: outlay run --full"
            if kind == "spark"
            else "delete .outlay and run again; the lake and the ledger are then rebuilt from the inputs"
        )
        raise OutlayError(
            f"engine: {kind}, but .outlay was filled by engine {found}: put engine: {{kind: {found}}} back, or {rebuild}"
        )


def apart(file: Path) -> None:
    """Put a copy in the place of a ledger that a silent holder on another machine may still have open.

    Should it go on, what it writes reaches the file that it opened and no reader. The copy is the ledger as a crash of
    that holder at this moment would leave it.
    """
    for part in (file.with_name(f"{file.name}.wal"), file):
        if part.is_file():
            copy = part.with_name(f"{part.name}.apart")
            shutil.copyfile(part, copy)
            os.replace(copy, part)


def hold(con: duckdb.DuckDBPyConnection, part: float = 1) -> None:
    """Let a connection's buffers take a part of what DuckDB may hold in memory."""
    buffers = int(memory() * BUFFERS * part / 100)
    threads = max(1, min(len(os.sched_getaffinity(0)), buffers // PER_THREAD))
    con.execute(f"set memory_limit = '{buffers}B'")
    con.execute(f"set threads = {threads}")


@contextmanager
def beside(con: duckdb.DuckDBPyConnection) -> Generator[None]:
    """A connection holds half while others, which hold half themselves, are at work; then all again."""
    hold(con, 0.5)
    yield
    hold(con)


def memory() -> int:
    """Bytes that a run's data may take. Raises UsageError."""
    asked = os.environ.get(MEMORY_LIMIT) or MEMORY_SHARE
    found = re.fullmatch(r"([0-9]+(?:[.][0-9]+)?) *([a-z]*|%)", asked.strip().lower())
    if found is not None and found[2] == "%":
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * float(found[1]) / 100)
    if found is None or found[2] not in _UNITS:
        raise UsageError(f"{MEMORY_LIMIT}: found {asked!r}, expected a size such as 4GB, 512MB or 50%")
    return int(float(found[1]) * _UNITS[found[2]])


def setting(con: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """A setting of the ledger itself, None when it was never put."""
    row = con.execute("select value from settings where name = $name", {"name": name}).fetchone()
    return row[0] if row else None


def put_setting(con: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Remember a setting."""
    con.execute("delete from settings where name = $name", {"name": name})
    con.execute("insert into settings values ($name, $value)", {"name": name, "value": value})


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
