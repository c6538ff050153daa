"""Random contracts for generated worlds: negotiated rates, discounts and mark-ups, capacity, commitments."""

from __future__ import annotations

import random
from datetime import date, timedelta


def contract(rng: random.Random, middle: date) -> str:
    """The text of a `rates.yaml` whose entries begin and end near the world's days."""

    def dates() -> str:
        since, until = (middle + timedelta(days=rng.randint(*span)) for span in ((-3, 0), (1, 4)))
        return "".join(
            f", {name}: {day}" for name, day in (("valid_from", since), ("valid_to", until)) if rng.random() < 0.5
        )

    def cents(most: int) -> str:
        return f"{rng.randint(1, most)}.{rng.randint(0, 9999):04d}"

    lines = ["rates:"]
    lines += [
        f'  - {{provider: {provider}, model: {model}, class: {name}, usd_per_million: "{cents(4)}"{dates()}}}'
        for provider, model in (("openai", "gpt-5.4"), ("inhouse", "own-7b"))
        for name in ("input", "cache_read", "output")
        if rng.random() < 0.4
    ] or ["  []"]
    lines += ["discounts:"] + (
        [
            f'  - {{provider: {provider}, model: "{model}", percent: "{percent}"{dates()}}}'
            for provider, model, percent in (
                ("openai", "*", rng.choice(["10", "12.345", "-5"])),
                ("openai", "gpt-5-mini", rng.choice(["33.3333", "100", "0"])),
                ("anthropic", "*", rng.choice(["-3", "7.5"])),
            )
            if rng.random() < 0.6
        ]
        or ["  []"]
    )
    lines += ["provisioned:"] + (
        [
            f'  - {{name: {name}, provider: {provider}, model: {model}, cost_usd: "{cents(90)}", period: {period}{dates()}}}'
            for name, provider, model, period in (
                ("hourly", "openai", "gpt-5.4", "hour"),
                ("monthly", "openai", "gpt-5-mini", "month"),
                ("dated name", "openai", "gpt-5-mini-2025-08-07", "day"),
                ("own", "inhouse", "own-7b", "month"),
            )
            if rng.random() < 0.5
        ]
        or ["  []"]
    )
    if rng.random() < 0.6:
        since = middle + timedelta(days=rng.randint(-2, 1))
        until = since + timedelta(days=rng.randint(1, 3))
        lines += [
            "commitments:",
            f'  - {{name: deal, provider: openai, amount_usd: "{cents(900)}", period: term, valid_from: {since}, valid_to: {until}}}',
        ]
    return "\n".join(lines) + "\n"
