-- grain: the ledger's tables, each with its own grain on the line above it
-- one row per setting of the ledger itself (schema version, meaning of the workspace file, rate book, published set)
create table if not exists settings (name varchar, value varchar);
-- one row per (source, file): what was read of it, and how to know it again
create table if not exists files (
    source varchar, kind varchar, file varchar, size bigint, stat varchar, sha256 varchar, windows varchar,
    records_read bigint, stored bigint, duplicate bigint, superseded bigint, quarantined bigint, refused varchar,
    run_id varchar
);
-- one row per refused record (line) or file (line is null)
create table if not exists quarantine (source varchar, file varchar, line bigint, day date, reason varchar, excerpt varchar);
-- one row per lake file that belongs to a committed run
create table if not exists lake_files (file varchar, run_id varchar);
-- one row per distinct payload of a request, losers of deduplication too
create table if not exists records (
    source varchar, kind varchar, file varchar, line bigint,
    record_key varchar, request_id varchar, response_id varchar, time timestamptz, provider varchar, model varchar,
    status varchar, input_uncached bigint, cache_read bigint, cache_write bigint, cache_write_long bigint,
    output_nonreasoning bigint, output_reasoning bigint, extras map(varchar, bigint), known_classes bigint,
    service_tier varchar, region varchar, latency_ms bigint, recorded_usd decimal(28, 12), recorded_is_estimate boolean,
    units struct(unit_id varchar, weight varchar)[], tags map(varchar, varchar), resource_tags map(varchar, varchar),
    trace_id varchar, span_id varchar, parent_span_id varchar, updated_at timestamptz, flags varchar[],
    canonical varchar using compression zstd, request_key uuid, payload bigint, day date, own_rank bigint,
    group_key uuid, wins boolean, run_id varchar
);
-- one row per call that several records report; all others are alone
create table if not exists shared_groups (group_key uuid);
-- one row per distinct span that is no request
create table if not exists spans (
    trace_id varchar, span_id varchar, parent_span_id varchar, time timestamptz, tags map(varchar, varchar)
);
-- one row per (run, trace) of which a span says that it was kept with a probability below 1
create table if not exists sampled_traces (trace_id varchar, probability decimal(18, 6));
-- one row per request and payload that the rate book priced on demand (`called_on`: its UTC day); kept until `run --full`. `…_price`, `…_usd` are
-- contracted; `listed` holds the list's where a contract differs from it (null inside: no list has one), else null
create table if not exists prices (
    request_key uuid, payload bigint, called_on date, cost_basis varchar, cost_usd decimal(28, 12), list_cost_usd decimal(28, 12),
    rate_source varchar, missing varchar,
    input_price decimal(22, 15), cache_read_price decimal(22, 15), cache_write_price decimal(22, 15),
    cache_write_long_price decimal(22, 15), output_price decimal(22, 15), reasoning_price decimal(22, 15),
    input_usd decimal(28, 12), cache_read_usd decimal(28, 12), cache_write_usd decimal(28, 12),
    cache_write_long_usd decimal(28, 12), output_usd decimal(28, 12), reasoning_usd decimal(28, 12),
    listed struct(
        input_price decimal(22, 15), cache_read_price decimal(22, 15), cache_write_price decimal(22, 15),
        cache_write_long_price decimal(22, 15), output_price decimal(22, 15), reasoning_price decimal(22, 15),
        input_usd decimal(28, 12), cache_read_usd decimal(28, 12), cache_write_usd decimal(28, 12),
        cache_write_long_usd decimal(28, 12), output_usd decimal(28, 12), reasoning_usd decimal(28, 12)
    )
);
-- one row per request and further SKU (web searches, audio …)
create table if not exists price_extras (
    request_key uuid, payload bigint, called_on date, sku varchar, quantity bigint, unit_price_usd decimal(22, 15),
    amount_usd decimal(28, 12), list_unit_price_usd decimal(22, 15), list_amount_usd decimal(28, 12), rate_source varchar
);
-- one row per day of the ledger: the fixed costs that the contract named for it when it was first worked out, as JSON
create table if not exists contract_days (day date, zone varchar, terms varchar);
-- one row per (request, SKU) that provisioned capacity served: its part of the day's fixed cost
create table if not exists capacity_shares (
    request_key uuid, day date, sku varchar, unit_price_usd decimal(22, 15), amount_usd decimal(28, 12), name varchar
);
-- one row per (day, fixed cost): what no request bears of it
create table if not exists standing_charges (
    day date, provider varchar, model varchar, sku varchar, name varchar, reason varchar, amount_usd decimal(28, 12)
);
-- one row per request that counts: the winner of its calls, with its dimensions
create table if not exists requests (
    request_key uuid, payload bigint, request_id varchar, source varchar, time timestamptz, day date, utc_day date,
    provider varchar, model varchar, model_key varchar, tier varchar, service_tier varchar, region varchar,
    status varchar, workflow varchar, task_type varchar, unit_id varchar,
    units struct(unit_id varchar, weight varchar)[], attempt_id varchar, stratum varchar, reason varchar,
    latency_ms bigint, input_uncached bigint, cache_read bigint, cache_write bigint, cache_write_long bigint,
    output_nonreasoning bigint, output_reasoning bigint, input_tokens bigint, output_tokens bigint,
    cost_basis varchar, cost_usd decimal(28, 12), recorded_usd decimal(28, 12), assigned_by bigint
);
-- one row per (request, further dimension that `tags:` names) with a value
create table if not exists request_dimensions (request_key uuid, day date, dimension varchar, value varchar);
-- one row per (request, unit) that bears a part of it
create table if not exists allocations (
    request_key uuid, day date, workflow varchar, unit_id varchar, cost_usd decimal(28, 12)
);
-- one row per outcome event
create table if not exists outcome_events (
    source varchar, kind varchar, file varchar, line bigint, event_id varchar, time timestamptz, workflow varchar,
    unit_id varchar, event varchar, attempt_id varchar, value_usd decimal(28, 12), quality decimal(28, 12),
    signal varchar, parent_workflow varchar, parent_unit_id varchar, canonical varchar, day date
);
-- one row per distinct mark of an evaluated (workflow, task type, item, provider, model); `wins`: the latest, which counts
create table if not exists evaluations (
    source varchar, kind varchar, file varchar, line bigint, workflow varchar, task_type varchar, item_id varchar,
    provider varchar, model varchar, quality decimal(28, 12), time timestamptz, signal varchar, input_tokens bigint,
    output_tokens bigint, cost_usd decimal(28, 12), latency_ms bigint, stratum varchar, canonical varchar, wins boolean
);
-- one row per distinct score of a tool; `wins`: the latest of its key, which counts once its request is known
create table if not exists scores (
    source varchar, kind varchar, file varchar, line bigint, score_key varchar, time timestamptz, name varchar,
    quality decimal(28, 12), signal varchar, trace_id varchar, span_id varchar, response_id varchar,
    canonical varchar, wins boolean
);
-- one row per (source, file, place in the file): outcomes of a workflow and day; `wins`: the figure that counts
create table if not exists outcome_counts (
    source varchar, kind varchar, file varchar, place bigint, pull varchar, bucket varchar, row_key varchar,
    canonical varchar, day date, workflow varchar, completed bigint, failed bigint, rejected bigint,
    value_usd decimal(28, 12), wins boolean
);
-- one row per (source, file, place in the file): money that a provider billed over a period; `wins`: it counts
create table if not exists billed_amounts (
    source varchar, kind varchar, file varchar, place bigint, pull varchar, bucket varchar, row_key varchar,
    canonical varchar, day date, period_start timestamptz, period_end timestamptz, provider varchar, account varchar,
    model varchar, item varchar, category varchar, amount_usd decimal(28, 12), effective_usd decimal(28, 12),
    quantity decimal(38, 12), quantity_unit varchar, flags varchar[], wins boolean
);
alter table billed_amounts add column if not exists api_key varchar;
-- one row per (source, file, place in the file): tokens that a provider metered over a period; `wins`: it counts
create table if not exists metered_buckets (
    source varchar, kind varchar, file varchar, place bigint, pull varchar, bucket varchar, row_key varchar,
    canonical varchar, day date, period_start timestamptz, period_end timestamptz, provider varchar, account varchar,
    model varchar, service_tier varchar, requests bigint, input_uncached bigint, cache_read bigint, cache_write bigint,
    cache_write_long bigint, output_tokens bigint, extras map(varchar, bigint), recorded_usd decimal(28, 12),
    flags varchar[], wins boolean
);
-- one row per (source, file, period that the file covers without a row)
create table if not exists empty_buckets (source varchar, file varchar, pull varchar, bucket varchar, day date);
-- one row per event that changed whether a unit is good: +1 or −1 on its day
create table if not exists unit_changes (
    workflow varchar, unit_id varchar, event_id varchar, time timestamptz, day date, change bigint,
    value_usd decimal(28, 12)
);
-- one row per (workflow, unit): its status as of the last event
create table if not exists unit_status (
    workflow varchar, unit_id varchar, status varchar, outcome_day date, value_usd decimal(28, 12)
);
-- of its events; null: written by an earlier build
alter table unit_status add column if not exists first_day date;
alter table unit_status add column if not exists last_day date;
-- one row per (day, workflow)
create table if not exists daily_cost (
    day date, workflow varchar, unit varchar, outcomes bigint, failed_units bigint, requests bigint,
    input_tokens bigint, output_tokens bigint, spend_usd decimal(38, 12), failure_spend_usd decimal(38, 12),
    cost_per_outcome_usd decimal(38, 12)
);
-- one row per (workflow, unit)
create table if not exists unit_costs (
    workflow varchar, unit varchar, unit_id varchar, status varchar, first_request timestamptz, outcome_day date,
    attempts bigint, requests bigint, spend_usd decimal(38, 12), value_usd decimal(38, 12)
);
alter table unit_costs add column if not exists first_day date;
alter table unit_costs add column if not exists last_day date;
-- `first_day`, `last_day` are of requests, these of requests and events; null: written by an earlier build
alter table unit_costs add column if not exists lived_from date;
alter table unit_costs add column if not exists lived_to date;
-- its distinct attempt ids; null: written by an earlier build
alter table unit_costs add column if not exists named_attempts bigint;
-- counts the runs that wrote units; null: in none of the files that `unit_generations` names
alter table unit_costs add column if not exists generation bigint;
-- one row per (workflow, unit) that an older file may hold and that is no more
create table if not exists unit_tombstones (workflow varchar, unit_id varchar, generation bigint);
-- one row per file of units' costs that is in force: the generations whose rows it holds, both ends included
create table if not exists unit_generations (lowest bigint, highest bigint, file varchar);
-- one row per (published day, workflow) that a later run changed
create table if not exists restatements (
    published_at timestamptz, day date, workflow varchar, before_usd decimal(38, 12), after_usd decimal(38, 12),
    cause varchar
);
-- one row per (table, day): the published segment that holds it
create table if not exists segments (name varchar, day date, file varchar);
-- one row per (large table, day, folder) that holds rows of it where the engine is Spark; `day`: null where rows have none
create table if not exists held_parts (name varchar, day date, folder varchar);
-- one row per (day, workflow, task type, model, token class) of borne requests with a price: what the bridge reads
create table if not exists bridge_cells (
    day date, workflow varchar, task_type varchar, model varchar, token_class varchar, quantity decimal(38, 0),
    amount_usd decimal(38, 12)
);
-- one row per (day, workflow, task type, model): calls that something was charged for
create table if not exists bridge_calls (day date, workflow varchar, task_type varchar, model varchar, calls bigint);
-- one row per (week, workflow): tries at units that bear spend in the week; `week` is its Monday
create table if not exists bridge_attempts (week date, workflow varchar, attempts bigint);
-- one row per (workflow, later week, factor): its effect on cost per outcome
create table if not exists bridge_effects (
    workflow varchar, monday date, factor varchar, effect_usd decimal(38, 12), before_usd decimal(38, 12),
    after_usd decimal(38, 12)
);
-- one row per (workflow, later week, factor, contributor) that moved it
create table if not exists bridge_contributions (
    workflow varchar, monday date, factor varchar, of_workflow varchar, task_type varchar, model varchar,
    token_class varchar, effect_usd decimal(38, 12)
);
-- one row per (workflow, unit) whose events name a parent; `named`: how many different ones they name
create table if not exists unit_parents (
    workflow varchar, unit_id varchar, parent_workflow varchar, parent_unit_id varchar, named bigint
);
-- one row per unit whose nesting is refused (it is its own ancestor) or not clear (several parents), as of the last run
create table if not exists nesting_problems (workflow varchar, unit_id varchar, problem varchar);
-- one row per (day, UTC day, provider, account, workflow, team): spend as the month close needs it
create table if not exists close_spend (
    day date, utc_day date, provider varchar, account varchar, workflow varchar, team varchar, usd decimal(38, 12)
);
-- one row per (day, UTC day, provider, account, model, tier, cost basis, token class or SKU): what bills are compared with
create table if not exists close_cells (
    day date, utc_day date, provider varchar, account varchar, model varchar, tier varchar, basis varchar, class varchar,
    tokens bigint, unpriced_tokens bigint, recorded_tokens bigint, requests bigint, usd decimal(38, 12),
    low decimal(22, 15), high decimal(22, 15)
);
-- one row per (day, model, pair of sources, told) that seem to report the same calls; `told`: an alert says so, else a bill may;
-- `size`: null where no call has a price
create table if not exists overlapping_sources (
    day date, subject varchar, one varchar, other varchar, requests bigint, size decimal(38, 12)
);
alter table overlapping_sources add column if not exists told boolean;
-- one row per (day, UTC day, source, provider, model, workflow, task type, tier, reason, cost basis, rule): what marts of all
-- days are summed from
create table if not exists request_cells (
    day date, utc_day date, source varchar, provider varchar, model varchar, model_key varchar, workflow varchar,
    task_type varchar, tier varchar, reason varchar, cost_basis varchar, assigned_by bigint, requests bigint,
    priced_requests bigint, input_tokens bigint, output_tokens bigint, spend_usd decimal(38, 12)
);
-- one row per (day, further dimension that `tags:` names, value): the requests that carry it
create table if not exists dimension_cells (
    day date, dimension varchar, value varchar, requests bigint, priced_requests bigint, spend_usd decimal(38, 12)
);
-- one row per (day, workflow, tier, provider, model, tagged, inferred kind of work): successful requests
create table if not exists kind_cells (
    day date, workflow varchar, tier varchar, provider varchar, model varchar, tagged boolean, inferred_kind varchar,
    requests bigint, spend_usd decimal(38, 12)
);
-- one row per (day, workflow, task type, tier, provider, model) of requests with a workflow
create table if not exists task_cells (
    day date, workflow varchar, task_type varchar, tier varchar, provider varchar, model varchar, requests bigint,
    input_tokens bigint, output_tokens bigint, spend_usd decimal(38, 12), latency_p50_ms bigint, latency_p95_ms bigint
);
-- one row per (day, workflow, task type, stratum, calls): units all of whose requests lie on that day (`publish/call_cells`)
create table if not exists call_cells (
    day date, workflow varchar, task_type varchar, stratum varchar, calls bigint, units bigint, settled bigint
);
-- one row per (day, workflow, task type, stratum, unit) of units with requests on several days
create table if not exists calls_apart (
    day date, workflow varchar, task_type varchar, stratum varchar, unit_id varchar, calls bigint, settled boolean
);
-- one row per cell of like requests with a task type (`split/alike`): what they would cost elsewhere is worked out from
create table if not exists price_cells (
    request_key varchar, day date, workflow varchar, task_type varchar, provider varchar, model varchar, region varchar,
    service_tier varchar, time timestamptz, prompt_tokens bigint, requests bigint, input_uncached bigint,
    cache_read bigint, cache_write bigint, cache_write_long bigint, output_nonreasoning bigint, output_reasoning bigint,
    extras map(varchar, bigint)
);
