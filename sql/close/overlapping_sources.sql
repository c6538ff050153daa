-- grain: one row per (touched day, provider, model, pair of sources): calls that both seem to report under ids that can't match
-- Ids can't match where a record has none, where LiteLLM replaced the provider's by its own, or where the two are of
-- different makes. Such records with the same token counts are taken for one call if they start in the same second, or
-- within five. Two sources overlap if at least half of the calls of the one with fewer find their like (or twenty; and
-- two, where it has as many), and three times as many as would by chance: a source with n calls of these counts in the
-- ten minutes, m of them in the minute, has one in a given second with at most n / 600 or m / 60, within five seconds
-- with eleven times that.
with shared as (
    select day, provider, model_key
    from requests
    where day in (select day from close_touched) and input_tokens > 0
    group by day, provider, model_key
    having min(source) < max(source)
),

calls as (
    select
        requests.day, requests.provider, requests.model_key, requests.source, requests.input_tokens,
        requests.output_tokens, requests.cost_usd, date_trunc('second', requests.time) as started,
        date_trunc('minute', requests.time) as minute,
        case
            when records.response_id is null then 'none'
            when records.kind in ('litellm', 'litellm-spendlogs') and requests.provider in ('anthropic', 'aws') then 'none'
            when records.response_id like 'chatcmpl-%' then 'chatcmpl'
            when records.response_id like 'resp_%' then 'resp'
            when records.response_id like 'msg_%' then 'msg'
            when records.response_id like 'gen-%' then 'gen'
            else 'another'
        end as make
    from requests
    inner join shared
        on shared.day = requests.day and shared.provider = requests.provider and shared.model_key = requests.model_key
    inner join records on records.request_key = requests.request_key and records.day = requests.day and records.wins
    where requests.input_tokens > 0
),

streams as (
    select day, provider, model_key, source, make, count(*) as calls
    from calls
    group by day, provider, model_key, source, make
),

-- who can have seen the same calls, told both ways
pairs as (
    select
        one.day, one.provider, one.model_key, one.source, one.make, other.source as other_source,
        other.make as other_make, least(one.calls, other.calls) as fewer
    from streams as one
    inner join streams as other
        on other.day = one.day and other.provider = one.provider and other.model_key = one.model_key
        and other.source <> one.source and (one.make = 'none' or other.make = 'none' or one.make <> other.make)
),

seconds as (
    select
        day, provider, model_key, source, make, input_tokens, output_tokens, minute, started, count(*) as calls,
        sum(cost_usd) as usd
    from calls
    group by day, provider, model_key, source, make, input_tokens, output_tokens, minute, started
),

per_minute as (
    select day, provider, model_key, source, make, input_tokens, output_tokens, minute, sum(calls) as calls
    from seconds
    group by day, provider, model_key, source, make, input_tokens, output_tokens, minute
),

per_ten_minutes as (
    select
        day, provider, model_key, source, make, input_tokens, output_tokens,
        minute - (extract('minute' from minute) % 10) * interval '1' minute as ten_minutes, sum(calls) as calls
    from per_minute
    group by
        day, provider, model_key, source, make, input_tokens, output_tokens,
        minute - (extract('minute' from minute) % 10) * interval '1' minute
),

counts as (
    select distinct day, provider, model_key, source, make, input_tokens, output_tokens
    from seconds
),

-- calls whose counts the other source has too on the day, and how many in the ten minutes
paired as (
    select
        seconds.day, seconds.provider, seconds.model_key, seconds.source, seconds.make, seconds.input_tokens,
        seconds.output_tokens, seconds.minute, seconds.started, seconds.calls, seconds.usd, pairs.other_source,
        pairs.other_make, pairs.fewer, coalesce(others.calls, 0) as others
    from seconds
    inner join pairs
        on pairs.day = seconds.day and pairs.provider = seconds.provider and pairs.model_key = seconds.model_key
        and pairs.source = seconds.source and pairs.make = seconds.make
    inner join counts
        on counts.day = seconds.day and counts.provider = seconds.provider and counts.model_key = seconds.model_key
        and counts.source = pairs.other_source and counts.make = pairs.other_make
        and counts.input_tokens = seconds.input_tokens and counts.output_tokens = seconds.output_tokens
    left join per_ten_minutes as others
        on others.day = seconds.day and others.provider = seconds.provider and others.model_key = seconds.model_key
        and others.source = pairs.other_source and others.make = pairs.other_make
        and others.input_tokens = seconds.input_tokens and others.output_tokens = seconds.output_tokens
        and others.ten_minutes = seconds.minute - (extract('minute' from seconds.minute) % 10) * interval '1' minute
),

-- the minutes in which the like of a call may have started: its own, and a neighbour near the full minute
looked_up as (
    select *, date_trunc('minute', started - interval '5' second) as near
    from paired
    union
    select *, date_trunc('minute', started + interval '5' second) as near
    from paired
),

found as (
    select
        looked_up.day, looked_up.provider, looked_up.model_key, looked_up.source, looked_up.make,
        looked_up.other_source, looked_up.other_make, looked_up.input_tokens, looked_up.output_tokens,
        looked_up.started, max(case when like_it.started = looked_up.started then 1 else 0 end) as at_once
    from looked_up
    inner join seconds as like_it
        on like_it.day = looked_up.day and like_it.provider = looked_up.provider
        and like_it.model_key = looked_up.model_key and like_it.source = looked_up.other_source
        and like_it.make = looked_up.other_make and like_it.input_tokens = looked_up.input_tokens
        and like_it.output_tokens = looked_up.output_tokens and like_it.minute = looked_up.near
        and like_it.started between looked_up.started - interval '5' second and looked_up.started + interval '5' second
    group by
        looked_up.day, looked_up.provider, looked_up.model_key, looked_up.source, looked_up.make,
        looked_up.other_source, looked_up.other_make, looked_up.input_tokens, looked_up.output_tokens,
        looked_up.started
),

-- of every call of one source: whether the other has its like, and how probable that was (in 1/600)
sides as (
    select
        paired.day, paired.provider, paired.model_key, paired.source, paired.make, paired.other_source,
        paired.other_make, paired.fewer,
        sum(case when found.started is not null then paired.calls else 0 end) as near,
        sum(case when found.at_once = 1 then paired.calls else 0 end) as at_once,
        sum(case when found.started is not null then paired.usd end) as near_usd,
        sum(case when found.at_once = 1 then paired.usd end) as at_once_usd,
        sum(paired.calls * least(11 * greatest(paired.others, 10 * coalesce(now.calls, 0)), 600)) as near_by_chance,
        sum(paired.calls * least(greatest(paired.others, 10 * coalesce(now.calls, 0)), 600)) as at_once_by_chance
    from paired
    left join found
        on found.day = paired.day and found.provider = paired.provider and found.model_key = paired.model_key
        and found.source = paired.source and found.make = paired.make and found.other_source = paired.other_source
        and found.other_make = paired.other_make and found.input_tokens = paired.input_tokens
        and found.output_tokens = paired.output_tokens and found.started = paired.started
    left join per_minute as now
        on now.day = paired.day and now.provider = paired.provider and now.model_key = paired.model_key
        and now.source = paired.other_source and now.make = paired.other_make
        and now.input_tokens = paired.input_tokens and now.output_tokens = paired.output_tokens
        and now.minute = paired.minute
    group by
        paired.day, paired.provider, paired.model_key, paired.source, paired.make, paired.other_source,
        paired.other_make, paired.fewer
),

compared as (
    select
        one.day, one.model_key, one.source, one.other_source, one.fewer,
        least(one.near, other.near) as near, least(one.at_once, other.at_once) as at_once,
        least(one.near_usd, other.near_usd) as near_usd, least(one.at_once_usd, other.at_once_usd) as at_once_usd,
        greatest(one.near_by_chance, other.near_by_chance) as near_by_chance,
        greatest(one.at_once_by_chance, other.at_once_by_chance) as at_once_by_chance
    from sides as one
    inner join sides as other
        on other.day = one.day and other.provider = one.provider and other.model_key = one.model_key
        and other.source = one.other_source and other.make = one.other_make
        and other.other_source = one.source and other.other_make = one.make
    where one.source < other.source
),

judged as (
    select
        *,
        near >= least(fewer, 2) and (2 * near >= fewer or near >= 20)
        and 600 * near >= 3 * near_by_chance as overlap_near,
        at_once >= least(fewer, 2) and (2 * at_once >= fewer or at_once >= 20)
        and 600 * at_once >= 3 * at_once_by_chance as overlap_at_once
    from compared
    where near > 0
)

select
    day, model_key as subject, source as one, other_source as other,
    cast(sum(case when overlap_near then near else at_once end) as bigint) as requests,
    sum(case when overlap_near then near_usd else at_once_usd end) as size
from judged
where overlap_near or overlap_at_once
group by day, model_key, source, other_source
