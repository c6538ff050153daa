"""A split by recorded difficulty on its way to the gateways: the policy's match carries it, every renderer says it."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.review.facts import read_facts
from pipelines.review.steps import switch_step
from pipelines.rollout.advance import advance
from pipelines.rollout.marts import replayed
from pipelines.routing.loop import route_apply, route_approve, route_plan
from pipelines.routing.policy import Leg, Route
from pipelines.routing.policy_text import parse_policy
from pipelines.routing.proposal import no_longer_recommended
from pipelines.routing.targets import RENDERERS
from pipelines.routing.units import snippet
from pipelines.routing.volume import Volume, volumes
from pipelines.storage.published import current
from pipelines.workspace.errors import UsageError
from pipelines.workspace.load import load_workspace
from tests.rollout.world import FILE, MODELS, World, moment, route
from tests.routing.lots import lot
from tests.split.test_published_split import mark
from tests.workspaces import Bench, call, event

KIND_MODELS: dict[str, dict[str, dict[str, Any]]] = {
    "litellm": {
        "frontier": {"model": "openai/gpt-5.4", "api_key": "os.environ/OPENAI_API_KEY"},
        "light": {"model": "openai/gpt-5-mini", "api_key": "os.environ/OPENAI_API_KEY"},
    },
    "json": {"frontier": {"model": "openai/gpt-5.4"}, "light": {"model": "openai/gpt-5-mini"}},
    "portkey": {
        "frontier": {"provider": "openai", "override_params": {"model": "gpt-5.4"}},
        "light": {"provider": "openai", "override_params": {"model": "gpt-5-mini"}},
    },
    "envoy": {
        "frontier": {"name": "openai", "modelNameOverride": "gpt-5.4"},
        "light": {"name": "openai", "modelNameOverride": "gpt-5-mini"},
    },
}
NEXT_DAY = date(2026, 10, 21)
EASY = "  - match: {workflow: review, task_type: extraction, stratum: easy}\n    tier: frontier\n"
CANARY = "    canary: {tier: light, percent: 20, up_to: 100}\n    fallback: [frontier]\n"


def policy(*routes: str) -> Any:
    return parse_policy(
        "schema_version: 1\npolicy_id: test\nversion: 1\ncreated_at: 2026-09-01T00:00:00Z\ncreated_by: bob\n"
        "tiers: {frontier: 2, light: 1}\ndefault_tier: frontier\nroutes:\n" + "".join(routes),
        "policy.yaml",
    )


@pytest.fixture
def split(bench: Bench) -> Bench:
    """gpt-5-mini is right on what is easy and fails on half of what is hard."""
    bench.config["workflows"]["review"]["quality"] = {"floor": 0.95}
    bench.config["routing"] = {
        "approvers": ["anna"],
        "targets": [
            {"name": kind, "kind": kind, "path": f"gateway/{kind}.out", "models": models}
            for kind, models in KIND_MODELS.items()
        ],
    }
    bench.save()
    chance = random.Random(11)
    bench.calls(*(call(f"x{n}", unit_id=f"d{n}", stratum="hard" if n % 2 else "easy") for n in range(200)))
    marks = []
    for n in range(400):
        stratum = "hard" if n % 2 else "easy"
        right = float(chance.random() < 0.9)
        light = right if stratum == "easy" else right * float(chance.random() < 0.5)
        marks += [mark(n, "gpt-5.4", right, stratum=stratum), mark(n, "gpt-5-mini", light, stratum=stratum)]
    bench.evals(*marks)
    bench.run()
    return bench


def test_the_policys_match_carries_the_stratum_to_every_gateway(split: Bench):
    advice = split.published.recommendations
    [one] = advice["recommendations"]
    document = route_plan(split.loaded, advice, now=moment(NEXT_DAY)).document
    assert [(c["route"], c["kind"], c["after"], c["approved_share"]) for c in document["changes"]] == [
        ("review/extraction", "others", {"frontier": 100}, None),
        ("review/extraction/easy", "canary", {"frontier": 95, "light": 5}, 100),
    ]
    assert document["recommendation_ids"] == [one["id"]]
    route_approve(split.loaded, advice, by="anna", now=moment(NEXT_DAY))
    route_apply(split.loaded, advice, now=moment(NEXT_DAY))
    live = parse_policy((split.root / "routing" / "policy.yaml").read_text(), "policy.yaml").policy
    whole, easy = live.routes
    assert (whole.match.stratum, whole.canary, easy.match.stratum) == (None, None, "easy")
    assert easy.canary is not None
    assert easy.evidence is not None
    assert (easy.canary.up_to, easy.evidence.items, easy.evidence.recommendation_id) == (100, 200, one["id"])
    for kind, module in RENDERERS.items():
        said = module.parse((split.root / "gateway" / f"{kind}.out").read_text())
        assert said == live.groups, kind
        assert said["review/extraction/easy"] == (Leg("frontier", 1, 95), Leg("light", 1, 5), Leg("frontier", 2, 100))
    assert no_longer_recommended(live, [one["id"]], advice, split.loaded.config) is None
    gone = json.loads(json.dumps(advice))
    gone["recommendations"][0]["strata"][0]["decision"] = "keep"
    assert "the recommendation is now gone" in str(no_longer_recommended(live, [one["id"]], gone, split.loaded.config))


def test_a_route_by_difficulty_needs_one_for_all_other_requests():
    with pytest.raises(UsageError, match="requests of other strata have no route"):
        policy(EASY, CANARY)


@pytest.mark.parametrize("kind", sorted(RENDERERS))
def test_each_gateway_says_how_it_tells_strata(kind):
    plain, cut = policy(route()), policy(route(), EASY, CANARY)
    module = RENDERERS[kind]
    assert not any("strata" in line for line in module.unenforced(plain.policy))
    assert sum("strata" in line for line in module.unenforced(cut.policy)) == 1
    text = module.render(cut, KIND_MODELS[kind])
    assert module.lint(text, cut.policy) == []
    assert module.parse(text) == cut.policy.groups
    assert module.lint(text, plain.policy), "a route that the policy doesn't name is a problem"


def test_portkeys_first_match_is_the_stratums():
    drawn = "    split: unit\n"
    text = RENDERERS["portkey"].render(policy(route(), drawn, EASY, CANARY, drawn), KIND_MODELS["portkey"])
    conditions = json.loads(text)["strategy"]["conditions"]
    assert [condition["then"].removeprefix("route/review/extraction") for condition in conditions] == [
        "/easy@canary", "/easy", "@canary", "",
    ]  # fmt: skip
    turned = json.loads(text)
    turned["strategy"]["conditions"].reverse()
    problems = RENDERERS["portkey"].lint(json.dumps(turned), policy(route(), drawn, EASY, CANARY, drawn).policy)
    assert "route/review/extraction/easy: stands behind route/review/extraction and is never reached" in problems


def test_the_clients_lines_ask_for_the_stratums_route_only_where_there_is_one():
    file = policy(route(), "    split: unit\n", EASY, CANARY, "    split: unit\n")
    inside = next(f"d{n}" for n in range(1000) if lot("review", f"d{n}") < 20)
    outside = next(f"d{n}" for n in range(1000) if lot("review", f"d{n}") >= 20)
    percent = {"review/extraction": 0, "review/extraction/easy": 20}
    assert file.policy.route("review/extraction/easy").shares == {"frontier": 80, "light": 20}
    made: dict[str, dict[str, Any]] = {}
    for kind in RENDERERS:
        exec(snippet(percent, 1, kind, ["review/extraction/easy"]), made.setdefault(kind, {}))
    model = made["litellm"]["model"]
    assert model("review", "extraction", inside, "easy") == "route/review/extraction/easy@canary"
    assert model("review", "extraction", outside, "easy") == "route/review/extraction/easy"
    assert (
        model("review", "extraction", inside, "hard")
        == model("review", "extraction", inside)
        == "route/review/extraction"
    )
    groups = file.policy.groups
    for unit in (inside, outside):
        for stratum in ("easy", "hard", None):
            asked = model("review", "extraction", unit, stratum).removeprefix("route/")
            assert asked in groups
            names = {"workflow": "review", "task_type": "extraction"}
            names |= {"stratum": "easy"} if stratum == "easy" else {}
            drawn = {"group": "canary"} if asked.endswith("@canary") else {}
            assert made["json"]["row"]("review", "extraction", unit, stratum) == names | drawn
            sent = made["portkey"]["headers"]("review", "extraction", unit, stratum)["x-portkey-metadata"]
            assert json.loads(sent) == names | drawn
            assert made["envoy"]["headers"]("review", "extraction", unit, stratum) == {
                f"x-{name.replace('_', '-')}": value for name, value in (names | drawn).items()
            }


def test_the_rollout_tells_a_stratums_route_from_the_rest(tmp_path):
    """Half of the calls are easy; 30 % of those run on the light tier, and none of the others."""
    world = World(tmp_path / "ws", per_day=10)
    world.live(1)
    world.policy(route(), EASY, CANARY)
    calls, events = [], []
    for n in range(100):
        easy = n % 2 == 0
        light = easy and n % 10 == 0
        at = moment(world.today, 1 + n * 0.2).isoformat()
        calls.append(
            call(
                f"s{n}", unit_id=f"u{n}", time=at, model="gpt-5-mini" if light else "gpt-5.4",
                stratum="easy" if easy else ("hard" if n % 4 == 1 else None),
            )
        )  # fmt: skip
        events.append(event(f"o{n}", unit_id=f"u{n}", time=moment(world.today, 23).isoformat()))
    world.bench.calls(*calls, file="strata.jsonl")
    world.bench.outcomes(*events, file="strata.jsonl")
    world.run()
    rows = world.bench.export("adherence")
    assert [(r["task_type"], r["tier"], int(r["requests"]), r["in_band"]) for r in rows] == [
        ("extraction", "frontier", 50, "true"),
        ("extraction/easy", "frontier", 40, "true"),
        ("extraction/easy", "light", 10, "true"),
    ]
    [decision] = world.bench.export("decisions")
    assert (decision["workflow"], decision["task_type"]) == ("review", "extraction/easy")


def strata_days(world: World, count: int, light: float = 0.995) -> None:
    """Days of 60 easy units, served as the stratum's live route says, 20 hard ones and 20 without a stratum."""
    for _ in range(count):
        shares = {"frontier": 100} if world.version == 1 else easy_route(world).shares
        calls, events = [], []
        for n in range(100):
            stratum = "easy" if n < 60 else "hard" if n < 80 else None
            tier = "frontier"
            if stratum == "easy" and world.rng.random() * 100 < shares.get("light", 0):
                tier = "light"
            unit, at = f"d{world.today:%m%d}-{n}", moment(world.today, 1 + n * 0.2)
            good = world.rng.random() < (light if tier == "light" else 0.995)
            calls.append(call(f"r{unit}", unit_id=unit, time=at.isoformat(), model=MODELS[tier], stratum=stratum))
            events.append(event(f"e{unit}", "completed" if good else "failed", unit_id=unit, time=at.isoformat()))
        world.bench.calls(*calls, file=f"{world.today}.jsonl")
        world.bench.outcomes(*events, file=f"{world.today}.jsonl")
        world.today += timedelta(days=1)


def easy_route(world: World) -> Route:
    found = replayed(world.loaded).line[-1].route("review/extraction/easy")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def canary_of_the_easy(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two days on frontier alone, then the easy stratum's canary of 20 %."""
    world = World(tmp_path_factory.mktemp("strata") / "ws")
    world.bench.config["workflows"]["review"]["quality"] = {"retention": 0.9}  # few units tell within so wide a margin
    world.bench.save()
    world.policy(route())
    strata_days(world, 2)
    world.policy(route(), EASY, CANARY)
    return world


def test_a_stratums_route_advances_on_its_own_requests_and_leaves_the_rest(canary_of_the_easy: World, tmp_path):
    world = canary_of_the_easy.copied(tmp_path / "ws")
    strata_days(world, 8)
    world.run()
    done = advance(world.loaded, now=world.now()).document()
    assert done["routes"][0]["reasons"] == []
    assert [(c["route"], c["before"], c["after"]) for c in done["moved"]] == [
        ("review/extraction/easy", {"frontier": 80, "light": 20}, {"frontier": 50, "light": 50})
    ]
    live = replayed(world.loaded).line[-1].policy
    assert live is not None
    assert {each.key: each.shares for each in live.routes} == {
        "review/extraction": {"frontier": 100}, "review/extraction/easy": {"frontier": 50, "light": 50},
    }  # fmt: skip
    assert RENDERERS["json"].parse((world.bench.root / FILE).read_text()) == live.groups
    [verdict] = done["routes"]
    assert {guard["answer"] for guard in verdict["guards"]} == {"holds"}


def test_a_stratums_canary_that_does_harm_goes_back_and_the_rest_stays(canary_of_the_easy: World, tmp_path):
    world = canary_of_the_easy.copied(tmp_path / "ws")
    world.bench.config["routing"]["rollback"] = "auto"
    world.bench.save()
    strata_days(world, 10, light=0.3)
    world.run()
    done = advance(world.loaded, now=world.now()).document()
    [told] = done["routes"]
    assert (told["move"], [(c["route"], c["kind"]) for c in done["moved"]]) == (
        "roll back", [("review/extraction/easy", "rolled back")],
    )  # fmt: skip
    live = RENDERERS["json"].parse((world.bench.root / FILE).read_text())
    # clients may ask for the stratum's route by now: it keeps answering
    assert live == {
        "review/extraction": (Leg("frontier", 1, 100),),
        "review/extraction/easy": (Leg("frontier", 1, 100), Leg("light", 2, 100)),
    }


def test_the_plan_says_how_long_a_stratums_steps_take_and_those_of_the_rest(canary_of_the_easy: World, tmp_path):
    world = canary_of_the_easy.copied(tmp_path / "ws")
    world.run()
    whole = volumes(world.bench.root)
    assert whole == {"review/extraction": Volume(2, {1: 200})}
    cut = policy(route(canary=5), EASY, CANARY)
    assert volumes(world.bench.root, {route.key for route in cut.policy.by_stratum}) == {
        "review/extraction": Volume(2, {1: 80}), "review/extraction/easy": Volume(2, {1: 120}),
    }  # fmt: skip
    path = world.bench.root / "routing" / "policy.yaml"
    lines = (
        path.read_text().replace("\nversion: 2", "\nversion: 3").replace("percent: 20", "percent: 5").splitlines(True)
    )
    path.write_text("".join(line for line in lines if not line.startswith("parent_sha256")))
    said = route_plan(world.loaded, {}, now=world.now(), probe=False)
    [steps] = said.document["rollout"]
    assert (steps["route"], steps["units_per_week"]) == ("review/extraction/easy", 420.0)
    assert [(step["percent"], step["weeks"]) for step in steps["steps"]] == [(5, 1.4), (20, 1.0), (50, 1.0)]


def test_the_review_forecasts_a_split_by_difficulty_by_the_volume_of_what_moves(split: Bench):
    split.outcomes(
        *(event(f"e{n}", unit_id=f"d{n}") for n in range(200)),
        event("later", unit_id="other", time="2026-11-02T10:00:00Z"),
    )
    split.run()
    loaded = load_workspace(split.root)
    facts = read_facts(loaded, current(split.root))
    [advice] = facts.recommendations
    assert [(each["stratum"], each["decision"]) for each in advice["strata"]] == [("easy", "switch"), ("hard", "keep")]
    assert [each["share"] for each in advice["routes"]] == [0.5, 0.5]
    assert volumes(split.root)["review/extraction"] == Volume(14, {1: 200})
    # of 100 easy units in 14 days 5 are the canary's: 30 of them take 12 weeks, then 3 at 20 % and 1.2 at 50 %; the whole
    # task's 200 units would take half of that, and end at 50 %
    assert switch_step(facts, advice).takes == "minutes to the 5 % canary, then about 16 weeks to 100\u00a0% of easy"
    whole = {**advice, "strata": None}
    assert switch_step(facts, whole).takes == "minutes to the 5 % canary, then about 8 weeks to 50\u00a0%"
