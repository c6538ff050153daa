"""Files that were moved: what was refused of them counts where they lie now, no longer where they lay.

A file that lies elsewhere under another name is read anew, as its name may say when it was written. Its records are then
duplicates of the stored ones; what it refuses has no key to be known by.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from pipelines.storage.rows import as_table


def forget(con: duckdb.DuckDBPyConnection, taken: str, there: Collection[tuple[str, str]]) -> None:
    """Drop the refusals of files that had the content of those just read, and are no longer there.

    `taken`: the table of (source, sha256) just read; `there`: (source, file) of all that lie there. A copy that still
    does keeps what it refused.
    """
    found = con.execute(
        f"select distinct files.source, files.file from files inner join {taken} using (source, sha256) "
        "where files.quarantined > 0 or files.refused is not null"
    ).fetchall()
    gone = [(source, file) for source, file in found if (source, file) not in there]
    if not gone:
        return
    with as_table(con, "moved_from", ("source", "file"), gone):
        con.execute("delete from quarantine where (source, file) in (select (source, file) from moved_from)")
        con.execute(
            "delete from files where refused is not null and (source, file) in (select (source, file) from moved_from)"
        )
        con.execute(
            "update files set records_read = records_read - quarantined, quarantined = 0 "
            "where (source, file) in (select (source, file) from moved_from)"
        )
