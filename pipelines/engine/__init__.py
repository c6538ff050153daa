"""The Spark engine: the same road, for logs that one machine can't take in. The way of the data:

    logs ─ executors read each file ────────────> lake/requests/utc_day=…/*.parquet      `reading`
    lake ─ one call once, over all days ────────> records                                `once`
         ─ attribution, prices, charges ────────> requests, prices                       stages of `pipelines.run`
         ─ shares of a call, in whole numbers ──> allocations                            `road.allocate`
         ─ lives of units, cost of units, days ─> unit_costs, daily_cost                 stages of `pipelines.run`
         ─ one file a day ──────────────────────> segments/{requests,charges,unit_days}  `road.write_segments`
         ─ totals and marts ────────────────────> the published set, as ever

There is one set of SQL, `sql/`: `dialect` writes each model in Spark's words, and `ledger` sends it there. The driver
holds what is small (the manifest, what is declared, days, rates, marts); no row of a request reaches it.

A run works out every day of the lake anew: what it costs grows with the history, and more machines divide it. What is
not there yet is refused by name: `run --full` over an earlier ledger, provisioned capacity.
"""
