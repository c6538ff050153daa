-- grain: one row per (day, provider, model) whose charged cost differs from what the rate book gives now
select
    charged.day,
    charged.provider,
    charged.model,
    count(*) as requests,
    cast(sum(charged.cost_usd) as decimal(38, 12)) as before_usd,
    cast(sum(priced.cost_usd) as decimal(38, 12)) as after_usd,
    cast(sum(case when charged.cost_usd is null and priced.cost_usd is not null then 1 else 0 end) as bigint)
        as newly_priced,
    cast(sum(case when charged.cost_usd is not null and priced.cost_usd is null then 1 else 0 end) as bigint)
        as no_longer_priced
from charged
inner join priced on priced.request_key = charged.request_key
where charged.cost_usd is distinct from priced.cost_usd
group by charged.day, charged.provider, charged.model
