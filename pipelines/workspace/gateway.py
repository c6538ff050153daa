"""Where approved routes go, who approves them, and how a canary advances."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pipelines.workspace.words import Name, Secret, Share, Strict


class Approver(Strict):
    name: str
    email: str | None = None


def _approver(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Reload(Strict):
    command: tuple[str, ...] = Field(min_length=1)
    timeout_s: Annotated[int, Field(gt=0, le=3600)] = 60


class Probe(Strict):
    url: str
    key: Secret | None = None
    #: lists the keys and access groups that lack a route; never used for requests
    admin_key: Secret | None = None


KubernetesName = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class EnvoyGateway(Strict):
    """Where an Envoy AI Gateway's routes belong in the cluster."""

    name: KubernetesName = "ai-gateway"  #: of the Gateway that the routes are attached to
    namespace: KubernetesName = "default"
    route: Annotated[KubernetesName, Field(max_length=55)] = "outlay"  #: of our AIGatewayRoute; a second is `outlay-2`


class Target(Strict):
    name: Name
    kind: Literal["litellm", "portkey", "envoy", "json"]
    path: str
    mode: Literal["file", "git", "print"] = "file"
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] | None = (
        None  #: mode git: where it is to be merged
    )
    gateway: EnvoyGateway | None = None  #: kind envoy: the cluster's Gateway
    models: dict[Name, dict[str, Any]] = Field(default_factory=dict)  #: tier -> the gateway's own parameters
    reload: Reload | None = None
    probe: Probe | None = None

    @model_validator(mode="after")
    def _fits(self) -> Target:
        if self.kind != "envoy" and self.gateway is not None:
            raise ValueError(f"gateway: belongs to kind envoy, found kind {self.kind}")
        if self.branch is not None and self.mode != "git":
            raise ValueError(f"branch: belongs to mode git, found mode {self.mode}")
        if self.reload is not None and self.mode != "file":
            raise ValueError(f"reload: in mode {self.mode} Outlay changes nothing that could be reloaded; remove it")
        return self


class Rollout(Strict):
    """When `route advance` moves a canary on, and when it takes one back."""

    outcomes: Annotated[int, Field(ge=1)] = 30  #: settled units that the canary alone worked on, at each share
    days: Annotated[int, Field(ge=1)] = 7  #: full days at each share
    failure_limit: Annotated[int, Field(ge=1)] = 3  #: days in a row on which a guard failed, before it is taken back
    fresh_hours: Annotated[int, Field(ge=1)] = 36  #: the newest request must be younger
    error_margin: Share = 0.02  #: the canary's error rate may be higher by this much
    latency_factor: Annotated[float, Field(ge=1)] = 1.25  #: its 95th percentile may be this many times the old tier's
    hold_back: Annotated[int, Field(ge=0, le=50)] = 0  #: percent that stays on the old tier, where all was approved


class Routing(Strict):
    policy: str = "routing/policy.yaml"
    approvers: tuple[Annotated[Approver, BeforeValidator(_approver)], ...] = ()
    rollback: Literal["recommend", "auto"] = "recommend"
    rollout: Rollout = Rollout()
    targets: tuple[Target, ...] = ()
