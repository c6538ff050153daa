"""Alerts on logs that hold a part of the calls: said by the records (and acted on), or only suggested by figures."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from pipelines.storage.models import sql

#: Kinds of traces: what instrumented programs send, often a sample. Gateways and providers log every call.
TRACES = ("langfuse", "otlp")


def sampling(con: duckdb.DuckDBPyConnection, as_of: date) -> list[dict[str, Any]]:
    """Rows of the `alerts` export, kind `sampling`, one a source and finding. Follows `attribution.coverage`."""
    kinds = ", ".join(f"'{kind}'" for kind in TRACES)
    con.execute(
        "create or replace temp table trace_sources as select distinct source from files where kind in "
        f"({kinds}) and records_read > 0"
    )
    rows = _detected(con)
    if con.execute("select count(*) from trace_sources").fetchall()[0][0]:
        rows += _reported(con) + _compared(con, as_of)
    return rows


def _detected(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    if not con.execute("select count(*) from detected_sampling").fetchall()[0][0]:
        return []
    rows = con.sql(sql("publish/alerts_sampling_detected")).pl().to_dicts()
    for row in rows:
        least, greatest = _percent(row["least"]), _percent(row["greatest"])
        kept = least if least == greatest else f"{least} to {greatest}"
        row["detail"] = (
            f"{row['said']:,} of its {row['calls']:,} calls say that {kept} of the traffic was kept, so the source lends "
            f"its tags and counts no spend: {row['uncounted']:,} calls, which no other source reports, are in no number. "
            f"If it holds every call all the same, write sampling: 1 under the source {row['subject']} in outlay.yaml"
        )
    return rows


def _reported(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    rows = con.sql(sql("publish/alerts_sampling_reported")).pl().to_dicts()
    for row in rows:
        share = Decimal(row["held"]) / Decimal(row["reported"])
        row["detail"] = (
            f"on {row['days']} days the logs hold {_percent(share)} of the tokens that {row['provider']} reports, on none "
            f"of them 95 %: the traces may be a sample. {_to_write(row['subject'], share)}"
        )
    return rows


def _compared(con: duckdb.DuckDBPyConnection, as_of: date) -> list[dict[str, Any]]:
    rows = con.sql(sql("publish/alerts_sampling_compared"), params={"as_of": as_of}).pl().to_dicts()
    for row in rows:
        share = Decimal(row["shared"]) / Decimal(row["calls"])
        row["detail"] = (
            f"of {row['calls']:,} calls that {row['other']} reports for the same models and days in 28 days, "
            f"{row['shared']:,} ({_percent(share)}) are in these traces: a sample, or the traces of some of the programs. "
            f"{_to_write(row['subject'], share)}"
        )
    return rows


def _to_write(source: str, share: Decimal) -> str:
    rounded = format(share, ".1g") if share < Decimal("0.95") else "0.9"
    return (
        f"If it is one, write sampling: {Decimal(rounded):f} under the source {source} in outlay.yaml; nothing is left out "
        "before you do"
    )


def _percent(share: Decimal) -> str:
    """As much of the digits as says something: 10 %, 2.5 %, 0.01 %."""
    return f"{(share * 100).quantize(Decimal('0.01')).normalize():f} %"
