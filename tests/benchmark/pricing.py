"""How fast requests are priced: a million of them, all classes, tiers, dates and bands, beside two libraries.

`python -m tests.benchmark.pricing [--requests N]`. Outlay's figure is what a run does: the rate book of the models seen
is compiled, and every request gets its cost, one amount per class, its source and what it lacks. `litellm.completion_cost`
and `genai_prices.calc_price` get a sample of the same requests, in the same process and in turns, and are scaled by
requests per CPU second of all threads. Before anything is timed, Outlay and genai-prices agree on every request of the
sample that both price; where the difference is on purpose, `tests.rates.explained` says why.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from genai_prices import calc_price

from pipelines.rates.book import RateBook
from pipelines.rates.cards import price
from tests.rates.conftest import COLUMNS
from tests.rates.explained import explained
from tests.rates.theirs import CONTEXT, theirs, usage_of

REPETITIONS = 3
SAMPLE = 4_000
AIM, AIM_RATIO = 500_000, 50
#: What a company's month looks like: some providers and some forty models, old and new, aliases among them.
MODELS = {
    "openai": ("gpt-5.4", "gpt-5-mini", "gpt-5", "gpt-4o", "gpt-4o-mini", "gpt-4.1", "o3", "o4-mini", "gpt-5.6-sol", "gpt-5.5",
               "gpt-5-2025-08-07", "text-embedding-3-small"),
    "anthropic": ("claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-5", "claude-sonnet-5", "claude-opus-5-5",
                  "claude-3-5-sonnet-20241022", "claude-sonnet-4-5-20250929"),
    "google": ("gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-3.1-pro-preview", "gemini-3.5-flash"),
    "deepseek": ("deepseek-v4-flash", "deepseek-v4-pro", "deepseek-chat"),
    "mistral": ("mistral-large-latest", "mistral-small-latest", "mistral-medium-latest"),
    "aws": ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
    "azure": ("gpt-4o", "gpt-4.1", "gpt-5-mini"),
    "x-ai": ("grok-4.3",),
    "groq": ("llama-3.3-70b-versatile",),
}  # fmt: skip
TIERS = ("standard",) * 7 + ("batch", "flex", "priority")
FIRST, DAYS = datetime(2025, 6, 1, tzinfo=UTC), 530


def requests(count: int, seed: int = 1) -> pa.Table:
    """So many requests in the shape that the ledger hands to pricing: a fifth long, a tenth with fees or audio."""
    draw = random.Random(seed)
    pairs = [(p, m) for p, models in MODELS.items() for m in models]
    some = lambda chance, most: draw.randrange(1, most) if draw.random() < chance else 0  # noqa: E731
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS.names}
    for i in range(count):
        provider, model = pairs[draw.randrange(len(pairs))]
        most = 400_000 if draw.random() < 0.2 else 20_000
        extras = draw.random()
        row = {
            "request_key": f"{i:020x}",
            "provider": provider,
            "model": model,
            "time": FIRST + timedelta(seconds=draw.randrange(DAYS * 86_400)),
            "status": "ok",
            "service_tier": TIERS[draw.randrange(len(TIERS))],
            "region": "eu" if provider == "openai" and draw.random() < 0.1 else None,
            "input_uncached": draw.randrange(1, most),
            "cache_read": some(0.4, most),
            "cache_write": some(0.15, 20_000),
            "cache_write_long": some(0.05, 20_000),
            "output_nonreasoning": draw.randrange(1, 8_000),
            "output_reasoning": some(0.3, 8_000),
            "extras": [("web_search", draw.randrange(1, 9))] if extras < 0.05 else [("input_image", draw.randrange(1, 3_000))] if extras < 0.1 else [],
            "recorded_usd": None,
            "recorded_is_estimate": False,
        }  # fmt: skip
        for name, value in row.items():
            columns[name].append(value)
    return pa.table([pa.array(columns[f.name], f.type) for f in COLUMNS], schema=COLUMNS)


def connected(table: pa.Table) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    con.register("incoming", table)
    con.execute("create temp table to_price as select * from incoming")
    con.unregister("incoming")
    return con


def cpu(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def outlay(con: duckdb.DuckDBPyConnection) -> None:
    price(con, RateBook())


def genai_cost(sample: list[dict[str, Any]]) -> tuple[Callable[[], None], int]:
    """`calc_price` over those of the sample that it prices, and how many they are; usages are made beforehand."""
    asked: list[dict[str, Any]] = [
        {
            "usage": usage_of(request),
            "model_ref": request["model"],
            "provider_id": request["provider"],
            "genai_request_timestamp": request["time"],
            "price_context": CONTEXT.get(request["service_tier"]),
        }
        for request in sample
        if theirs(request) is not None
    ]

    def run() -> None:
        for one in asked:
            calc_price(**one)

    return run, len(asked)


def litellm_cost(sample: list[dict[str, Any]]) -> tuple[Callable[[], None], int]:
    """`completion_cost` over those of the sample that it prices, as the response objects that it takes."""
    import litellm
    from litellm.types.utils import Usage

    named = {"google": "gemini", "aws": "bedrock", "x-ai": "xai"}
    asked: list[dict[str, Any]] = []
    for r in sample:
        prompt = r["input_uncached"] + r["cache_read"] + r["cache_write"] + r["cache_write_long"]
        answer = r["output_nonreasoning"] + r["output_reasoning"]
        usage = Usage(
            prompt_tokens=prompt,
            completion_tokens=answer,
            total_tokens=prompt + answer,
            cache_read_input_tokens=r["cache_read"],
            cache_creation_input_tokens=r["cache_write"] + r["cache_write_long"],
        )
        one = {
            "completion_response": litellm.ModelResponse(model=r["model"], usage=usage),
            "model": r["model"],
            "custom_llm_provider": named.get(r["provider"], r["provider"]),
            "service_tier": r["service_tier"],
        }
        try:
            litellm.completion_cost(**one)
        except Exception:
            continue
        asked.append(one)

    def run() -> None:
        for one in asked:
            litellm.completion_cost(**one)

    return run, len(asked)


def agree(con: duckdb.DuckDBPyConnection, sample: list[dict[str, Any]]) -> tuple[int, int]:
    """How many of the sample both price alike; raises SystemExit on a difference that nothing explains."""
    mine = dict(con.execute("select request_key, cost_usd from priced where cost_basis = 'computed'").fetchall())
    alike = 0
    for request in sample:
        ours, other = mine.get(request["request_key"]), theirs(request)
        if ours is None or other is None or request["region"] is not None or "input_image" in request["extras"]:
            continue
        if abs(ours - other) > Decimal("3.5e-12") and not explained(request):
            raise SystemExit(f"{request}: {ours} here, {other} by genai-prices; nothing was timed")
        alike += 1
    return alike, len(mine)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--requests", type=int, default=1_000_000)
    options = asked.parse_args()
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    warnings.simplefilter("ignore")
    table = requests(options.requests)
    step = max(1, options.requests // SAMPLE)
    sample = [
        {**row, "extras": dict(row["extras"])} for row in table.take(list(range(0, options.requests, step))).to_pylist()
    ]
    con = connected(table)
    outlay(con)
    alike, priced = agree(con, sample)
    others = {"litellm": litellm_cost(sample), "genai-prices": genai_cost(sample)}
    took: dict[str, list[float]] = {"outlay": [], "litellm": [], "genai-prices": []}
    for _ in range(REPETITIONS):
        took["outlay"].append(cpu(lambda: outlay(con)) / options.requests)
        for name, (run, count) in others.items():
            took[name].append(cpu(run) / count)
    rate = {name: 1 / statistics.median(each) for name, each in took.items()}
    fastest = max(rate["litellm"], rate["genai-prices"])
    print(
        f"{options.requests:,} requests, {priced:,} with a rate; {alike:,} of {len(sample):,} sampled compared, all alike\n"
    )
    print(f"{'':28}{'requests per CPU second':>24}{'Outlay is':>12}")
    print(f"{'Outlay':28}{rate['outlay']:24,.0f}")
    for name, call in (("litellm", "litellm.completion_cost"), ("genai-prices", "genai_prices.calc_price")):
        print(f"{call:28}{rate[name]:24,.0f}{rate['outlay'] / rate[name]:10,.0f} x")
    met = rate["outlay"] >= AIM and rate["outlay"] >= AIM_RATIO * fastest
    print(f"\nAim: {AIM:,} per CPU second and {AIM_RATIO} x the faster of the two: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
