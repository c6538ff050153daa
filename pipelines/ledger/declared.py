"""What the workspace file declares, as temporary tables that the SQL models join."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import duckdb

from pipelines.rates.identity import canonical
from pipelines.storage.models import literal
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Value

_PLACES = Decimal(1).scaleb(-12)


def declare(con: duckdb.DuckDBPyConnection, loaded: Loaded) -> None:
    """Make `declared`, `workflow_values`, `assign_rules`, `tier_models`, `source_priorities`, `tags_only_sources`."""
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
    con.execute("create or replace temp table assign_rules (rule bigint, workflow varchar, task_type varchar)")
    _fill(con, "assign_rules", [(i, r.workflow, r.task_type) for i, r in enumerate(config.assign, 1)])
    con.execute("create or replace temp table tier_models (model_key varchar, tier varchar)")
    listed = [
        (canonical(provider, name), tier.name)
        for tier in config.tiers
        for provider, _, name in (model.partition("/") for model in tier.models)
    ]
    _fill(con, "tier_models", listed)
    con.execute("create or replace temp table source_priorities (source varchar, priority bigint)")
    _fill(con, "source_priorities", [(s.name, s.priority) for s in config.sources])
    con.execute("create or replace temp table tags_only_sources (source varchar)")
    _fill(con, "tags_only_sources", [(s.name,) for s in config.sources if s.sampling is not None and s.sampling < 1])


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


def rule_expression(loaded: Loaded) -> str:
    """SQL for the number of the first assign rule that a record without a workflow tag matches."""
    branches = []
    for number, rule in enumerate(loaded.config.assign, 1):
        conditions = [_condition(key, pattern) for key, pattern in sorted(rule.match.items())]
        if rule.from_:
            conditions.append(f"records.day >= date {literal(rule.from_.isoformat())}")
        branches.append(f"when {' and '.join(conditions)} then {number}")
    if not branches:
        return "cast(null as bigint)"
    return f"case when dimensions.workflow is not null then null {' '.join(branches)} end"


def _condition(key: str, pattern: str) -> str:
    columns = {"source": "records.source", "provider": "records.provider", "model": "records.model",
               "service_tier": "records.service_tier", "region": "records.region"}  # fmt: skip
    name = literal(key)
    value = columns.get(key, f"coalesce(records.tags[{name}], records.resource_tags[{name}])")
    like = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%").replace("?", "_")
    return f"{value} like {literal(like)} escape {literal(chr(92))}"


def dimension_expressions(loaded: Loaded) -> dict[str, str]:
    """The select lists of the `dimensions` models: own tags, inherited tags, first of the call's reports."""
    tags = loaded.config.tags
    keys: dict[str, tuple[str, ...]] = {
        "workflow": tags.workflow, "task_type": tags.task_type, "unit_id": tags.unit_id,
        "attempt_id": tags.attempt_id, "stratum": tags.stratum,
    }  # fmt: skip
    own, inherited, taken = [], [], []
    for name, names in keys.items():
        # Outlay's own field names always count, last: `requests` logs are written with them
        ordered = tuple(dict.fromkeys((*names, name)))
        parts = [_tag("members.tags", key) for key in ordered]
        parts += [f"inherited.{name}"]
        parts += [_tag("members.resource_tags", key) for key in ordered]
        if name in ("workflow", "task_type"):
            part = 2 if name == "workflow" else 3
            parts.append(
                "case when members.tags['model_group'] like 'route/%/%' "
                f"then split_part(members.tags['model_group'], '/', {part}) end"
            )
        own.append(f"coalesce({', '.join(parts)}) as {name}")
        each = [f"min_by({_tag('tags', key)}, depth) filter (where {_tag('tags', key)} is not null)" for key in ordered]
        inherited.append(f"coalesce({', '.join(each)}) as {name}")
        if name != "unit_id":
            taken.append(f"min_by({name}, precedence) filter (where {name} is not null) as {name}")
    join = ",\n    "
    return {"own": join.join(own), "inherited": join.join(inherited), "taken": join.join(taken) + ","}


def _tag(column: str, key: str) -> str:
    return f"nullif({column}[{literal(key)}], '')"
