-- grain: one row per (UTC day, provider) on which the ledger holds less than 95 % of the tokens that the provider
-- reports, with the model that is covered least where the report tells models apart
-- Days before the provider's first logged call and after its last one are not compared.
with days as (
    select
        day, provider, sum(held_tokens) as held_tokens, sum(reported_tokens) as reported_tokens
    from coverage
    where logged
    group by day, provider
),

least_covered as (
    select
        day, provider, model, held_tokens, reported_tokens,
        row_number() over (
            partition by day, provider order by reported_tokens - held_tokens desc, model
        ) as place
    from coverage
    where model is not null and held_tokens < reported_tokens
)

select
    days.day, 'reconciliation' as kind, days.provider as subject, 'medium' as severity,
    cast(days.held_tokens as bigint) as held_tokens, cast(days.reported_tokens as bigint) as reported_tokens,
    least_covered.model, least_covered.held_tokens as model_held, least_covered.reported_tokens as model_reported
from days
left join least_covered
    on least_covered.day = days.day and least_covered.provider = days.provider and least_covered.place = 1
where 100 * days.held_tokens < 95 * days.reported_tokens
order by days.day, days.provider
