"""The part of Envoy AI Gateway's resources that Outlay writes, with the limits that its API server would enforce.

`AIGatewayRoute` is `aigateway.envoyproxy.io/v1beta1`; `BackendTrafficPolicy` is Envoy Gateway's own. Unknown fields
are refused here, where a cluster would drop them silently. The rules across fields (unique rule names, only gateways
as parents, the reserved rule name) stand in the cluster as CEL, which no JSON schema covers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

API = "aigateway.envoyproxy.io/v1beta1"
RULES = 15  #: a route object holds no more
BACKENDS = 128  #: a rule refers to no more
INT32 = 2**31 - 1

Label = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Subdomain = Annotated[
    str, Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Metadata(Part):
    name: Subdomain
    namespace: Label
    labels: dict[str, Annotated[str, Field(max_length=63)]] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class ParentRef(Part):
    group: Literal["gateway.networking.k8s.io"]
    kind: Literal["Gateway"]  # the only kind that is supported
    name: Annotated[str, Field(min_length=1, max_length=253)]


class HeaderMatch(Part):
    type: Literal["Exact", "RegularExpression"]
    name: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$")]
    value: Annotated[str, Field(min_length=1, max_length=4096)]


class Match(Part):
    headers: list[HeaderMatch] = Field(min_length=1, max_length=16)

    @model_validator(mode="after")
    def _once(self) -> Match:
        names = [header.name.lower() for header in self.headers]
        if len(set(names)) != len(names):
            raise ValueError("a header is matched twice")
        return self


class BackendRef(Part):
    name: Annotated[str, Field(min_length=1)]  #: of an AIServiceBackend
    namespace: Label | None = None
    modelNameOverride: str | None = None  # noqa: N815 - the resource's own spelling
    weight: Annotated[int, Field(ge=1, le=INT32)]  # the cluster allows 0, which is never chosen: leave it out
    priority: Annotated[int, Field(ge=0, le=INT32)]


class Rule(Part):
    name: Subdomain
    matches: list[Match] = Field(min_length=1, max_length=128)
    backendRefs: list[BackendRef] = Field(min_length=1, max_length=BACKENDS)  # noqa: N815

    @model_validator(mode="after")
    def _free(self) -> Rule:
        if self.name == "route-not-found":
            raise ValueError("rule name route-not-found is reserved")
        return self


class RouteSpec(Part):
    parentRefs: list[ParentRef] = Field(min_length=1, max_length=16)  # noqa: N815
    rules: list[Rule] = Field(min_length=1, max_length=RULES)

    @model_validator(mode="after")
    def _unique(self) -> RouteSpec:
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"rule name {twice[0]} is given twice")
        return self


class AIGatewayRoute(Part):
    apiVersion: Literal["aigateway.envoyproxy.io/v1beta1"]  # noqa: N815
    kind: Literal["AIGatewayRoute"]
    metadata: Metadata
    spec: RouteSpec


class PolicyTarget(Part):
    group: Literal["gateway.networking.k8s.io"]
    kind: Literal["HTTPRoute"]  # the gateway makes one of the same name for each AIGatewayRoute
    name: Subdomain


class RetryOn(Part):
    httpStatusCodes: list[Annotated[int, Field(ge=100, le=599)]] = Field(min_length=1)  # noqa: N815
    triggers: list[Literal["connect-failure", "retriable-status-codes", "reset", "refused-stream"]]


class Retry(Part):
    numAttemptsPerPriority: Annotated[int, Field(ge=1, le=INT32)]  # noqa: N815
    numRetries: Annotated[int, Field(ge=0, le=INT32)]  # noqa: N815
    retryOn: RetryOn  # noqa: N815


class TrafficSpec(Part):
    targetRefs: list[PolicyTarget] = Field(min_length=1, max_length=16)  # noqa: N815
    retry: Retry


class BackendTrafficPolicy(Part):
    apiVersion: Literal["gateway.envoyproxy.io/v1alpha1"]  # noqa: N815
    kind: Literal["BackendTrafficPolicy"]
    metadata: Metadata
    spec: TrafficSpec


KINDS: Mapping[str, type[AIGatewayRoute] | type[BackendTrafficPolicy]] = {
    "AIGatewayRoute": AIGatewayRoute,
    "BackendTrafficPolicy": BackendTrafficPolicy,
}


def problems_of(document: Any) -> list[str]:
    """What the cluster would refuse or drop, each with its place; empty if nothing."""
    kind = document.get("kind") if isinstance(document, Mapping) else None
    if kind not in KINDS:
        return [f"kind {kind!r}: expected one of {sorted(KINDS)}"]
    try:
        KINDS[str(kind)].model_validate(document)
    except ValidationError as error:
        return [
            f"{kind}: {'.'.join(str(part) for part in item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    return []
