"""Token counts as the providers themselves report them, brought to disjoint parts.

OpenAI counts inclusively (cache and writes inside the input, reasoning inside the output); Anthropic
disjointly (input beside cache reads and writes). Functions raise `Reject` where the numbers contradict each
other in a way that the format does not explain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pipelines.sources.record import RequestRecord
from pipelines.sources.values import Reject, count, count_or_zero, mapping

PARTS = (
    "input_uncached",
    "cache_read",
    "cache_write",
    "cache_write_long",
    "output_nonreasoning",
    "output_reasoning",
)
#: Further classes that are part of the input or of the output; totals are the token fields plus these.
INPUT_EXTRAS = ("input_audio", "input_image", "input_video", "cache_read_audio", "cache_read_image")
OUTPUT_EXTRAS = ("output_audio", "output_image")


@dataclass(slots=True)
class Tokens:
    """Disjoint parts of one call's tokens; names as in `RequestRecord`."""

    input_uncached: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_long: int = 0
    output_nonreasoning: int = 0
    output_reasoning: int = 0
    extras: dict[str, int] = field(default_factory=dict)
    known_classes: int = 0
    flags: list[str] = field(default_factory=list)

    def six(self) -> tuple[int, int, int, int, int, int]:
        """The parts in the order of `PARTS`."""
        return (
            self.input_uncached, self.cache_read, self.cache_write, self.cache_write_long, self.output_nonreasoning,
            self.output_reasoning,
        )  # fmt: skip

    def give(self, record: RequestRecord) -> RequestRecord:
        """Write the counts into a record."""
        record.input_uncached = self.input_uncached
        record.cache_read = self.cache_read
        record.cache_write = self.cache_write
        record.cache_write_long = self.cache_write_long
        record.output_nonreasoning = self.output_nonreasoning
        record.output_reasoning = self.output_reasoning
        record.extras = {name: quantity for name, quantity in self.extras.items() if quantity}
        record.known_classes = self.known_classes
        record.flags = (*record.flags, *self.flags)
        return record

    def modality(self, name: str, quantity: int, out_of: str) -> None:
        """Take audio, image or video tokens out of the text that contains them: they have own prices."""
        if not quantity:
            return
        inside = getattr(self, out_of)
        if quantity > inside:
            self.flags.append("modality_overlap")
            quantity = inside
        setattr(self, out_of, inside - quantity)
        self.extras[name] = self.extras.get(name, 0) + quantity


def parts(*, total_in: int, read: int, write: int, long: int, total_out: int, reasoning: int) -> Tokens:
    """Inclusive totals to disjoint parts; `write` is all cache writes, `long` the ones kept longer."""
    if long > write:
        raise Reject("long-lived cache writes exceed all cache writes")
    if read + write > total_in:
        raise Reject("cache tokens exceed the input tokens")
    if reasoning > total_out:
        raise Reject("reasoning tokens exceed the output tokens")
    return Tokens(
        input_uncached=total_in - read - write,
        cache_read=read,
        cache_write=write - long,
        cache_write_long=long,
        output_nonreasoning=total_out - reasoning,
        output_reasoning=reasoning,
    )


def openai(usage: Any) -> Tokens:
    """`usage` of a chat completion, a text completion or a Response: everything is inside the two totals."""
    usage = mapping(usage, "usage")
    chat = "prompt_tokens" in usage
    total_in = count(usage.get("prompt_tokens" if chat else "input_tokens"), "usage input tokens")
    total_out = count_or_zero(usage.get("completion_tokens" if chat else "output_tokens"), "usage output tokens")
    inside = mapping(usage.get("prompt_tokens_details" if chat else "input_tokens_details"), "usage input details")
    outside = mapping(
        usage.get("completion_tokens_details" if chat else "output_tokens_details"), "usage output details"
    )
    lifetimes = mapping(inside.get("cache_write_tokens_details"), "cache_write_tokens_details")
    tokens = parts(
        total_in=total_in,
        read=count_or_zero(inside.get("cached_tokens"), "cached_tokens"),
        write=count_or_zero(inside.get("cache_write_tokens"), "cache_write_tokens"),
        long=count_or_zero(lifetimes.get("ttl_12h_tokens"), "ttl_12h_tokens"),
        total_out=total_out,
        reasoning=count_or_zero(outside.get("reasoning_tokens"), "reasoning_tokens"),
    )
    for name, details, out_of in (
        ("input_audio", inside.get("audio_tokens"), "input_uncached"),
        ("input_image", inside.get("image_tokens"), "input_uncached"),
        ("output_audio", outside.get("audio_tokens"), "output_nonreasoning"),
        ("output_image", outside.get("image_tokens"), "output_nonreasoning"),
    ):
        tokens.modality(name, count_or_zero(details, name), out_of)
    total = usage.get("total_tokens")
    if total is not None and count(total, "total_tokens") != total_in + total_out:
        tokens.flags.append("token_mismatch")
    tokens.known_classes = 2 + _present(inside, "cached_tokens", "cache_write_tokens", "cache_write_tokens_details")
    tokens.known_classes += _present(outside, "reasoning_tokens")
    return tokens


def anthropic(usage: Any) -> Tokens:
    """`usage` of a message: input beside cache reads and writes; compaction runs are billed on top of it."""
    usage = mapping(usage, "usage")
    tokens = _anthropic_entry(usage)
    searches = mapping(usage.get("server_tool_use"), "server_tool_use").get("web_search_requests")
    if quantity := count_or_zero(searches, "web_search_requests"):
        tokens.extras["web_search"] = quantity
    iterations = usage.get("iterations")
    if iterations is None:
        return tokens
    if type(iterations) is not list:
        raise Reject("usage.iterations: expected a list")
    for entry in iterations:
        entry = mapping(entry, "usage.iterations")
        if entry.get("type") == "compaction":
            added = _anthropic_entry(entry)
            for name in (
                "input_uncached",
                "cache_read",
                "cache_write",
                "cache_write_long",
                "output_nonreasoning",
                "output_reasoning",
            ):
                setattr(tokens, name, getattr(tokens, name) + getattr(added, name))
            tokens.flags.append("compaction")
        elif entry.get("type") not in ("message", "fallback_message"):
            tokens.flags.append("other_iterations")
    tokens.flags = sorted(set(tokens.flags))
    return tokens


def _anthropic_entry(usage: dict[str, Any]) -> Tokens:
    written = count_or_zero(usage.get("cache_creation_input_tokens"), "cache_creation_input_tokens")
    lifetimes = mapping(usage.get("cache_creation"), "cache_creation")
    short = count_or_zero(lifetimes.get("ephemeral_5m_input_tokens"), "ephemeral_5m_input_tokens")
    long = count_or_zero(lifetimes.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens")
    flags: list[str] = []
    if "cache_creation_input_tokens" not in usage:
        written = short + long
    elif not lifetimes and written:
        flags.append("cache_lifetime_unknown")
    elif lifetimes and short + long != written:
        if long > written:
            raise Reject("cache_creation exceeds cache_creation_input_tokens")
        flags.append("token_mismatch")
    total_out = count(usage.get("output_tokens"), "output_tokens")
    thinking = count_or_zero(
        mapping(usage.get("output_tokens_details"), "output_tokens_details").get("thinking_tokens"),
        "thinking_tokens",
    )
    if thinking > total_out:
        raise Reject("thinking_tokens exceed output_tokens")
    known = 2 + _present(usage, "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens_details")
    return Tokens(
        input_uncached=count(usage.get("input_tokens"), "input_tokens"),
        cache_read=count_or_zero(usage.get("cache_read_input_tokens"), "cache_read_input_tokens"),
        cache_write=written - long,
        cache_write_long=long,
        output_nonreasoning=total_out - thinking,
        output_reasoning=thinking,
        known_classes=known + 2 * bool(lifetimes),
        flags=flags,
    )


def _present(values: dict[str, Any], *names: str) -> int:
    return sum(values.get(name) is not None for name in names)
