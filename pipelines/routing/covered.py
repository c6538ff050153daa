"""What an approval covers: the policy's very bytes and those of every target, while the evidence still wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.routing.history import History
from pipelines.routing.plan import policy_bytes
from pipelines.routing.policy import PolicyFile, sha256
from pipelines.routing.policy_text import check_against_workspace, check_succession, parse_policy
from pipelines.routing.proposal import no_longer_recommended
from pipelines.routing.rendering import Loaded, Rendered, render_targets
from pipelines.workspace.errors import OutlayError


def covered(loaded: Loaded, history: History) -> tuple[PolicyFile, tuple[Rendered, ...]]:
    """The approved policy and its rendering, if both still are what was approved."""
    name = loaded.config.routing.policy
    approval = history.approved or history.live
    if approval is None:
        raise OutlayError("nothing is approved: outlay route plan, then outlay route approve --by NAME")
    if not loaded.config.routing.targets:
        raise OutlayError("outlay.yaml names no routing.targets: there is no file to write")
    content = policy_bytes(loaded)
    if content is None or sha256(content) != approval["policy_sha256"]:
        raise OutlayError(
            f"{name} is not what {approval['by']} approved as version {approval['version']}: it was edited "
            "since, which "
            "voids the approval; outlay route plan, then outlay route approve"
        )
    file = parse_policy(content, name)
    check_against_workspace(file.policy, loaded.config, name)
    if history.approved is not None:
        check_succession(file.policy, history.live_version, history.live_sha256, name)
    rendered = render_targets(loaded, file)
    approved = {target["path"]: target["file_sha256"] for target in approval["targets"]}
    if {item.target.path: item.file_sha256 for item in rendered} != approved:
        raise OutlayError(
            "the targets in outlay.yaml changed since the approval, and other bytes would be written than "
            "were "
            "approved; outlay route plan, then outlay route approve"
        )
    return file, rendered


def check_still_wanted(
    loaded: Loaded,
    history: History,
    file: PolicyFile,
    recommendations: Mapping[str, Any],
) -> None:
    approval = history.approved
    if approval is None or approval["source"] == "edited":
        return
    reason = no_longer_recommended(file.policy, approval["recommendation_ids"], recommendations, loaded.config)
    if reason:
        raise OutlayError(
            f"the approval is void, newer evidence changes the plan: {reason}; outlay route plan, then approve"
        )
