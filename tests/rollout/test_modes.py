"""A rollout whose files people put in place: in mode git each share waits for its merge, in mode print for the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.rollout.advance import advance
from pipelines.rollout.marts import replayed
from pipelines.rollout.telling import route_advance, route_status
from pipelines.routing import audit
from pipelines.routing.loop import route_apply, route_approve, route_rollback
from tests.rollout.world import FILE, KEY, World, moment, route
from tests.routing.repositories import Repo

WORSE = {"frontier": 0.99, "light": 0.5}
BRANCH = "routing/test-v"


def events(world: World) -> list[str]:
    return [row["event"] for row in audit.read(world.loaded.root)]


class Merged:
    """A world whose routing file lives in a repository of its own, under a canary of 20 % that was merged."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, **routing: Any) -> None:
        self.repo = Repo(root / "ws", monkeypatch)
        self.world = World(root / "ws", mode="git", **routing)
        self.world.policy(route("frontier"))
        self.merge(1)
        self.record()
        self.world.live(2)
        self.world.policy(route(canary=20))
        self.merge(2)

    def merge(self, version: int, hour: float = 0) -> None:
        """Merged at that hour of the first day that isn't written yet, recorded by whoever comes next."""
        self.repo.merge(f"{BRANCH}{version}", moment(self.world.today, hour))

    def record(self) -> None:
        """What was merged counts as live once a verb has seen it."""
        assert route_apply(self.world.loaded, now=self.world.now(0)).document["status"] == "applied"

    def step(self, days: int = 8, **odd: Any) -> dict:
        self.world.live(days, **odd)
        self.world.run()
        return advance(self.world.loaded, now=self.world.now()).document()

    @property
    def branch(self) -> list[str]:
        return self.repo("for-each-ref", "--format=%(refname:short)", "refs/heads/routing").split()


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Merged:
    found = Merged(tmp_path, monkeypatch)
    found.record()
    return found


def test_a_step_waits_for_its_merge_and_governs_from_the_merge_on(merged: Merged) -> None:
    world, repo = merged.world, merged.repo
    document = merged.step()
    assert document["moved"][0]["after"] == {"frontier": 50, "light": 50}
    assert (document["done"]["status"], document["done"]["version"]) == ("pending merge", 3)
    assert document["done"]["commits"][0]["branch"] == f"{BRANCH}3"
    message = repo("log", "-1", "--format=%B", f"{BRANCH}3")
    assert f"{KEY}: frontier 80 %, light 20 % -> frontier 50 %, light 50 %" in message
    assert "every guard holds at 20 %" in message
    told = route_status(world.loaded, now=world.now())
    assert (told.document["live_version"], told.document["pending"]["version"]) == (2, 3)
    assert f"Waits for a merge: version 3, {BRANCH}3" in told.text
    assert world.shares() == {"frontier": 80, "light": 20}, "what is in force follows the merged commit"

    again = route_advance(world.loaded, now=world.now(6))
    assert again.document["done"]["status"] == "pending merge"
    assert "Version 3 waits for a merge; nothing is live yet." in again.text
    assert f"git push origin {BRANCH}3, then a pull request" in again.text
    assert events(world).count("committed") == 3, "the same branch is recorded once"
    dry = advance(world.loaded, now=world.now(6), dry_run=True).document()
    assert (dry["held"], dry["done"]) == ("version 3 waits for its merge", None)

    merged.merge(3, hour=12)
    seen = advance(world.loaded, now=world.now(20)).document()
    assert (seen["done"]["status"], seen["done"]["version"]) == ("applied", 3)
    row = audit.read(world.loaded.root)[-1]
    assert row["effective_at"] == moment(world.today, 12).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert replayed(world.loaded).line[-1].since == moment(world.today, 12)
    assert audit.verify(world.loaded.root) is None

    world.live(1, served={"frontier": 0.65, "light": 0.35})
    world.run()
    day = f"{world.today.replace(day=world.today.day - 1)}"
    versions = {r["policy_version"] for r in world.bench.export("adherence") if r["day"] == day}
    assert versions == {"2", "3"}, "before noon the old share was declared, after it the new one"


def test_a_step_that_became_harmful_before_its_merge_is_not_to_be_merged(merged: Merged) -> None:
    world = merged.world
    assert merged.step()["done"]["status"] == "pending merge"
    found = merged.step(7, quality=WORSE)
    assert found["held"] == "version 3 waits for its merge and a guard fails by now: do not merge it"
    assert found["recommended"][0].startswith(
        "outlay route rollback gives version 3 up: review/extraction: guards failed"
    )
    policy = (world.bench.root / "routing" / "policy.yaml").read_bytes()
    given_up = route_rollback(world.loaded, now=world.now(), by="anna", reason="it errs")
    assert given_up.document["status"] == "withdrawn"
    assert (world.bench.root / "routing" / "policy.yaml").read_bytes() != policy
    assert route_status(world.loaded, now=world.now()).document["policy_file"] == "live"
    document = advance(world.loaded, now=world.now()).document()
    assert (document["held"], document["moved"]) == (None, [])
    assert document["recommended"] == [f"{KEY}: outlay route rollback --to 1"]


def test_where_the_workspace_says_auto_a_harmful_canary_goes_back_on_a_branch_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = Merged(tmp_path, monkeypatch, rollback="auto")
    merged.record()
    world, repo = merged.world, merged.repo
    first = repo("show", f"{BRANCH}1:{FILE}")
    document = merged.step(8, quality=WORSE)
    assert (document["done"]["status"], document["back_to"]) == ("pending merge", 1)
    assert document["done"]["commits"][0]["branch"] == "routing/test-v1-from-v2"
    assert advance(world.loaded, now=world.now(6)).held == "a rollback waits for its merge"
    repo.merge("routing/test-v1-from-v2", moment(world.today, 3))
    seen = advance(world.loaded, now=world.now(7)).document()
    assert seen["done"]["status"] == "rolled back"
    assert repo("show", f"main:{FILE}") == first
    assert replayed(world.loaded).line[-1].since == moment(world.today, 3)
    world.live(1)
    world.run()
    assert [row["status"] for row in world.bench.export("decisions")] == ["rolled_back"]


def test_an_approval_that_people_merged_is_recorded_by_the_scheduled_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = Merged(tmp_path, monkeypatch)
    world = merged.world
    world.run()
    assert route_status(world.loaded).document["pending"]["version"] == 2
    assert advance(world.loaded, now=world.now()).document()["done"]["version"] == 2
    assert advance(world.loaded, now=world.now(6)).document()["done"] is None


def test_in_mode_print_a_share_moves_only_once_the_traffic_shows_it(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", mode="print")
    world.policy(route("frontier"))
    world.live(2)
    world.policy(route(canary=20))
    world.live(8, served={"frontier": 1.0})
    world.run()
    [told] = advance(world.loaded, now=world.now()).document()["routes"]
    assert told["move"] == "hold", "the printed text was never put in place"
    assert next(g for g in told["guards"] if g["guard"] == "share")["answer"] == "waits"
    text = route_status(world.loaded, now=world.now()).text
    assert text.startswith("Printed: version 2; what became of it, Outlay can't see")
    assert "Live" not in text

    other = World(tmp_path / "other", mode="print")
    other.policy(route("frontier"))
    other.live(2)
    other.policy(route(canary=20))
    other.live(8)
    other.run()
    done = route_advance(other.loaded, now=other.now())
    assert done.document["done"]["status"] == "printed"
    assert done.output is not None
    assert '"weight": 50' in done.output
    assert f"Version 3 is printed for {FILE}; putting it in place is up to you." in done.text
    assert "live" not in done.text
    assert not (other.bench.root / FILE).exists()
    [back] = [route_rollback(other.loaded, now=other.now())]
    assert back.output is not None
    assert '"weight": 80' in back.output


def test_an_approved_text_is_printed_again_and_changes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "ws", mode="print")
    world.policy(route("frontier"))
    rows = events(world)
    assert route_apply(world.loaded, now=world.now()).document["status"] == "printed"
    assert events(world) == rows
    world.live(1)
    world.run()
    path = world.bench.root / "routing" / "policy.yaml"
    path.write_text(
        path.read_text().replace("\nversion: 1", "\nversion: 2").replace("    tier: frontier", "    tier: light")
    )
    route_approve(world.loaded, {}, by="anna", now=world.now())
    assert "approved by anna and not applied" in (advance(world.loaded, now=world.now()).held or "")


def test_the_status_of_an_empty_set_says_that_it_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path / "ws")
    world.policy(route("frontier"))
    assert route_status(world.loaded).text.endswith("No run has published anything yet: outlay run")
    world.run()
    told = route_status(world.loaded)
    assert told.text.endswith("What is published holds no request and no outcome yet: outlay run with logs")
    assert (told.document["as_of"], told.document["rollout"]) == (None, [])
