"""chDB (ClickHouse in the process) by one statement."""

from __future__ import annotations

import sys
from importlib import import_module

DAILY = """
    select
        day, workflow, task_type, provider, model, count() as requests, uniqExact(unit_id) as units,
        sum((input_tokens - cache_read_tokens) * p.input + cache_read_tokens * p.cache_read + output_tokens * p.output)
            as pico
    from (
        select
            any(substring(time, 1, 10)) as day, any(provider) as provider, any(model) as model,
            any(input_tokens) as input_tokens, any(output_tokens) as output_tokens,
            any(cache_read_tokens) as cache_read_tokens, any(workflow) as workflow, any(task_type) as task_type,
            any(unit_id) as unit_id
        from file(
            '{logs}/*.jsonl', JSONEachRow,
            'request_id String, time String, provider LowCardinality(String), model LowCardinality(String),
             input_tokens Int64, output_tokens Int64, cache_read_tokens Int64, workflow LowCardinality(String),
             task_type LowCardinality(String), unit_id String'
        )
        group by request_id
    ) r
    join file('{rates}', CSVWithNames) p on p.provider = r.provider and p.model = r.model
    group by all
    order by all
    into outfile '{out}' truncate format CSVWithNames
    settings input_format_skip_unknown_fields = 1, input_format_null_as_default = 1
"""

if __name__ == "__main__":
    logs, rates, out = sys.argv[1:]
    chdb = import_module("chdb")  # of the extra `benchmark` alone, which type checks go without
    chdb.query(DAILY.replace("{logs}", logs).replace("{rates}", rates).replace("{out}", out))
