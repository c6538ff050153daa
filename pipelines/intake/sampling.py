"""Sources that hold a part of the calls: declared by `sampling:`, or said by the records themselves.

Such a source lends its tags to the calls that others report, and makes no request of its own: counted, a tenth of the
calls would look like a cheap month. What only figures suggest (coverage) is alerted and never acted on.
"""

from __future__ import annotations

import json

import duckdb

from pipelines.storage.ledger import put_setting, setting
from pipelines.storage.models import sql


def tags_only(con: duckdb.DuckDBPyConnection, *, fresh: bool) -> bool:
    """Make `detected_sampling` and `tags_only_sources`; says whether these are others than after the last run.

    `fresh`: the spans read in this run (`incoming_spans`) are looked at too. As every record ever stored counts, the
    answer does not depend on which run brought the one that says so.
    """
    if fresh:
        con.execute(f"insert into sampled_traces by name {sql('intake/sampled_traces')}")
    con.execute(f"create or replace temp table detected_sampling as {sql('intake/detected_sampling')}")
    con.execute(
        "create or replace temp table tags_only_sources as "
        "select source from declared_sampling where sampling < 1 union select source from detected_sampling"
    )
    found = con.execute("select source from tags_only_sources order by source").fetchall()
    names = json.dumps([source for (source,) in found])
    known = setting(con, "tags_only_sources") or "[]"
    put_setting(con, "tags_only_sources", names)
    return names != known
