"""The SQL models in Spark's words: parsed as DuckDB reads them, written as Spark reads them, the same rows.

sqlglot knows both dialects; what it leaves or gets wrong for exact money is put right here, in one place, so that there
is one set of SQL. `Foreign` names what no rule here makes travel.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.engine.aggregates import Foreign, is_quantile, mode, only, ordered_list, quantile, ranked

#: functions that Spark lacks, or gives another result for, and that nothing here translates
_FOREIGN = {"ASOF", "RANDOM", "JSON_TRANSFORM", "READ_PARQUET", "READ_CSV", "READ_JSON", "GEN_RANDOM_UUID"}


@lru_cache(maxsize=1024)
def parsed(text: str) -> exp.Expr:
    """One DuckDB statement. Raises Foreign. Copy it before changing it."""
    try:
        return sqlglot.parse_one(text, dialect="duckdb")
    except SqlglotError as error:
        raise Foreign(f"not read: {error}") from error


def tables(statement: exp.Expr) -> set[str]:
    """The tables that a statement names, other than its own `with` parts."""
    own = {cte.alias_or_name for cte in statement.find_all(exp.CTE)}
    return {table.name for table in statement.find_all(exp.Table)} - own


def to_spark(statement: exp.Expr, values: Mapping[str, Any] | None = None) -> str:
    """The statement in Spark's dialect, with `values` in the place of its `$names`. Raises Foreign."""
    tree = statement.copy()
    tree = tree.transform(lambda node: _value(node, values or {}))
    tree = tree.transform(_translated)
    for select in list(tree.find_all(exp.Select)):
        _one_generator(select)
    for cte in tree.find_all(exp.With):
        if cte.args.get("recursive"):
            for union in cte.find_all(exp.Union):
                union.set("distinct", False)
    _own_names(tree)
    _refuse_foreign(tree)
    try:
        return tree.sql(dialect="spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise Foreign(f"not written: {error}") from error


def _value(node: exp.Expr, values: Mapping[str, Any]) -> exp.Expr:
    """A parameter's value as a literal."""
    if not isinstance(node, exp.Parameter | exp.Placeholder):
        return node
    name = node.name
    if name not in values:
        raise Foreign(f"no value for ${name}")
    value = values[name]
    if value is None:
        return exp.null()
    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat()), "timestamptz")
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, int | Decimal):
        return exp.Literal.number(format(value, "f") if isinstance(value, Decimal) else str(value))
    return exp.Literal.string(str(value))


def _translated(node: exp.Expr) -> exp.Expr:
    name = node.name.upper() if isinstance(node, exp.Anonymous) else type(node).__name__
    if name == "ROUND_EVEN":
        return exp.Anonymous(this="BROUND", expressions=node.expressions)
    if name == "MD5_NUMBER":  # a key there is the text of the hash
        return exp.Anonymous(this="MD5", expressions=node.expressions)
    if name == "HASH":  # Spark's own has 32 bits
        return exp.Anonymous(this="XXHASH64", expressions=node.expressions)
    if isinstance(node, exp.Filter) and is_quantile(node.this):
        return quantile(node.this, node.expression.this)
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileDisc):
        return ranked(node.expression.expressions[0].this, node.this.this)
    if is_quantile(node):
        return quantile(node)
    if isinstance(node, exp.Mode) or name == "MODE":
        return mode(node)
    if isinstance(node, exp.Length):  # the models measure lists only
        return exp.Anonymous(this="SIZE", expressions=[node.this])
    if (
        isinstance(node, exp.Array)
        and len(node.expressions) == 1
        and isinstance(node.expressions[0], exp.Comprehension)
    ):
        each = node.expressions[0]
        return exp.Transform(
            this=each.args["iterator"],
            expression=exp.Lambda(this=each.this, expressions=[exp.to_identifier(each.expression.name)]),
        )
    if isinstance(node, exp.ArrayAgg | exp.List) and isinstance(only(node), exp.Order):
        return ordered_list(node)
    if isinstance(node, exp.In):
        return _row_in(node)
    return node


def listed(condition: exp.Expr) -> tuple[list[str], exp.Expr] | None:
    """The columns and the query of `(a, b) in (select (a, b) from t)`; None for any other condition."""
    query = condition.args.get("query") if isinstance(condition, exp.In) else None
    if query is None:
        return None
    inside, of = _in_columns(condition.copy()), condition.this
    columns = of.expressions if isinstance(of, exp.Tuple) else [of]
    return ([column.name for column in columns], inside) if all(isinstance(c, exp.Column) for c in columns) else None


def _in_columns(node: exp.Expr) -> exp.Expr:
    """The query of an `in`, its row as columns."""
    query = node.args["query"]
    inner = query.this if isinstance(query, exp.Subquery) else query
    if isinstance(inner, exp.Select) and len(inner.expressions) == 1 and isinstance(inner.expressions[0], exp.Tuple):
        inner.set("expressions", inner.expressions[0].expressions)
    return inner


def _row_in(node: exp.In) -> exp.Expr:
    """`(a, b) in (select (a, b) from t)`: Spark wants two columns, not one row."""
    if node.args.get("query") is not None:
        _in_columns(node)
    return node


def _one_generator(select: exp.Select) -> None:
    """Several `unnest([…])` side by side become one `inline`: Spark takes one generator a select."""
    found = [e for e in select.expressions if isinstance(e, exp.Alias) and isinstance(e.this, exp.Unnest | exp.Explode)]
    if len(found) < 2:
        return
    lists = []
    for each in found:
        array = each.this.expressions[0] if isinstance(each.this, exp.Unnest) else each.this.this
        if not isinstance(array, exp.Array):
            raise Foreign("several unnests side by side: only of lists that are written out")
        lists.append(array.expressions)
    rows = [
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(each.alias), expression=value.copy())
                for each, value in zip(found, row, strict=True)
            ]
        )
        for row in zip(*lists, strict=True)
    ]
    inline = exp.Anonymous(this="INLINE", expressions=[exp.Array(expressions=rows)])
    select.set("expressions", [e for e in select.expressions if e not in found] + [inline])


def _own_names(tree: exp.Expr) -> None:
    """Names of their own for `with` parts of inner queries: written for Spark, all of them stand at the top."""
    number = 0
    for part in sorted(tree.find_all(exp.With), key=lambda found: found.depth, reverse=True):
        query = part.parent
        if query is tree or query is None:
            continue
        for place, cte in enumerate(part.expressions):
            old = cte.alias
            number += 1
            hidden = {id(node) for earlier in part.expressions[: place + 1] for node in earlier.walk()}
            for table in query.find_all(exp.Table):
                if table.name == old and id(table) not in hidden:
                    table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(old)))
                    table.set("this", exp.to_identifier(f"{old}_{number}"))
            cte.args["alias"].set("this", exp.to_identifier(f"{old}_{number}"))


def _refuse_foreign(tree: exp.Expr) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Anonymous) and node.name.upper() in _FOREIGN:
            raise Foreign(f"{node.name} does not travel to Spark")
        if isinstance(node, exp.ReadCSV | exp.ReadParquet):
            raise Foreign("reading files inside a model does not travel to Spark")
        if isinstance(node, exp.Join) and node.args.get("method") == "ASOF":
            raise Foreign("asof join does not travel to Spark")
        if isinstance(node, exp.Avg) and not _ratio(node.this):
            raise Foreign("avg gives another type on Spark: sum, count, and divide in Python")
        if isinstance(node, exp.IntDiv) or (isinstance(node, exp.Div) and not _ratio(node)):
            raise Foreign(f"{node.sql()}: division of decimals is no exact number on either engine: divide in Python")
        if isinstance(node, exp.Mul) and all(_widest(side) for side in (node.left, node.right)):
            raise Foreign(f"{node.sql()}: the product of two DECIMAL(38) has no room")
        if isinstance(node, exp.DataType) and node.this in (exp.DataType.Type.INT128, exp.DataType.Type.UINT128):
            raise Foreign("hugeint does not travel to Spark")


def _ratio(node: exp.Expr) -> bool:
    """Whether a division or an average says itself that it is no exact number: of doubles."""
    kinds = {cast.to.this for cast in node.find_all(exp.Cast)}
    return exp.DataType.Type.DOUBLE in kinds


def _widest(node: exp.Expr) -> bool:
    kind = node.to if isinstance(node, exp.Cast) else None
    return kind is not None and kind.this == exp.DataType.Type.DECIMAL and kind.expressions[0].name == "38"
