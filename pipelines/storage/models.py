"""The SQL models: one file each under `sql/`, named `stage/model`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path


@cache
def sql_root() -> Path:
    """The folder of SQL models, beside the package in a checkout and in a wheel alike."""
    return Path(str(files("pipelines"))).parent / "sql"


@cache
def sql(name: str) -> str:
    """Text of `sql/<name>.sql`."""
    return (sql_root() / f"{name}.sql").read_text("utf-8")


@cache
def digest(stage: str) -> str:
    """A hash of all models of a stage: a set made by other models lacks what screens look for."""
    text = "\0".join(f"{file.name}\0{file.read_text('utf-8')}" for file in sorted((sql_root() / stage).glob("*.sql")))
    return sha256(text.encode()).hexdigest()[:16]


def filled(name: str, **parts: str) -> str:
    """A model whose `{{name}}` places are filled with SQL that was built from validated workspace keys."""
    text = sql(name)
    for key, value in parts.items():
        text = text.replace("{{" + key + "}}", value)
    return text


def literal(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def extras_total(table: str, names: Iterable[str]) -> str:
    """SQL for the sum of some further token classes of a record (`table` is a prefix such as `records.`)."""
    return "(" + " + ".join(f"coalesce({table}extras[{literal(name)}], 0)" for name in names) + ")"
