"""The same result from other engines, each written as well as its users would: `python -m tests.benchmark.peers`.

Every peer is a script of its own, `python -m tests.benchmark.peers.NAME LOGS RATES OUT`: it reads the `requests` logs of
LOGS/*.jsonl, keeps each request once, prices it by RATES and writes the daily cost to OUT. Grain of OUT: one row per day
(UTC), workflow, task type, provider and model: `day,workflow,task_type,provider,model,requests,units,pico`. `units` are
distinct; `pico` is the exact spend in 10⁻¹² dollars, an integer, so that no engine can round.

RATES is a CSV of one row per provider and model: `provider,model,input,cache_read,output`, each in 10⁻¹² dollars a token.
"""

COLUMNS = ("day", "workflow", "task_type", "provider", "model", "requests", "units", "pico")
