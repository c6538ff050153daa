-- grain: one row per line of kind `outcomes` that surely says what reading it as a single event would find
-- Sure as in `sources/requests`: what was found under the names sought is as much as was counted in the line's bytes.
with parsed as (
    select *, try(json_transform(text, {{shape}})) as found
    from {{lines}}
    where not contains(text, '\')
),

said as (
    select line, text, members, strings, {{columns}}
    from parsed
),

numbers as (
    select * replace ({{value}} as value_usd, {{quality}} as quality)
    from said
    where {{texts_are_sure}}
),

accounted as (
    select *, {{instant}} as instant, replace(value_usd, '"', '') as amount
    from numbers
    where
        (value_usd is null or regexp_full_match(replace(value_usd, '"', ''), '[0-9]{1,9}([.][0-9]{1,18})?'))
        and (quality is null or regexp_full_match(quality, '[01]|0[.][0-9]{1,18}|1[.]0{1,18}'))
)

select
    line, event_id, instant as time, workflow, unit_id, event,
    nullif(attempt_id, '') as attempt_id,
    {{value_usd}} as value_usd,
    {{share}} as quality,
    nullif(signal, '') as signal,
    nullif(parent_workflow, '') as parent_workflow,
    nullif(parent_unit_id, '') as parent_unit_id,
    {{canonical}} as canonical
from accounted
where instant <= {{latest}}
