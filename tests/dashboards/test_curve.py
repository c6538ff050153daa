"""The cost-quality curve and its neighbours in words, on small tables."""

from decimal import Decimal as D

from dashboards.curve import answer, disagreement, looks, movable, of, promise, untagged

NB = "\u00a0"


def point(name: str, saving: str, kept: str, target: str | None = None, workflow: str = "review") -> dict:
    ends = {f"saving_{end}": D(saving) + D(by) for end, by in (("low", "-0.02"), ("high", "0.02"))}
    ends |= {f"retention_{end}": D(kept) + D(by) for end, by in (("low", "-0.03"), ("high", "0.03"))}
    return {
        "workflow": workflow, "point": name, "target": D(target) if target else None, "saving_share": D(saving), "retention": D(kept), **ends,
    }  # fmt: skip


CURVE = [
    point("today", "0", "1"), point("target", "0", "1", "1"), point("target", "0.2", "0.98", "0.95"), point("target", "0.5", "0.93", "0.9"),
    point("recommended", "0.2", "0.98", "0.95"), point("cheapest", "0.8", "0.6"),
]  # fmt: skip


def test_a_promise_is_answered_from_its_point_and_names_the_next_step():
    curve = of(CURVE, "review")
    assert (curve.offered, curve.today_promise) == ([100, 95, 90], 95)
    assert (
        promise(curve, "review")
        == f"Review promises 95{NB}% of today's quality; within that a saving of 20{NB}% (18–22{NB}%) is proven safe."
    )
    assert answer(curve, "review", 100) == (
        f"At 100{NB}% review could take no saving: 20{NB}% of its cost less than at today's promise. The next step comes at 95{NB}%: a saving of "
        f"20{NB}% (18–22{NB}%)."
    )
    assert answer(curve, "review", 90) == (
        f"At 90{NB}% review could take a saving of 50{NB}% (48–52{NB}%), expected to keep 93{NB}% (90–96{NB}%): 30{NB}% of its cost more than at "
        f"today's promise. A lower promise, down to 90{NB}%, would prove no more."
    )


def test_only_workflows_that_could_save_anything_have_a_curve():
    still = [
        point(name, "0", "1", target, "still")
        for name, target in (("today", None), ("recommended", "0.95"), ("cheapest", None))
    ]
    other = [point("recommended", "0", "1", "0.95", "late"), point("cheapest", "0.4", "0.9", None, "late")]
    assert movable([*still, *other, *CURVE]) == ["review", "late"]


def test_disagreements_are_said_in_words():
    row = {"capability": "extraction", "declared_tier": "light", "served_tier": "frontier", "proven_tier": None}
    assert disagreement({**row, "kind": "served_above"}) == (
        "Declared as extraction, which needs the light tier; it runs on frontier; no evidence supports a switch yet."
    )
    assert disagreement({**row, "kind": "served_above", "proven_tier": "light"}).endswith(
        "; the evidence supports light."
    )
    assert disagreement({**row, "kind": "served_below", "declared_tier": "frontier", "served_tier": "light"}) == (
        "Declared as extraction, which needs the frontier tier; it runs on light only."
    )
    assert disagreement({**row, "kind": "proven_below", "declared_tier": "frontier", "proven_tier": "light"}).endswith(
        "most of it is proven on light: the declaration asks for more than the work needs."
    )
    assert disagreement({**row, "kind": "undeclared", "capability": None}) == (
        "No capability is declared for it: nobody has said which tier it needs."
    )


def test_untagged_spend_says_what_share_of_the_dear_tier_looks_lighter():
    def row(tier: str | None, spend: str, lighter: bool | None, tagged: bool = False) -> dict:
        return {
            "provider": "p",
            "model": "m",
            "tier": tier,
            "spend_usd": D(spend),
            "looks_lighter": lighter,
            "tagged": tagged,
        }

    found = untagged(
        [
            row("frontier", "30", True),
            row("frontier", "10", False),
            row("light", "5", False),
            row("frontier", "99", True, True),
        ]
    )
    assert looks(found) == (
        f"$45.00 of 28 days' spend carries no task type. By its shape alone, 75{NB}% of what ran on frontier ($30.00 of $40.00) looks like "
        "work that a lighter tier does."
    )
    assert (
        looks(untagged([row(None, "5", None)]))
        == "$5.00 of 28 days' spend carries no task type. Its models stand in no tier."
    )
    assert untagged([row("frontier", "5", True, True)]).rows == []
