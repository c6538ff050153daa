"""Days in Spark's queries: where a model names the days of a small table, Spark is told the days themselves.

It so leaves out the files of other days before it opens any, and ships and joins one table less.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date

import duckdb
from sqlglot import exp

#: more days than these are joined
MOST = 4_000


def with_days(tree: exp.Expr, small: duckdb.DuckDBPyConnection, large: Iterable[str]) -> exp.Expr:
    """The statement with `… in (select day from a small table)` written out. Leaves its argument as it is."""

    others = {*large, *(cte.alias_or_name for cte in tree.find_all(exp.CTE))}

    def told(node: exp.Expr) -> exp.Expr:
        days = _of(node, small, others)
        if days is None:
            return node
        if not days:
            return exp.false()
        return exp.In(this=node.this, expressions=[_literal(day) for day in days])

    return tree.copy().transform(told)


def days_named(
    condition: exp.Expr, column: str, small: duckdb.DuckDBPyConnection, large: Container[str]
) -> list[date] | None:
    """The days that a condition on `column` names, where it is nothing else; None where it is anything else."""
    if not isinstance(condition, exp.In) or condition.this.name != column:
        return None
    days = _of(condition, small, large)
    return None if days is None else [day for day in days if day is not None]


def _of(node: exp.Expr, small: duckdb.DuckDBPyConnection, large: Container[str]) -> list[date | None] | None:
    table = _plain(node, large)
    if table is None:
        return None
    rows = small.execute(f"select distinct day from {table} order by day limit {MOST + 1}").fetchall()
    return [day for (day,) in rows] if len(rows) <= MOST else None


def _plain(node: exp.Expr, large: Container[str]) -> str | None:
    """The small table of `x in (select day from table)`."""
    query = node.args.get("query") if isinstance(node, exp.In) else None
    inner = query.this if isinstance(query, exp.Subquery) else query
    if not isinstance(inner, exp.Select) or any(
        inner.args.get(part) for part in ("where", "joins", "group", "limit", "with_")
    ):
        return None
    [*columns], source = inner.expressions, inner.args.get("from_")
    if len(columns) != 1 or not isinstance(columns[0], exp.Column) or columns[0].name != "day" or source is None:
        return None
    table = source.this
    return table.name if isinstance(table, exp.Table) and table.name not in large else None


def _literal(day: date | None) -> exp.Expr:
    return exp.null() if day is None else exp.cast(exp.Literal.string(day.isoformat()), "date")
