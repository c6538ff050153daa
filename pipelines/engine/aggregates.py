"""Aggregates that Spark lacks, or passes through a float, in its own words: quantiles by rank, modes, ordered lists."""

from __future__ import annotations

import sqlglot
from sqlglot import exp


class Foreign(ValueError):
    """SQL that does not travel to Spark."""


def is_quantile(node: exp.Expr) -> bool:
    return isinstance(node, exp.PercentileDisc) or (
        isinstance(node, exp.Anonymous) and node.name.upper() == "QUANTILE_DISC"
    )


def quantile(node: exp.Expr, where: exp.Expr | None = None) -> exp.Expr:
    """The value at rank ceil(n × q), itself, of the rows that `where` keeps: Spark's own percentile passes it
    through a float."""
    value, share = node.expressions if isinstance(node, exp.Anonymous) else [node.this, node.expression]
    if where is not None:  # neither a list of values nor their count holds a null
        value = exp.Case(ifs=[exp.If(this=where.copy(), true=value.copy())])
    return ranked(value, share)


def ranked(of: exp.Expr, at: exp.Expr) -> exp.Expr:
    value, share = of.sql("duckdb"), at.sql("duckdb")
    text = (
        f"try_element_at(sort_array(collect_list({value})), "
        f"cast(greatest(1, ceil(count({value}) * cast({share} as decimal(6, 5)))) as int))"
    )
    return sqlglot.parse_one(text, dialect="spark")


def mode(node: exp.Expr) -> exp.Expr:
    """The most frequent value, the least of several."""
    args = node.expressions if isinstance(node, exp.Anonymous) else [node.this]
    value = args[0]
    if isinstance(value, exp.Order):
        if value.this.sql() != value.expressions[0].this.sql():
            raise Foreign("mode(x order by y): only the order of x itself travels")
        value = value.this
    return exp.Anonymous(this="MODE", expressions=[value, exp.true()])


def only(node: exp.Expr) -> exp.Expr | None:
    return node.this if isinstance(node, exp.ArrayAgg) else next(iter(node.expressions), None)


def ordered_list(node: exp.Expr) -> exp.Expr:
    """`list(x order by y)`, its nulls included."""
    order = only(node)
    assert isinstance(order, exp.Order)
    value, key = order.this.sql("duckdb"), order.expressions[0].this.sql("duckdb")
    text = f"transform(sort_array(collect_list(struct({key} as key, {value} as value))), each -> each.value)"
    return sqlglot.parse_one(text, dialect="spark")
