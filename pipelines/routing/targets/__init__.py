"""One module a gateway, each a pure renderer: policy and binding in, text out; no file, no clock, no
network.

A renderer module offers:
- `render(file, models) -> str`: the whole text, header included; the same arguments give the same bytes;
- `parse(text) -> dict[str, tuple[Leg, ...]]`: what a file says per group, for comparing with `policy.groups`;
- `lint(text, policy) -> list[str]`: what is wrong with a rendered file, beyond what the gateway itself
  checks;
- `bound_model(parameters) -> str | None`: `provider/model` that a tier's parameters call, None if they
  don't tell;
- `unenforced(policy) -> list[str]`: which parts of the policy this gateway can't carry out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pipelines.routing.policy import Leg, Policy, PolicyFile
from pipelines.routing.targets import json_table, litellm, portkey
from pipelines.routing.targets.envoy import Envoy
from pipelines.workspace.gateway import EnvoyGateway, Target


class Renderer(Protocol):
    def render(self, file: PolicyFile, models: Mapping[str, Mapping[str, Any]]) -> str: ...
    def parse(self, text: str) -> dict[str, tuple[Leg, ...]]: ...
    def lint(self, text: str, policy: Policy) -> list[str]: ...
    def bound_model(self, parameters: Mapping[str, Any]) -> str | None: ...
    def unenforced(self, policy: Policy) -> list[str]: ...


RENDERERS: dict[str, Renderer] = {
    "litellm": litellm,
    "portkey": portkey,
    "envoy": Envoy(EnvoyGateway()),
    "json": json_table,
}


def renderer(target: Target) -> Renderer:
    """The renderer for the target's kind."""
    if target.kind == "envoy":
        return Envoy(target.gateway or EnvoyGateway())
    return RENDERERS[target.kind]
