"""The DuckDB ledger of a workspace: opening it, its schema, its settings. One run at a time holds it."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from pipelines.storage.models import literal, sql
from pipelines.workspace.errors import OutlayError

SCHEMA_VERSION = "3"
#: What DuckDB may hold in memory: this environment variable (such as `4GB`), else a share of the machine's; beyond it,
#: sorts and joins go through `.outlay/tmp`. Parsers and marts need some hundred megabytes beside it.
MEMORY_LIMIT, MEMORY_SHARE = "OUTLAY_MEMORY_LIMIT", "60%"


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
    con.execute(f"set memory_limit = {literal(os.environ.get(MEMORY_LIMIT) or MEMORY_SHARE)}")
    con.execute("set timezone = 'UTC'; set preserve_insertion_order = false; set enable_progress_bar = false")
    con.execute(f"set temp_directory = '{str(file.parent / 'tmp').replace(chr(39), chr(39) * 2)}'")
    con.execute(sql("storage/ledger_schema"))
    found = setting(con, "schema")
    if found is None:
        put_setting(con, "schema", SCHEMA_VERSION)
    elif found != SCHEMA_VERSION:
        con.close()
        raise OutlayError(f"{file} was written by another version (schema {found}): run outlay run --full")
    sweep_repetitions(con)
    return con


def sweep_repetitions(con: duckdb.DuckDBPyConnection) -> None:
    """Delete the records in no place (`dedupe`): committed rows, as this is dear in the transaction that wrote them."""
    con.execute("delete from records where own_rank = 0")


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
