"""DuckDB by one statement."""

from __future__ import annotations

import sys

import duckdb

DAILY = """
    copy (
        with once as (
            select any_value(r) as r
            from read_json(
                $1 || '/*.jsonl', format = 'newline_delimited', columns = {
                    request_id: 'varchar', time: 'varchar', provider: 'varchar', model: 'varchar',
                    input_tokens: 'bigint', output_tokens: 'bigint', cache_read_tokens: 'bigint',
                    workflow: 'varchar', task_type: 'varchar', unit_id: 'varchar'
                }
            ) r
            group by r.request_id
        )
        select
            left(r.time, 10) as day, r.workflow, r.task_type, r.provider, r.model,
            count(*) as requests, count(distinct r.unit_id) as units,
            sum(
                (r.input_tokens - coalesce(r.cache_read_tokens, 0)) * p.input
                + coalesce(r.cache_read_tokens, 0) * p.cache_read + r.output_tokens * p.output
            ) as pico
        from once join read_csv($2) p on p.provider = r.provider and p.model = r.model
        group by all
        order by all
    ) to '{out}' (header)
"""

if __name__ == "__main__":
    logs, rates, out = sys.argv[1:]
    duckdb.connect().execute(DAILY.replace("{out}", out), [logs, rates])
