"""Mode print: the text goes to stdout, and what becomes of it is not Outlay's to say."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from pipelines.routing.loop import route_apply, route_approve, route_plan, route_rollback, route_status
from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.gateways.servers import REPO
from tests.routing.workspaces import FILE, MODELS, NOW, advice, by_hand, live, rows, target, workspace


def printing(root, **more):
    return workspace(root, target(mode="print", **more))


def test_the_text_is_handed_out_and_no_file_is_written(tmp_path):
    loaded = printing(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    assert route_status(loaded).document["targets"][0]["state"] == "absent"
    done = route_apply(loaded, now=NOW)
    assert done.output is not None
    assert done.document["status"] == "printed"
    assert "live" not in done.text
    assert sha256(done.output) == rows(loaded)[-1]["files"][0]["after_sha256"]
    assert done.document["printed"] == {"proxy": done.output}
    assert live(loaded) is None
    document = route_status(loaded).document
    assert (document["live_version"], document["targets"][0]["state"], document["in_order"]) == (1, "printed", True)
    text = route_status(loaded).text
    assert text.startswith("Printed: version 1; what became of it, Outlay can't see")
    assert "Live:" not in text
    assert (document["live_in"], document["printed_for"]) == ([], [FILE])


def test_it_is_handed_out_again_as_often_as_asked(tmp_path):
    loaded = printing(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    first = route_apply(loaded, now=NOW)
    again = route_apply(loaded, now=NOW)
    assert (again.document["status"], again.output) == ("printed", first.output)
    assert len(rows(loaded)) == 3


def test_a_rollback_hands_out_the_former_text(tmp_path):
    loaded = printing(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    first = route_apply(loaded, now=NOW).output
    by_hand(loaded, 2)
    assert "-      weight: 95" in route_plan(loaded, {}, now=NOW, probe=False).text
    route_approve(loaded, {}, by="finops-lead", now=NOW)
    assert route_apply(loaded, now=NOW).output != first
    back = route_rollback(loaded, now=NOW)
    assert back.output == first
    assert f"Version 1 is printed for {FILE}; putting it in place is up to you." in back.text
    assert route_status(loaded).document["live_version"] == 1


def test_a_text_that_can_not_be_made_again_is_said(tmp_path):
    loaded = printing(tmp_path)
    route_approve(loaded, advice(), by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    by_hand(loaded, 2)
    route_approve(loaded, {}, by="finops-lead", now=NOW)
    route_apply(loaded, now=NOW)
    other = printing(tmp_path, models={**MODELS, "frontier": {**MODELS["frontier"], "timeout": 9}})
    with pytest.raises(OutlayError, match=r"parameters in outlay.yaml changed since version 1"):
        route_rollback(other, now=NOW)


def test_on_the_command_line_stdout_is_the_file_and_nothing_else(tmp_path):
    loaded = printing(tmp_path)
    by_hand(loaded)
    with open(tmp_path / "outlay.yaml", "w") as file:
        YAML(typ="safe", pure=True).dump(json.loads(loaded.config.model_dump_json(exclude_defaults=True)), file)
    route_approve(load_workspace(tmp_path), {}, by="finops-lead", now=NOW)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--workspace", str(tmp_path), "route", "apply"],
        cwd=REPO, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sha256(done.stdout) == rows(loaded)[-1]["files"][0]["after_sha256"]
    assert f"Version 1 is printed for {FILE}; putting it in place is up to you." in done.stderr
