"""The Spark engine: the same road, for logs that one machine can't take in. The way of the data:

    logs ─ executors read each file ────────────> lake/requests/utc_day=…/*.parquet      `reading`
    lake ─ one call once, over all days ────────> records                                `once`
         ─ attribution, prices, charges ────────> requests, prices                       stages of `pipelines.run`
         ─ shares of a call, in whole numbers ──> allocations                            `road.allocate`
         ─ lives of units, cost of units, days ─> unit_costs, daily_cost                 stages of `pipelines.run`
         ─ one file a day ──────────────────────> segments/{requests,charges,unit_days}  `road.write_segments`
         ─ one file of all units ───────────────> segments/outcome_cost                  `road.write_segments`
         ─ totals and marts ────────────────────> the published set, as ever

There is one set of SQL, `sql/`: `dialect` writes each model in Spark's words, and `ledger` sends it there. The driver
holds what is small (the manifest, what is declared, days, rates, marts); no row of a request reaches it. Where the files
lie: `folders`; the lake may be a bucket (`place`), what lies between two stages wherever Spark can write (`work`).

The lake is what a run goes on from: every record that any run read. So a run that finds anything new works out every day
of the lake again: what it costs grows with the history, and more machines divide it; one that finds nothing new ends at
once. `run --full` holds the lake of the ledger that it replaces, of either engine, against what it read (`history`).
What is not there yet is refused by name: `rates diff`, and `run --full` by DuckDB over a ledger of Spark's.
"""
