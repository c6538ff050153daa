"""Kind `promptfoo`: the results of `promptfoo eval --output results.json` (or `.jsonl`), one mark per test and model.

A result is quality only through its assertions: those that a model decides are a `judge`, those that look at the form
alone a `schema`, all others a `label`; the weakest of a test's assertions gives its signal. Workflow, task type, item
and stratum are looked up in the test's metadata, then its vars, under the names of the workspace's `tags:`; workflow
and task type may also stand at the source. Without an item id the test's vars give one, by their hash.

Of several prompts only the first counts (two wordings on one item would not be two items), and a call that failed is
no mark. An answer out of promptfoo's cache says nothing of cost and latency.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.sources import canonical
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.ids import provider_id, provider_of_model
from pipelines.sources.record import Evaluation, Parsed
from pipelines.sources.scoring import quality
from pipelines.sources.tags import refusal, scalar
from pipelines.sources.values import Reject, amount, count_or_zero, latency, mapping, rfc3339, share, text

#: ways to call a provider that its id names between provider and model
_MODES = frozenset(
    {"chat", "completion", "completions", "responses", "messages", "embedding", "embeddings", "assistant"}
)
_JUDGES = (
    "llm-rubric", "model-graded", "factuality", "g-eval", "answer-relevance", "context-", "select-best", "similar",
    "classifier", "moderation", "pi", "search-rubric", "conversation-relevance", "trajectory:goal",
)  # fmt: skip
_FORMS = (
    "is-json",
    "contains-json",
    "is-xml",
    "contains-xml",
    "is-sql",
    "contains-sql",
    "is-html",
    "contains-html",
    "is-valid",
)
_ITEM = ("item_id",)
_CALL_FAILED = 2  # failureReason: the provider answered with an error


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """A whole eval, or one result of it."""
    document = mapping(value, "line")
    inner = document.get("results")
    if type(inner) is dict:
        return _results(inner.get("results"), _time(inner.get("timestamp"), document, context), context)
    if type(inner) is list:
        return _results(inner, _time(document.get("timestamp"), document, context), context)
    return _result(document, _time(document.get("timestamp"), document, context), context)


def _results(rows: Any, time: datetime, context: Context) -> Iterator[Parsed]:
    if type(rows) is not list:
        raise Reject("results.results: expected a list")
    return each(rows, lambda row, inner: _result(row, time, inner), context)


def _time(found: Any, document: dict[str, Any], context: Context) -> datetime:
    for value in (
        found,
        document.get("createdAt"),
        mapping(document.get("metadata"), "metadata").get("evaluationCreatedAt"),
    ):
        if value is not None:
            return rfc3339(value, "timestamp", context)
    if context.default_time is None:
        raise Reject("no time: expected results.timestamp, or a date in the file's path")
    return context.default_time


def _result(value: Any, time: datetime, context: Context) -> tuple[Evaluation, ...]:
    row = mapping(value, "result")
    if "provider" not in row:
        raise Reject("provider: expected the id of a model")
    if row.get("promptIdx") not in (None, 0) or row.get("failureReason") == _CALL_FAILED:
        context.notes.skipped += 1
        return ()
    test = mapping(row.get("testCase"), "testCase")
    variables = {**mapping(test.get("vars"), "vars"), **mapping(row.get("vars"), "vars")}
    named = {**variables, **mapping(row.get("metadata"), "metadata"), **mapping(test.get("metadata"), "metadata")}
    marking = context.marking
    provider, model = _model(row["provider"])
    response = mapping(row.get("response"), "response")
    cached = response.get("cached") is True
    spent = {} if cached else mapping(row.get("tokenUsage") or response.get("tokenUsage"), "tokenUsage")
    cost = None if cached else next((c for c in (row.get("cost"), response.get("cost")) if c is not None), None)
    if cost == 0:
        cost = None  # promptfoo writes 0 where it knows no price
    mark = {
        "workflow": _dimension(named, marking.keys.get("workflow", ("workflow",)), "workflow") or marking.workflow,
        "task_type": _dimension(named, marking.keys.get("task_type", ("task_type",)), "task_type") or marking.task_type,
        "item_id": _dimension(named, (*_ITEM, *marking.keys.get("unit_id", ("unit_id",))), "item_id")
        or _hashed(variables),
        "stratum": _dimension(named, marking.keys.get("stratum", ("stratum",)), "stratum"),
    }
    evaluation = Evaluation(
        workflow=text(mark["workflow"], "workflow, in the test's metadata or at the source"),
        task_type=text(mark["task_type"], "task_type, in the test's metadata or at the source"),
        item_id=text(mark["item_id"], "item_id"),
        provider=provider,
        model=model,
        quality=_quality(row, context),
        time=time,
        signal=marking.signal or _signal(row, test),
        input_tokens=count_or_zero(spent.get("prompt"), "tokenUsage.prompt"),
        output_tokens=count_or_zero(spent.get("completion"), "tokenUsage.completion"),
        cost_usd=None if cost is None else amount(cost, "cost"),
        latency_ms=None if cached else latency(row.get("latencyMs")),
        stratum=mark["stratum"],
    )
    evaluation.canonical = canonical.text(
        {
            name: found
            for name in (
                "workflow", "task_type", "item_id", "provider", "model", "quality", "time", "signal", "input_tokens",
                "output_tokens", "cost_usd", "latency_ms", "stratum",
            )
            if (found := getattr(evaluation, name)) is not None
        }
    )  # fmt: skip
    return (evaluation,)


def _quality(row: dict[str, Any], context: Context) -> Decimal:
    score = row.get("score")
    if score is not None:
        return quality(context.marking, "score", score, None)
    if type(row.get("success")) is bool:
        return share(int(row["success"]), "success")
    raise Reject("expected score or success")


def _signal(row: dict[str, Any], test: dict[str, Any]) -> str | None:
    """The weakest of the test's assertions; none of them, no signal."""
    graded = mapping(row.get("gradingResult"), "gradingResult").get("componentResults")
    kinds = []
    if type(graded) is list:
        kinds = [mapping(part.get("assertion"), "assertion").get("type") for part in graded if type(part) is dict]
    if not any(kinds) and type(test.get("assert")) is list:
        kinds = [part.get("type") for part in test["assert"] if type(part) is dict]
    named = [kind.removeprefix("not-") for kind in kinds if type(kind) is str]
    if not named:
        return None
    if any(kind.startswith(_JUDGES) for kind in named):
        return "judge"
    return "schema" if all(kind.startswith(_FORMS) for kind in named) else "label"


def _model(value: Any) -> tuple[str, str]:
    """`openai:chat:gpt-5.4` → (openai, gpt-5.4); a label written as provider/model says it for custom providers."""
    given = value if type(value) is dict else {"id": value}
    name, label = text(given.get("id"), "provider.id"), given.get("label")
    provider, colon, rest = name.partition(":")
    if type(label) is str and "/" in label and " " not in label:
        maker, _, model = label.partition("/")
        return provider_id(maker), text(model, "provider.label")
    parts = rest.split(":")
    while len(parts) > 1 and parts[0] in _MODES:
        parts.pop(0)
    model = ":".join(parts)
    if not colon or not model or provider in ("file", "exec", "python", "http", "https") or model in _MODES:
        if "/" in name and not colon:
            maker, _, model = name.partition("/")
            return provider_id(maker), text(model, "provider.id")
        raise Reject("provider: expected an id such as openai:gpt-5.4, or a label provider/model")
    return (provider_id(provider) if provider != "litellm" else provider_of_model(model)), model


def _dimension(named: dict[str, Any], keys: Iterable[str], name: str) -> str | None:
    """The first of the names that the test carries; a prompt's own text is never taken for an id."""
    for key in keys:
        found = scalar(named.get(key)) if refusal(key) is None else None
        if found is not None:
            return text(found, name)
    return None


def _hashed(variables: dict[str, Any]) -> str | None:
    if not variables:
        raise Reject("item_id: expected one in the test's metadata or vars, or vars to tell tests apart")
    return "vars-" + hashlib.sha256(canonical.text(variables).encode()).hexdigest()[:16]


FORMATS = (
    Format(
        kind="promptfoo",
        shapes=("json",),
        tokens="tokenUsage.prompt and completion of the answer, not of the grading",
        key="workflow, task_type, item_id, provider, model; the latest time wins",
        time="results.timestamp, else the date in the file's path",
        tags="metadata and vars of the test",
        recorded="exact",
        parse=parse,
    ),
)
