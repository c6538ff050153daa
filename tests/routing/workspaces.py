"""A small workspace for routing tests: three tiers, one LiteLLM target, recommendations as `recommend
--json` gives them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.routing.loop import route_apply, route_approve
from pipelines.workspace.load import Loaded
from pipelines.workspace.model import Workspace

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FILE = "gateway/outlay_routes.yaml"

MODELS = {
    "frontier": {"model": "openai/gpt-5.4", "api_key": "os.environ/OPENAI_API_KEY"},
    "standard": {"model": "anthropic/claude-sonnet-5", "api_key": "os.environ/ANTHROPIC_API_KEY"},
    "light": {
        "model": "openai/gpt-5-mini",
        "api_key": "os.environ/OPENAI_API_KEY",
        "tags": ["cost"],
        "weight": 7,
    },
}


def target(name: str = "proxy", path: str = FILE, kind: str = "litellm", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "path": path, "models": MODELS, **more}


def workspace(root: Path, *targets: dict[str, Any], **more: Any) -> Loaded:
    document = {
        "name": "Acme AI operations",
        "sources": [{"name": "calls", "kind": "requests", "path": "logs/*.jsonl"}],
        "workflows": {
            "contract_review": {"unit": "document", "owner": "legal-ops"},
            "claims": {"unit": "decision", "owner": "claims"},
        },
        "tiers": [
            {"name": "frontier", "rank": 3, "models": ["openai/gpt-5.4", "anthropic/claude-opus-5-5"]},
            {"name": "standard", "rank": 2, "models": ["anthropic/claude-sonnet-5"]},
            {"name": "light", "rank": 1, "models": ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]},
        ],
        "routing": {
            "approvers": ["platform-lead", {"name": "finops-lead", "email": "finops-lead@acme.example"}],
            "targets": list(targets) if targets else [target()],
        },
        **more,
    }
    root.mkdir(parents=True, exist_ok=True)
    return Loaded(root=root, config=Workspace.model_validate(document))


def switch(
    workflow: str = "contract_review",
    task_type: str = "clause_extraction",
    share: float = 1.0,
    model: str = "openai/gpt-5-mini",
    **more: Any,
) -> dict[str, Any]:
    reference = "openai/gpt-5.4"
    routes = [{"model": model, "share": share}]
    if share < 1:
        routes.insert(0, {"model": reference, "share": round(1 - share, 2)})
    return {
        "id": f"{workflow}-{task_type}-{round(share * 100)}",
        "workflow": workflow,
        "task_type": task_type,
        "decision": "switch",
        "grade": "A",
        "reference_model": reference,
        "routes": routes,
        "items": 240,
        "quality_reference": 0.97,
        "retention": 0.991,
        "retention_low": 0.972,
        "retention_high": 1.004,
        "saving_share": 0.82,
        "saving_low": 0.79,
        "saving_high": 0.85,
        "saving_usd_month": "412.50",
        "experiment": None,
        "reason": "as good on 240 items",
        **more,
    }


def advice(*items: dict[str, Any], as_of: str = "2026-11-20") -> dict[str, Any]:
    return {"as_of": as_of, "workflows": [], "recommendations": list(items or [switch()])}


def go_live(loaded: Loaded, recommendations: dict[str, Any] | None = None, **more: Any) -> None:
    route_approve(loaded, recommendations or advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW, **more)


def live(loaded: Loaded, path: str = FILE) -> bytes | None:
    place = loaded.root / path
    return place.read_bytes() if place.exists() else None


def policy_bytes(loaded: Loaded) -> bytes | None:
    return live(loaded, "routing/policy.yaml")


def rows(loaded: Loaded) -> list[dict[str, Any]]:
    file = loaded.root / "routing" / "audit.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def everything(root: Path) -> dict[str, bytes]:
    """Every file below the workspace but Outlay's own folder, for "nothing was changed"."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".outlay" not in path.parts
    }


def routed(workflow: str, task_type: str, tier: str, *fallback: str) -> str:
    """A route of a hand-written policy, without a canary."""
    return (
        f"  - match: {{workflow: {workflow}, task_type: {task_type}}}\n"
        f"    tier: {tier}\n    fallback: [{', '.join(fallback)}]\n"
    )


def by_hand(loaded: Loaded, version: int = 1, routes: str = "", extra: str = "") -> Path:
    """A policy that a person wrote."""
    file = loaded.root / "routing" / "policy.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    routes = routes or (
        "  - match: {workflow: contract_review, task_type: risk_judgement}\n"
        "    tier: frontier\n"
        "    canary: {tier: standard, percent: 20}   # agreed with legal\n"
        "    fallback: [light]\n"
    )
    file.write_text(
        f"# ours\nschema_version: 1\npolicy_id: acme\nversion: {version}\ncreated_at: 2026-11-20T06:00:00Z\n"
        "created_by: platform-lead\ntiers: {frontier: 3, standard: 2, light: 1}\ndefault_tier: frontier\n"
        f"routes:\n{routes}{extra}"
    )
    return file
