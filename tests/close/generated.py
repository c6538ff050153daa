"""A month of generated calls, and bills made from what the ledger then holds, with differences planted by name.

The reporting zone is New York, bills are by UTC day. `Month` writes the logs and is run; `Statement` takes the charges as
they are exported, keeps what the providers would have billed per (UTC day, model, token class), lets differences be
planted, and is written by `written`.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.close.bench import close_bench
from tests.workspaces import Bench, call

ZONE = ZoneInfo("America/New_York")
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 31)
#: provider -> models; the first of `openai` has no rate
MODELS = {
    "openai": ("gpt-secret", "gpt-5.4", "gpt-5-mini"),
    "anthropic": ("claude-sonnet-5",),
    "mistral": ("mistral-large-latest",),
    "openrouter": ("openai/gpt-5.4-mini", "acme/secret"),
}
PRICED = {"openai": "gpt-5.4"}
ROUTED = MODELS["openrouter"][0]
BY_FOCUS = ("openai", "anthropic", "mistral")
#: how a bill words what is no token
EXTRAS = {
    "tools": ("Usage", "", "Web Search"), "tax": ("Tax", "", "Sales tax"),
    "credits and discounts": ("Credit", "", "Goodwill"), "correction": ("Usage", "Correction", "Correction of September"),
    "unexplained": ("Usage", "", "Onboarding package"),
}  # fmt: skip


class Place(NamedTuple):
    """One cell of a bill."""

    provider: str
    day: date  #: of UTC
    model: str
    token_class: str


class Planted(NamedTuple):
    """One extra line of a bill."""

    provider: str
    day: date
    item: str
    usd: Decimal


class Month:
    """A workspace with calls of October 2026, of its first days and both its ends, run once, and no bill yet."""

    def __init__(self, root: Path, seed: int, days: int = 12) -> None:
        self.roll = random.Random(seed)
        self.days = days
        self.bench: Bench = close_bench(
            root,
            {"name": "gate", "kind": "litellm", "path": "logs/gate/*.jsonl"},
            {"name": "router", "kind": "openrouter", "path": "logs/router/*.jsonl"},
            {"name": "focus-bill", "kind": "focus", "path": "bills/focus/*.csv"},
            {"name": "activity", "kind": "openrouter-activity", "path": "bills/activity/*.json"},
            reporting={"timezone": ZONE.key},
        )
        calls = [self._call(n, day) for n, day in enumerate(self._days())]
        self.bench.calls(*(c for c in calls if c["provider"] != "openrouter"), self._later())
        self.routed_twice = next(
            c
            for c in calls
            if c["provider"] == "openrouter" and c["model"] == ROUTED and 2 <= int(c["time"][8:10]) <= 12
        )
        # the client's own log knows no id of OpenRouter's
        self.bench.calls({**self.routed_twice, "request_id": "seen by the client"}, file="client.jsonl")
        self.bench.lines("logs/router/a.jsonl", [_generation(c) for c in calls if c["provider"] == "openrouter"])
        self.twice = next(c for c in calls if c["provider"] == "anthropic" and c["time"][:10] == "2026-10-12")
        self.bench.lines("logs/gate/a.jsonl", [json.dumps(_gateway(self.twice))])
        self.bench.run()

    def _days(self) -> list[tuple[str, datetime]]:
        """(provider, time): a call a day, or two and provider, and two at each end of the month that its zone cuts off."""
        found = []
        for provider in MODELS:
            for n in range(self.days):
                for _ in range(1 + (n % 7 == 0)):
                    minute = self.roll.randrange(5 * 60, 24 * 60)
                    found.append((provider, _at(FIRST + timedelta(days=n), minute)))
            found += [(provider, _at(FIRST, 120)), (provider, _at(LAST + timedelta(days=1), 90))]
        return found

    def _call(self, n: int, when: tuple[str, datetime]) -> dict[str, Any]:
        provider, time = when
        read = self.roll.randrange(0, 900)
        # what the zone cuts off has a price
        model = self.roll.choice(MODELS[provider]) if time.hour >= 5 else PRICED.get(provider, MODELS[provider][0])
        made = call(
            f"c{n}", time=f"{time:%Y-%m-%dT%H:%M:%S}Z", provider=provider, model=model,
            input_tokens=self.roll.randrange(1000, 90_000), output_tokens=self.roll.randrange(1, 5000),
        )  # fmt: skip
        if provider != "mistral":
            made["cache_read_tokens"] = read
        if provider == "anthropic":
            made |= {"response_id": f"msg_{n}", "cache_write_tokens": 100 * (n % 3)}
        return made

    def _later(self) -> dict[str, Any]:
        """The ledger goes on, so that October is over."""
        return call("later", time="2026-11-05T12:00:00Z", provider="x-ai", model="grok-4", workflow=None)


@dataclass
class Statement:
    """What is billed, and `planted`: (provider, UTC day) -> item -> dollars of difference."""

    tokens: dict[Place, int] = field(default_factory=lambda: defaultdict(int))
    usd: dict[Place, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    extras: list[Planted] = field(default_factory=list)
    planted: dict[tuple[str, date], dict[str, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    rates: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    zone: dict[tuple[str, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    utc: dict[tuple[str, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def note(self, place: Place | Planted, item: str, usd: Decimal) -> None:
        self.planted[place.provider, place.day][item] += usd

    def price(self, place: Place) -> Decimal:
        """Dollars of a token of this model and class, as the ledger has it."""
        return self.rates[place.model, place.token_class]

    def places(self, provider: str, priced: bool = True) -> list[Place]:
        """Cells of October with tokens, in order."""
        return [
            p for p in sorted(self.tokens)
            if p.provider == provider and FIRST <= p.day <= LAST and bool(self.usd[p]) == priced and self.tokens[p]
        ]  # fmt: skip

    def expected(self, provider: str) -> dict[str, Decimal]:
        """Item -> dollars over the month, the day cut included."""
        total: dict[str, Decimal] = defaultdict(Decimal)
        for (who, _), items in self.planted.items():
            for item, usd in items.items():
                total[item] += usd if who == provider else 0
        for sign, sums in ((1, self.utc), (-1, self.zone)):
            total["day cut"] += sum(sign * usd for (who, day), usd in sums.items() if who == provider and inside(day))
        return {item: usd for item, usd in total.items() if usd}

    def expected_of(self, provider: str, day: date) -> dict[str, Decimal]:
        items = dict(self.planted.get((provider, day), {}))
        items["day cut"] = self.utc[provider, day] - self.zone[provider, day]
        return {item: usd for item, usd in items.items() if usd}


def statement(month: Month) -> Statement:
    """A bill that agrees with the ledger to the last unit: what its charges say, by UTC day."""
    made = Statement()
    times = {r["request_id"]: r["time"] for r in month.bench.export("requests")}
    for row in month.bench.export("charges"):
        provider, utc_day = row["provider"], date.fromisoformat(times[row["request_id"]][:10])
        if provider not in MODELS:
            continue
        sku = "output" if row["sku"] == "reasoning" else row["sku"]
        place, usd = Place(provider, utc_day, row["model"], sku), Decimal(row["amount_usd"] or 0)
        made.tokens[place] += int(Decimal(row["quantity"]))
        made.usd[place] += usd
        if usd:
            made.rates[place.model, place.token_class] = Decimal(row["unit_price_usd"])
        made.utc[provider, utc_day] += usd
        made.zone[provider, date.fromisoformat(row["charge_day"])] += usd
    return made


def plant(made: Statement, month: Month) -> None:
    """A difference of every kind for every provider billed by FOCUS, on cells of their own."""
    roll = month.roll
    for provider in BY_FOCUS:
        free = [p for p in made.places(provider) if p.day != date(2026, 10, 12)]
        picked = iter(roll.sample(free, 8))
        for _ in range(2):
            more(made, next(picked), roll.randrange(1, 10**7))
            fewer(made, next(picked), roll.random())
            dearer(made, next(picked), roll.randrange(1, 50))
        place = next(picked)  # half a last digit, as each charge is rounded once
        made.usd[place] += Decimal(1).scaleb(-12)
        made.note(place, "rounding", Decimal(1).scaleb(-12))
        for item in EXTRAS:
            usd = Decimal(roll.randrange(1, 10**10)).scaleb(-6) * (-1 if item == "credits and discounts" else 1)
            extra = Planted(provider, FIRST + timedelta(days=roll.randrange(31)), item, usd)
            made.extras.append(extra)
            made.note(extra, item, usd)
    unpriced(made, "openai", roll)
    doubled(made, month.twice)


def plant_activity(made: Statement, month: Month) -> None:
    """The same for OpenRouter, whose activity tells models and tokens of a day, and money without a class: it has no lines
    for tools, taxes, credits or corrections.
    """
    roll, twice = month.roll, date.fromisoformat(month.routed_twice["time"][:10])
    days = sorted({p.day for p in made.places("openrouter") if p.token_class == "output" and p.day != twice})
    ways = ("not metered", "not billed", "rate difference", "rounding", "all of it", "not metered", "not billed")
    for way, day in zip(ways, roll.sample(days, min(len(ways), len(days))), strict=False):
        place = Place("openrouter", day, ROUTED, roll.choice(("input", "output")))
        if way == "not metered":
            more(made, place, roll.randrange(1, 10**6))
        elif way == "not billed":
            fewer(made, place, roll.random())
        elif way == "rate difference":
            dearer(made, place, roll.randrange(1, 50))
        elif way == "rounding":
            made.usd[place] += Decimal(1).scaleb(-12)
            made.note(place, way, Decimal(1).scaleb(-12))
        else:
            for each in [p for p in made.places("openrouter") if (p.day, p.model) == (day, ROUTED)]:
                fewer(made, each, 1)
    unseen = Place("openrouter", FIRST + timedelta(days=13), "acme/never-logged", "input")
    made.rates[unseen.model, unseen.token_class] = Decimal(roll.randrange(1, 10**4)).scaleb(-9)
    more(made, unseen, roll.randrange(1, 10**7))
    unpriced(made, "openrouter", roll)
    doubled(made, month.routed_twice)


def more(made: Statement, place: Place, tokens: int) -> None:
    """Calls that no log holds."""
    usd = made.price(place) * tokens
    made.tokens[place] += tokens
    made.usd[place] += usd
    made.note(place, "not metered", usd)


def fewer(made: Statement, place: Place, share: float) -> None:
    """Calls that the logs hold and nobody bills."""
    tokens = max(1, int(made.tokens[place] * share))
    usd = made.price(place) * tokens
    made.tokens[place] -= tokens
    made.usd[place] -= usd
    made.note(place, "not billed", -usd)


def dearer(made: Statement, place: Place, percent: int) -> None:
    """The same tokens at another price."""
    usd = made.usd[place] * percent / 100
    made.usd[place] += usd
    made.note(place, "rate difference", usd)


def unpriced(made: Statement, provider: str, roll: random.Random) -> None:
    """Every call of a model without a rate is billed at some price."""
    per_million = Decimal(roll.randrange(100, 9999)).scaleb(-2)
    for place in made.places(provider, priced=False):
        made.usd[place] = made.tokens[place] * per_million.scaleb(-6)
        made.note(place, "unpriced", made.usd[place])


def doubled(made: Statement, twice: dict[str, Any]) -> None:
    """A second source's copy of a call is charged in the ledger, and billed once."""
    day = date.fromisoformat(twice["time"][:10])
    for token_class, tokens in _parts(twice).items():
        if not tokens:
            continue
        place = Place(twice["provider"], day, twice["model"], token_class)
        usd = made.price(place) * tokens
        made.tokens[place] -= tokens
        made.usd[place] -= usd
        if usd:
            made.note(place, "recorded twice", -usd)


def _generation(made: dict[str, Any]) -> str:
    """A call as OpenRouter tells it, its cost left out."""
    return json.dumps(
        {
            "id": made["request_id"], "created_at": made["time"], "model": made["model"], "finish_reason": "stop",
            "native_tokens_prompt": made["input_tokens"], "native_tokens_cached": made["cache_read_tokens"],
            "native_tokens_completion": made["output_tokens"], "native_tokens_reasoning": 0, "total_cost": None,
        }
    )  # fmt: skip


def _gateway(made: dict[str, Any]) -> dict[str, Any]:
    """The same call as a gateway logs it, under an id of its own."""
    at = datetime.fromisoformat(made["time"]).timestamp()
    parts = _parts(made)
    return {
        "id": "chatcmpl-invented", "call_type": "acompletion", "custom_llm_provider": "anthropic",
        "model": made["model"], "startTime": at, "endTime": at + 1, "prompt_tokens": made["input_tokens"],
        "completion_tokens": made["output_tokens"], "total_tokens": made["input_tokens"] + made["output_tokens"],
        "status": "success", "response_cost": None,
        "metadata": {"usage_object": {
            "prompt_tokens": made["input_tokens"], "completion_tokens": made["output_tokens"],
            "cache_read_input_tokens": parts["cache_read"], "cache_creation_input_tokens": parts["cache_write"],
        }},
    }  # fmt: skip


def _parts(made: dict[str, Any]) -> dict[str, int]:
    read, write = made["cache_read_tokens"], made.get("cache_write_tokens", 0)
    return {
        "input": made["input_tokens"] - read - write, "cache_read": read, "cache_write": write,
        "output": made["output_tokens"],
    }  # fmt: skip


def _at(day: date, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001


def inside(day: date) -> bool:
    return FIRST <= day <= LAST
