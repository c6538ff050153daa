"""What the workspace file declares, as temporary tables that the SQL models join."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import duckdb

from pipelines.ledger.tiers import tier_of_model
from pipelines.storage.models import literal
from pipelines.workspace.load import Loaded
from pipelines.workspace.logs import AssignRule
from pipelines.workspace.work import Value

#: Dimensions of every request, by which spend can be charged back beside those that `tags:` names.
BUILT_IN = ("source", "task_type", "workflow")
_PLACES = Decimal(1).scaleb(-12)


def declare(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """Make `declared`, `workflow_values`, `assign_rules`, `chargeback_dimensions`, `tier_models`, `source_priorities`,
    `declared_sampling`. Raises UsageError where two tiers list one model.
    """
    config = loaded.config
    con.execute(
        "create or replace temp table declared (workflow varchar, unit varchar, grain varchar, accept varchar, "
        "maturity_days bigint)"
    )
    _fill(
        con,
        "declared",
        [(n, w.unit, w.grain, w.accept, w.maturity_days) for n, w in config.workflows.items()],
    )
    con.execute(
        "create or replace temp table workflow_values (workflow varchar, valid_from date, valid_to date, kind varchar, "
        "amount decimal(28, 12))"
    )
    _fill(con, "workflow_values", [row for n, w in config.workflows.items() for row in _values(n, w.value)])
    con.execute(
        "create or replace temp table assign_rules (rule bigint, workflow varchar, task_type varchar, match varchar, "
        "valid_from date)"
    )
    _fill(
        con,
        "assign_rules",
        [(i, r.workflow, r.task_type, matched(r), r.from_) for i, r in enumerate(config.assign, 1)],
    )
    con.execute("create or replace temp table chargeback_dimensions (dimension varchar, declared boolean)")
    further = config.tags.dimensions
    named = [(name, False) for name in BUILT_IN if name not in further] + [(name, True) for name in further]
    _fill(con, "chargeback_dimensions", named)
    con.execute("create or replace temp table tier_models (model_key varchar, tier varchar)")
    _fill(con, "tier_models", list(tier_of_model(loaded).items()))
    con.execute("create or replace temp table source_priorities (source varchar, priority bigint)")
    _fill(con, "source_priorities", [(s.name, s.priority) for s in config.sources])
    con.execute("create or replace temp table declared_sampling (source varchar, sampling double)")
    _fill(con, "declared_sampling", [(s.name, s.sampling) for s in config.sources if s.sampling is not None])


def matched(rule: AssignRule) -> str:
    """A rule's conditions as text, keys in order."""
    return ", ".join(f"{key}: {pattern}" for key, pattern in sorted(rule.match.items()))


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple]) -> None:
    if rows:
        con.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)


def _values(workflow: str, values: tuple[Value, ...]) -> list[tuple]:
    """Validity ranges of a workflow's values; the first declared without a date holds from the beginning."""
    if not values:
        return []
    dated = sorted(values, key=lambda v: v.from_ or date.min)
    ends = [v.from_ or date.min for v in dated[1:]] + [date.max]
    rows = []
    for value, end in zip(dated, ends, strict=True):
        kind, amount = ("field", None) if value.field else ("fixed", worth(value))
        rows.append((workflow, value.from_ or date.min, end, kind, amount))
    return rows


def worth(value: Value) -> Decimal | None:
    """USD that one good outcome is worth by declaration, None where the event says it; minutes × rate ÷ 60."""
    if value.per_outcome_usd is not None:
        return value.per_outcome_usd
    if value.minutes_saved is None or value.hourly_rate_usd is None:
        return None
    with localcontext(prec=60):
        return (value.minutes_saved * value.hourly_rate_usd / 60).quantize(_PLACES, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Lookup:
    """Something that a call's tags may carry: its column in the `dimensions` model, and the keys that are tried."""

    column: str
    keys: tuple[str, ...]
    group_part: int | None = None  #: its place in a LiteLLM group `route/<workflow>/<task type>`


#: A batch line that never ran is kept as a record and is no request.
RAN = "not coalesce(list_contains(flags, 'not_executed'), false)"
#: Match keys of `assign` rules that are fields of every record; any other is a tag.
_FIELDS = {name: f"dimensions.{name}" for name in ("source", "provider", "model", "service_tier", "region")}
#: The tags behind a match key, where logs know it by more than one name.
_MATCHED = {
    "key_alias": ("key_alias", "api_key_alias"),
    "team": ("team", "team_id"),
    "project": ("project", "project_id"),
    "service_name": ("service_name", "service.name"),
    "service.name": ("service.name", "service_name"),
    "group": ("model_group", "group"),
    "litellm_group": ("model_group", "litellm_group"),
}


def _matches(loaded: Loaded) -> dict[str, Lookup]:
    """A look-up for every match key of the `assign` rules that is no field."""
    keys = sorted({key for rule in loaded.config.assign for key in rule.match} - _FIELDS.keys())
    return {key: Lookup(f"match_{n}", _MATCHED.get(key, (key,))) for n, key in enumerate(keys, 1)}


def _further(loaded: Loaded) -> dict[str, Lookup]:
    """A look-up for every further dimension that `tags:` names; only the keys listed there count."""
    named = loaded.config.tags.dimensions
    return {name: Lookup(f"dimension_{n}", keys) for n, (name, keys) in enumerate(sorted(named.items()), 1) if keys}


def rule_expression(loaded: Loaded) -> str:
    """SQL for the number of the first assign rule that a call without a workflow tag matches."""
    branches, lookups = [], _matches(loaded)
    for number, rule in enumerate(loaded.config.assign, 1):
        conditions = [
            _like(_FIELDS.get(key) or f"dimensions.{lookups[key].column}", pattern)
            for key, pattern in sorted(rule.match.items())
        ]
        if rule.from_:
            conditions.append(f"dimensions.day >= date {literal(rule.from_.isoformat())}")
        branches.append(f"when {' and '.join(conditions)} then {number}")
    if not branches:
        return "cast(null as bigint)"
    return f"case when dimensions.workflow is not null then null {' '.join(branches)} end"


def _like(value: str, pattern: str) -> str:
    """A glob of `*` and `?` as SQL."""
    like = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%").replace("?", "_")
    return f"{value} like {literal(like)} escape {literal(chr(92))}"


def dimension_expressions(loaded: Loaded) -> dict[str, str]:
    """The select lists of the `dimensions` models: own tags, inherited tags, first of the call's reports."""
    tags = loaded.config.tags
    # Outlay's own field names always count, last: `requests` logs are written with them
    lookups = [
        Lookup("workflow", (*tags.workflow, "workflow"), 2),
        Lookup("task_type", (*tags.task_type, "task_type"), 3),
        Lookup("unit_id", (*tags.unit_id, "unit_id")),
        Lookup("attempt_id", (*tags.attempt_id, "attempt_id")),
        Lookup("stratum", (*tags.stratum, "stratum")),
        *_further(loaded).values(),
        *_matches(loaded).values(),
    ]
    own, inherited, taken = [], [], []
    for lookup in lookups:
        column, keys = lookup.column, tuple(dict.fromkeys(lookup.keys))
        parts = [_tag("members.tags", key) for key in keys]
        parts += [f"inherited.{column}"]
        parts += [_tag("members.resource_tags", key) for key in keys]
        if lookup.group_part is not None:
            group = "members.tags['model_group']"
            parts.append(
                f"case when {group} like 'route/%/%' and {group} not like 'route/%/%/%' "
                # behind `@` stands which half of its units a canary serves, never a name's own letter
                f"then nullif(split_part(split_part({group}, '/', {lookup.group_part}), '@', 1), '') end"
            )
        own.append(f"coalesce({', '.join(parts)}) as {column}")
        each = [f"min_by({_tag('tags', key)}, depth) filter (where {_tag('tags', key)} is not null)" for key in keys]
        inherited.append(f"coalesce({', '.join(each)}) as {column}")
        if column != "unit_id":
            taken.append(f"min_by({column}, precedence) filter (where {column} is not null) as {column}")
    join = ",\n    "
    return {"own": join.join(own), "inherited": join.join(inherited), "taken": join.join(taken) + ","}


def further_dimensions(loaded: Loaded) -> str | None:
    """SQL for (request, day, dimension, value or null) of the `dimensions` model's further columns; None without any."""
    further = _further(loaded)
    names = ", ".join(literal(name) for name in further)
    values = ", ".join(lookup.column for lookup in further.values())
    if not further:
        return None
    each = f"unnest([{names}]) as dimension, unnest([{values}]) as value"
    return f"select request_key, day, {each} from dimensions where {RAN}"


def _tag(column: str, key: str) -> str:
    return f"nullif({column}[{literal(key)}], '')"
