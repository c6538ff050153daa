"""`with` parts that a model reads several times: Spark works such a part out for each of them, DuckDB once.

So that Spark works it out once too, its rows are written and the model reads those.
"""

from __future__ import annotations

from collections.abc import Callable, Container

from sqlglot import exp

from pipelines.engine.dialect import tables

#: a part that is read more often is written
TIMES = 2


def written_once(tree: exp.Expr, large: Container[str], write: Callable[[exp.Expr], str]) -> exp.Expr:
    """The statement with such parts of large tables replaced by the tables that `write` makes of them and names.

    Leaves its argument as it is.
    """
    tree = tree.copy()
    for part in sorted(tree.find_all(exp.With), key=lambda found: found.depth, reverse=True):
        if part.args.get("recursive"):
            continue
        query = part.parent
        assert query is not None
        outer = {cte.alias for above in _above(query) for cte in above.expressions}
        times = _times(part, query)
        for cte in list(part.expressions):
            statement = _alone(part, cte)
            named = tables(statement)
            if times[cte.alias] <= TIMES or named & outer or not any(name in large for name in named):
                continue
            name = write(statement)
            for table in _readers(query, cte.alias):
                table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(cte.alias)))
                table.set("this", exp.to_identifier(name))
            cte.pop()
        if not part.expressions:
            query.set("with_", None)
    return tree


def _above(query: exp.Expr) -> list[exp.With]:
    """The `with` clauses around a query, not its own."""
    found, node = [], query.parent
    while node is not None:
        if (part := node.args.get("with_")) is not None:
            found.append(part)
        node = node.parent
    return found


def _readers(query: exp.Expr, name: str) -> list[exp.Table]:
    """The tables of a query that mean its own part of that name."""

    def hidden(table: exp.Table) -> bool:
        node = table.parent
        while node is not None and node is not query:
            part = node.args.get("with_")
            if part is not None and any(cte.alias == name for cte in part.expressions):
                return True
            node = node.parent
        return False

    return [table for table in query.find_all(exp.Table) if table.name == name and not hidden(table)]


def _times(part: exp.With, query: exp.Expr) -> dict[str, int]:
    """How often each part is worked out where every reader does so for itself."""
    found: dict[str, int] = {}
    for cte in reversed(part.expressions):
        times = 0
        for table in _readers(query, cte.alias):
            reader = table.find_ancestor(exp.CTE)
            while reader is not None and reader.parent is not part:
                reader = reader.find_ancestor(exp.CTE)
            again = 1 if reader is None else found.get(reader.alias, 1)
            times += 1 if again > TIMES else again  # what reads it is written, and so worked out once
        found[cte.alias] = times
    return found


def _alone(part: exp.With, cte: exp.CTE) -> exp.Expr:
    """A part's query with the parts before it."""
    statement = cte.this.copy()
    before = [other.copy() for other in part.expressions[: part.expressions.index(cte)]]
    own = statement.args.get("with_")
    if before:
        statement.set("with_", exp.With(expressions=[*before, *(own.expressions if own else [])]))
    return statement
