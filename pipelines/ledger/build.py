"""From records to priced, attributed requests: every touched day is worked out anew, of other days at most what came late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.ledger.capacity import charges
from pipelines.ledger.declared import dimension_expressions, further_dimensions, rule_expression
from pipelines.ledger.scope import WHOLE, Scope
from pipelines.ledger.shares import borne
from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from pipelines.sources.record import MONEY
from pipelines.sources.usage import INPUT_EXTRAS, OUTPUT_EXTRAS
from pipelines.storage.days import called_near
from pipelines.storage.ledger import put_setting, setting
from pipelines.storage.models import extras_total, filled, sql
from pipelines.workspace.load import Loaded


def rate_book(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> RateBook:
    """The rates for every model that the ledger has seen (`logged_models`), contracts of the workspace included."""
    con.execute(
        "create or replace temp table logged_models as select provider, model from records union "
        "select provider, model from evaluations"
    )
    pairs = set(con.execute("select provider, model from logged_models").fetchall())
    pairs |= {tuple(model.split("/", 1)) for tier in loaded.config.tiers for model in tier.models}
    contract = loaded.config.rates.contract
    return RateBook.for_models(sorted(pairs), Path(loaded.path(contract)) if contract else None)


def reopen_for_new_rates(con: duckdb.DuckDBPyConnection, book: RateBook) -> None:
    """A new rate prices at once what no rate covered before: those days are touched."""
    if setting(con, "rate_book") not in (None, book.version):
        con.execute(
            "insert into touched_days select distinct records.day from records inner join prices using "
            "(request_key, payload) where records.wins and prices.missing is not null"
        )
    put_setting(con, "rate_book", book.version)


def name_models(con: duckdb.DuckDBPyConnection, book: RateBook) -> None:
    """`model_keys`: the canonical name and the tier of every model as logged. Follows `rate_book`."""
    pairs = con.execute(
        "select provider, model from logged_models union "
        "select provider, model from metered_buckets where model is not null"
    ).fetchall()
    con.execute("create or replace temp table named (provider varchar, model varchar, model_key varchar)")
    if pairs:
        con.executemany("insert into named values (?, ?, ?)", [(p, m, book.canonical(p, m)) for p, m in pairs])
    con.execute(
        "create or replace temp table model_keys as select named.*, tier_models.tier from named "
        "left join tier_models using (model_key)"
    )


def attribute(con: duckdb.DuckDBPyConnection, loaded: Loaded, scope: Scope = WHOLE) -> None:
    """What a call's own record doesn't say of workflow, task type, unit, attempt and stratum.

    `inherited`: of each span, from its ancestors; `shared_dimensions`: of each call of several records, from them all.
    """
    parts = dimension_expressions(loaded)
    for table in ("shared_winners", "members", "traced"):
        con.execute(f"create or replace temp table {table} as {filled(f'ledger/{table}', counted=scope.records)}")
    con.execute(f"create or replace temp table ancestors as {sql('ledger/ancestors')}")
    inherited = filled("ledger/inherited", inherited=parts["inherited"])
    con.execute(f"create or replace temp table inherited as {inherited}")
    shared = filled("ledger/shared_dimensions", own=parts["own"], taken=parts["taken"])
    con.execute(f"create or replace temp table shared_dimensions as {shared}")


def price_requests(con: duckdb.DuckDBPyConnection, book: RateBook, scope: Scope = WHOLE) -> int:
    """Price what has no price yet; answers how many requests were looked up."""
    found = filled("ledger/to_price", counted=scope.records, near=called_near(con, scope.days))
    con.execute(f"create or replace temp table to_price as {found}")
    price(con, book)
    if con.execute("select 1 from to_price where lacked_a_price limit 1").fetchall():
        for table in ("prices", "price_extras"):
            con.execute(
                f"delete from {table} where (request_key, payload) in "
                "(select (request_key, payload) from to_price where lacked_a_price)"
            )
    for table, found in (("prices", "priced"), ("price_extras", "priced_extras")):
        con.execute(
            f"insert into {table} by name select {found}.*, to_price.payload, cast(to_price.time as date) as called_on "
            f"from {found} inner join to_price using (request_key)"
        )
    return con.execute("select count(*) from to_price").fetchall()[0][0]


def write_requests(con: duckdb.DuckDBPyConnection, loaded: Loaded, scope: Scope = WHOLE) -> None:
    """Requests and their further dimensions; days are replaced as a whole."""
    for table in ("requests", "request_dimensions") if not scope.late else ():
        con.execute(f"delete from {table} where day in (select day from {scope.days})")
    dimensions = filled("ledger/dimensions", own=dimension_expressions(loaded)["own"], counted=scope.records)
    rows = filled(
        "ledger/requests",
        near=called_near(con, scope.days),
        dimensions=dimensions,
        rule=rule_expression(loaded),
        input_extras=extras_total("dimensions.", INPUT_EXTRAS),
        output_extras=extras_total("dimensions.", OUTPUT_EXTRAS),
    )
    con.execute(f"insert into requests by name {rows}")
    further = further_dimensions(loaded)
    if further is not None:
        found = filled("ledger/request_dimensions", dimensions=dimensions, found=further)
        con.execute(f"insert into request_dimensions by name {found}")


def allocate(con: duckdb.DuckDBPyConnection, scope: Scope = WHOLE) -> None:
    """What each unit bears of each request: whole for one unit, split exactly for several.

    Units that gain or lose spend are added to `touched_units`.
    """
    if not scope.late:
        touch_units(con, scope)
        con.execute(f"delete from allocations where day in (select day from {scope.days})")
    con.execute(f"insert into allocations by name {single_allocations(scope)}")
    rows: list[tuple[Any, ...]] = []
    for key, day, workflow, units, cost, amounts in con.execute(shared_requests(scope)).fetchall():
        rows.extend((str(key), day, workflow, unit, part) for unit, part in borne(units, cost, amounts).items())
    if rows:
        names = ("request_key", "day", "workflow", "unit_id", "cost_usd")
        kinds = (pa.string(), pa.date32(), pa.string(), pa.string(), MONEY)
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
        con.register("shared_parts", pa.Table.from_arrays(columns, names=list(names)))
        con.execute("insert into allocations by name from shared_parts")
        con.unregister("shared_parts")
    touch_units(con, scope)


def single_allocations(scope: Scope = WHOLE) -> str:
    """The model of the requests that one unit bears whole."""
    return filled("ledger/single_allocations", requests=scope.rows("requests"))


def shared_requests(scope: Scope = WHOLE) -> str:
    """The model of the requests that several units share, with the amounts of their charges."""
    wanted = scope.rows("requests")
    shared = f"requests.units is not null and requests.reason is null and {wanted}"
    return filled("ledger/shared_requests", charges=charges(shared, "false"), requests=wanted)


def touch_units(con: duckdb.DuckDBPyConnection, scope: Scope = WHOLE) -> None:
    """Units with spend join `touched_units`."""
    con.execute(
        "insert into touched_units select distinct workflow, unit_id from allocations "
        f"where unit_id is not null and {scope.rows('allocations')} "
        "except select workflow, unit_id from touched_units"
    )
