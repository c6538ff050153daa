-- grain: one rate card per (provider, model, service_tier, region, context band, window, validity)
select
    * exclude (valid_from, valid_to),
    cast(valid_from as timestamptz) as valid_from,
    cast(valid_to as timestamptz) as valid_to
from incoming_rates
