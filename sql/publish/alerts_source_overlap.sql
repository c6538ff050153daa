-- grain: one row per (day, provider, model, pair of sources): calls that both seem to report under ids that can't match
select day, 'source_overlap' as kind, subject, 'medium' as severity, one, other, requests, size
from overlapping_sources
where told
