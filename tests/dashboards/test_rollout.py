"""The split page after the apply: how far a route has come, what its guards say, what came of it, and the way back."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from dashboards import actions
from dashboards.access import Refused
from pipelines.routing import audit
from pipelines.routing.policy import sha256
from pipelines.workspace.errors import OutlayError
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import frame, said
from tests.rollout.world import FILE, KEY, World, route
from tests.workspaces import Bench

EVIDENCE = "    evidence: {recommendation_id: rec-1, reference_model: openai/gpt-5.4, saving_usd_month: '9.50'}\n"


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six days under a canary of 20 %, two of them with a failing light tier. Read only."""
    world = World(tmp_path_factory.mktemp("moving") / "ws", per_day=120)
    world.bench.config["routing"]["approvers"] = ["anna", {"name": "finops", "email": "finops@acme.example"}]
    world.bench.save()
    world.policy(route("frontier"))
    world.live(3)
    world.policy(route(canary=20) + EVIDENCE)
    world.live(4)
    world.live(2, errors=0.5)
    world.run()
    return world.bench.root


@pytest.fixture
def copied(moving: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(moving, tmp_path / "ws"))


def test_the_page_says_where_the_route_stands_and_what_its_guards_say(show, moving):
    at = show(moving, "split")
    assert not at.exception
    text = said(at).replace("\u00a0", " ")
    assert "1 route is live: 1 on the way to the approved share." in text
    assert "Extraction (review): 80 % on frontier and 20 % on light" in text
    assert [badge for badge in ("✓ 5 %", "● 20 % since 4 Sep", "50 %", "100 %") if badge not in text] == []
    assert "light is failing:" in "\n".join(w.value for w in at.warning).replace("\\", "")
    guards = next(table.value for table in at.table if "Guard" in table.value)
    assert [str(name).replace("\\", "").split()[0] for name in guards["Guard"]] == [
        "Quality", "Cost", "Errors", "Latency", "Share",
    ]  # fmt: skip
    assert any("Errors ✕ fails" in str(name).replace("\\", "") for name in guards["Guard"])
    assert "Live: version 2" in text
    assert f"table ({FILE}): as Outlay left it" in text


def test_promised_and_realised_are_those_of_the_mart(show, moving):
    bench = Bench.__new__(Bench)
    bench.root = moving
    [row] = bench.export("decisions")
    at = show(moving, "split")
    [shown] = frame(at, "Promised, $ a month")
    assert Decimal(str(shown["Realised, $ a month"])) == Decimal(row["realised_usd_month"])
    assert Decimal(str(shown["From, $"])) == Decimal(row["low"])
    assert (shown["Moved"], shown["Approved by"]) == ("20 % on light", "anna")
    speeds = {r["Tier"]: r["Requests"] for r in frame(at, "95 % within, s")}
    assert speeds == {r["tier"].capitalize(): int(r["requests"]) for r in bench.export("tier_latency")}


def test_an_approver_with_a_reason_takes_it_back_byte_for_byte(show, copied):
    before = copied / FILE
    first = next(row for row in audit.read(copied) if row["event"] == "applied")
    at = show(copied, "split")
    assert at.button(key=f"back_{KEY}").disabled
    at.selectbox(key=f"back_by_{KEY}").select("anna")
    at.text_input(key=f"back_why_{KEY}").input("it fails").run()
    at.button(key=f"back_{KEY}").click().run()
    assert not at.exception
    assert "Rolled back from version 2 to 1" in said(at)
    row = audit.read(copied)[-1]
    assert (row["event"], row["version"], row["by"]) == ("rolled_back", 1, "anna")
    assert row["reason"] == "it fails"
    assert audit.verify(copied) is None
    assert sha256(before.read_bytes()) == first["files"][0]["after_sha256"]
    assert "Live: version 1" in said(at)


def test_who_is_no_approver_takes_nothing_back(show, copied, monkeypatch):
    """A browser can send any name, and a viewer any click: the server asks anew."""
    loaded, content = load_workspace(copied), (copied / FILE).read_bytes()
    with pytest.raises(OutlayError, match="may not approve"):
        actions.roll_back(loaded, by="mallory", reason="mine", to=1, route=KEY)
    monkeypatch.setattr(
        "streamlit.user", {"is_logged_in": True, "email": "viewer@acme.example", "email_verified": True, "exp": 4e9}
    )
    with pytest.raises(Refused, match="may not change this"):
        actions.roll_back(loaded, by="anna", reason="mine", to=1, route=KEY)
    assert (copied / FILE).read_bytes() == content
    assert audit.read(copied)[-1]["event"] == "applied"


def test_a_viewer_sees_no_button_but_the_command(show, copied):
    config = json.loads(load_workspace(copied).config.model_dump_json(exclude_defaults=True))
    config["access"] = {"viewers": ["*@acme.example"]}
    bench = Bench.__new__(Bench)
    bench.root, bench.config = copied, config
    bench.save()
    at = show(copied, "split")
    at.user = {"is_logged_in": True, "email": "viewer@acme.example", "exp": 4e9}
    at.run()
    assert f"back_{KEY}" not in [button.key for button in at.button]
    assert "Only approvers take it back: outlay route rollback --to 1" in said(at)
    at.user = {"is_logged_in": True, "email": "finops@acme.example", "exp": 4e9}
    at.run()
    at.text_input(key=f"back_why_{KEY}").input("it fails").run()
    at.button(key=f"back_{KEY}").click().run()
    assert audit.read(copied)[-1]["by"] == "finops"


def test_a_printed_policy_shows_its_text_and_is_never_called_live(show, tmp_path):
    world = World(tmp_path / "ws", mode="print", per_day=40)
    world.policy(route("frontier"))
    world.policy(route(canary=20) + "    split: unit\n")
    world.live(1)
    world.run()
    at = show(world.bench.root, "split")
    text = said(at)
    assert "1 route is printed" in text
    assert "Printed: version 2; what became of it, Outlay can't see" in text
    assert "is live" not in text
    codes = [block.value for block in at.code]
    assert any('"weight": 100' in code and KEY.split("/")[1] in code for code in codes), "the text to put in place"
    assert any('PERCENT = {"review/extraction": 20}' in code for code in codes), "the client's lines"
