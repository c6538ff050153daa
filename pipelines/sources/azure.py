"""Kind `azure-apim`: API Management's GatewayLlmLog, as exported from Log Analytics.

One call can have several rows (its prompt and answer are split by SequenceNumber), of which one carries the
tokens. Every row is handed on under the call's key; of two payloads under one key the greater counts win, and
that is the MAX that the table asks for, also when the rows lie in different files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipelines.sources import canonical, documents
from pipelines.sources.context import Context
from pipelines.sources.envelope import each
from pipelines.sources.formats import Format
from pipelines.sources.record import Parsed, Quarantined, RequestRecord
from pipelines.sources.tables import Cells
from pipelines.sources.tags import Tags
from pipelines.sources.usage import Tokens
from pipelines.sources.values import Reject, digits, mapping, optional_text, text, utc_text

_RESPONSE_IDS = ("chatcmpl-", "resp_", "cmpl-", "msg_")


def parse(value: Any, context: Context) -> Iterable[Parsed]:
    """One row, or an Event Hub envelope of several; categories without tokens are skipped."""
    line = dict(value) if type(value) is Cells else mapping(value, "line")
    records = line.get("records")
    if type(records) is list:
        return each(records, parse, context)
    properties = line.get("properties")
    if type(properties) is str:
        properties = documents.parse(properties.encode("utf-8"))
        if type(properties) is Quarantined:
            raise Reject("properties: expected JSON")
    row = {name.lower(): field for name, field in line.items()}
    if type(properties) is dict:
        row |= {name.lower(): field for name, field in properties.items()}
    if "prompttokens" not in row and "completiontokens" not in row:
        context.notes.skipped += 1
        return ()
    return (_call(row, context),)


def _call(row: dict[str, Any], context: Context) -> RequestRecord:
    key = text(row.get("correlationid"), "CorrelationId")
    answered = optional_text(row.get("requestid"), "RequestId")
    response_id = answered if answered and answered.startswith(_RESPONSE_IDS) else None
    deployment = optional_text(row.get("deploymentname"), "DeploymentName")
    model = optional_text(row.get("modelname"), "ModelName") or deployment
    if model is None:
        raise Reject("expected ModelName or DeploymentName")
    total_in = _number(row.get("prompttokens"), "PromptTokens")
    total_out = _number(row.get("completiontokens"), "CompletionTokens")
    total = _number(row.get("totaltokens"), "TotalTokens")
    tags = Tags(context)
    tags.add("deployment", deployment)
    tags.add("resource", row.get("_resourceid") or row.get("resourceid"))
    tags.add("gateway_region", row.get("region"))  # the gateway's, not the deployment's: no price depends on it
    record = RequestRecord(
        record_key=key,
        request_id=response_id or key,
        response_id=response_id,
        time=utc_text(row.get("timegenerated") or row.get("time"), "TimeGenerated", context),
        provider="azure",
        model=model,
        tags=tags.done(),
    )
    flags = ["cache_unknown"] + ["token_mismatch"] * (total not in (0, total_in + total_out))
    Tokens(input_uncached=total_in, output_nonreasoning=total_out, known_classes=2, flags=flags).give(record)
    record.canonical = canonical.of_request(record)
    return record


def _number(value: Any, name: str) -> int:
    return 0 if value is None else digits(value, name)


FORMATS = (
    Format(
        kind="azure-apim",
        shapes=("json", "csv"),
        tokens="inclusive, cached part unknown: all input is priced as uncached",
        key="CorrelationId",
        time="TimeGenerated, UTC",
        tags="deployment, resource",
        parse=parse,
    ),
)
