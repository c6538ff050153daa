"""The Spark engine: the same road, for logs that one machine can't take in. The way of the data:

    logs ─ executors read each file ────────────> lake/requests/utc_day=…/*.parquet      `reading`
    lake ─ one call once: what is new, against
           what the last run left ──────────────> records, spans, outcome_events         `once`, `news`
         ─ attribution, prices, charges ────────> requests, prices                       stages of `pipelines.run`
         ─ shares of a call, in whole numbers ──> allocations                            `road.allocate`
         ─ lives of units, cost of units, days ─> unit_costs, daily_cost                 stages of `pipelines.run`
         ─ one file a day ──────────────────────> segments/{requests,charges,unit_days}  `road.write_segments`
         ─ one file of all units ───────────────> segments/outcome_cost                  `road.write_segments`
         ─ totals and marts ────────────────────> the published set, as ever
         ─ tables, by day ──────────────────────> held/<table>/…, for the next run       `held`

There is one set of SQL, `sql/`: `dialect` writes each model in Spark's words, `days` names days in it, `repeated` has parts
that are read several times worked out once, and `ledger` sends it there. The driver holds what is small (the manifest,
what is declared, days, rates, marts); no row of a request reaches it. Where the files lie: `folders`; the lake may be a
bucket (`place`), what lies between two stages and between two runs wherever Spark can write (`work`).

A run works out the days that it touches, as by DuckDB, late calls by themselves; of other days it reads what a record's
key, call and trace are found by. What has a row for each unit, and no day, is written as a whole. `run --full`, the first
run and one after a change of the workspace file work out all of the lake; `run --full` holds the lake of the ledger that it
replaces, of either engine, against what it read (`history`). What lets others look at the ledger is `looking`. Not there
yet, and refused by name: `run --full` by DuckDB over a ledger of Spark's.
"""
