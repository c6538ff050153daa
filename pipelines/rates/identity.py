"""Which model a logged name means: one canonical name for people, one price list entry for money.

The canonical name is made from the name itself (gateway prefixes, ARNs, inference profiles, dates and
versions removed), so that it is the same whether or not a price is known. The price list entry comes from
genai-prices' matching, read strictly: a loose match (`starts with`, `contains`) counts only if what is left
over is a date, a version or a profile prefix. `gemini-1.5-flash-8b` is therefore no `gemini-1.5-flash`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

from genai_prices import types as gp
from genai_prices.data import providers as GENAI_PROVIDERS  # noqa: N812
from genai_prices.data_snapshot import find_provider_by_id

from pipelines.rates.overlay import overlay

#: Geographic inference profiles of Bedrock, as prefixes of a model id.
PROFILES = ("global", "us-gov", "us", "eu", "apac", "jp", "au", "in", "ca")
_PROFILE = rf"(?:(?P<profile>{'|'.join(PROFILES)})\.)"
_ARN = re.compile(r"^arn:aws[\w-]*:bedrock:[^:]*:[^:]*:(?P<kind>[\w-]+)/(?P<id>.+)$", re.IGNORECASE)
_RESOURCE = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/|^models/")
#: What may follow a model's name without making it another model.
_SUFFIX = re.compile(
    r"(?:[-@]latest|@default|[-@]20\d{6}|[-@]20\d{2}-\d{2}-\d{2}|-\d{2}-20\d{2}|-\d{2}-\d{2}|-\d{3,4}"
    r"|-v\d+(?:\.\d+)?|:\d+|:\d+k|-preview|-exp|-it|-completion)*"
)
_VENDOR = r"(?:[a-z0-9-]+[./])"
_PREFIX = re.compile(rf"(?:accounts/[\w-]+/models/)?{_PROFILE}?{_VENDOR}?")
_AWS_VERSION = re.compile(r"(?:-v\d+)?(?::\d+)?(?::\d+k)?$")
_DATES = re.compile(r"(?:[-@]20\d{6}|[-@]20\d{2}-\d{2}-\d{2}|@default|@latest)$")
_GPT_DASHED = re.compile(r"^gpt-(\d)-(\d)(?=-|$)")
#: What gateways write before a model's name, beside genai-prices' own provider ids.
_GATEWAY_WORDS = {
    "google": {"gemini", "vertex_ai", "vertex_ai_beta", "vertex", "google", "google_ai_studio"},
    "aws": {"bedrock", "bedrock_converse", "converse", "aws", "amazon"},
    "azure": {"azure", "azure_ai", "azure_openai", "azure_text"},
    "x-ai": {"xai", "x-ai", "x_ai"},
}


#: They list the makers' models under the makers' names.
_RESELLERS = {"openrouter", "github-copilot"}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a logged (provider, model) means on one day."""

    canonical: str  #: `provider/model`, for tiers, evaluations and recommendations
    rate_provider: str  #: the provider whose genai-prices list holds the price
    rate_model: str  #: the id of the entry in that list
    own: bool  #: the provider's own list, not that of the maker it resells
    profile: str | None = None  #: Bedrock's geographic profile, which is part of the price


def bare(provider: str, model: str) -> str | None:
    """The model's own id: no gateway prefix, resource path or ARN; None where an ARN hides the model."""
    name = model.strip()
    if arn := _ARN.match(name):
        if arn["kind"] not in {"foundation-model", "inference-profile"}:
            return None
        name = arn["id"]
    name = _RESOURCE.sub("", name.lower())
    words = _GATEWAY_WORDS.get(provider, set()) | {provider}
    while "/" in name and name.split("/", 1)[0] in words:
        name = name.split("/", 1)[1]
    return _RESOURCE.sub("", name) or None


def canonical(provider: str, model: str, at: date | None = None) -> str:
    """`provider/model` with dates, versions, profiles and spellings folded; always answers.

    A name that an ARN hides stays as logged. An alias that the vendor moved from model to model is followed
    only when `at` says on which day.
    """
    name = bare(provider, model)
    if name is None:
        return f"{provider}/{model}"
    name = overlay().alias(provider, name, at) or name
    profile = re.match(_PROFILE, name)
    if provider == "aws":
        name = _AWS_VERSION.sub("", name[profile.end() :] if profile else name)
    if provider in {"openai", "azure"}:
        name = _GPT_DASHED.sub(r"gpt-\1.\2", name.replace("gpt-35", "gpt-3.5", 1))
    if provider == "google":
        name = re.sub(r"(?<=[a-z])-00\d$", "", name)
    vendor, dot, maker_name = name.rpartition("anthropic.")
    claude = _claude(maker_name if dot else name)
    if claude is not None:
        return f"{provider}/{vendor}{dot}{claude}"
    undated = _DATES.sub("", name)
    if undated != name and not _priced_apart(provider, name, undated):
        name = undated
    return f"{provider}/{name}"


def identify(provider: str, model: str, at: date | None = None) -> Identity | None:
    """The price list entry that prices `model` on the day `at` (None: the latest aliases).

    None if it is unknown, as is a name that two entries claim or that an entry's pattern covers only in part.
    """
    found = listed(provider, model, at)
    if found is None:
        return None
    listed_by, info = found
    profile = re.match(_PROFILE, bare(provider, model) or "") if provider == "aws" else None
    return Identity(
        canonical=canonical(provider, model, at),
        rate_provider=listed_by.id,
        rate_model=info.id,
        own=listed_by.id == provider,
        profile=profile["profile"] if profile else None,
    )


def listed(provider: str, model: str, at: date | None = None) -> tuple[gp.Provider, gp.ModelInfo] | None:
    """The list and the entry in it that price a logged name on a day."""
    name = bare(provider, model)
    if name is None:
        return None
    meant = overlay().alias(provider, name, at or date.max)
    if meant is not None:
        return entry(provider, meant) if meant else None
    # a few ids of the list carry the gateway's prefix themselves
    return entry(provider, model.strip().lower()) or entry(provider, name)


def near_names(provider: str | None, model: str, most: int = 3) -> list[tuple[str, str]]:
    """Models of the lists whose names are close to one that none of them knows, closest first: (provider, model)."""
    wanted = (model.strip().lower() if provider is None else bare(provider, model)) or model.lower()
    makers, own = {provider}, None
    if provider is not None and (own := find_provider_by_id(GENAI_PROVIDERS, provider)):
        makers |= set(own.fallback_model_providers or ())
    known: dict[str, str] = {}
    for listed_by in sorted(GENAI_PROVIDERS, key=lambda p: bool(p.fallback_model_providers) or p.id in _RESELLERS):
        if own is None or listed_by.id in makers:
            for info in listed_by.models:
                known.setdefault(info.id.lower(), provider if provider and own is not None else listed_by.id)
    close = get_close_matches(wanted, known, n=most, cutoff=0.7)
    return [(known[name], name) for name in close]


@lru_cache(maxsize=65536)
def entry(provider: str, name: str) -> tuple[gp.Provider, gp.ModelInfo] | None:
    """The entry of genai-prices that a bare name means: the provider's own list first, then its makers'."""
    own = find_provider_by_id(GENAI_PROVIDERS, provider)
    if own is None:
        return None
    lists = [own]
    for maker in own.fallback_model_providers or ():
        lists += [p for p in GENAI_PROVIDERS if p.id == maker]
    dashed = gp._normalize_compact_dated_ref(name)
    for ref in dict.fromkeys((name, dashed)):
        for listed_by in lists:
            hits = [info for info in listed_by.models if _means(info.match, ref)]
            hits = hits or [info for info in listed_by.models if info.id.lower() == ref]
            if len(hits) > 1 and any(h.prices != hits[0].prices for h in hits[1:]):
                return None
            if hits:
                return listed_by, hits[0]
    if added := overlay().model(provider, name):
        return own, _added(added.model)
    return None


@lru_cache(maxsize=1024)
def _added(model: str) -> gp.ModelInfo:
    """A model of the overlay as an entry of the list without a price: its history has them."""
    return gp.ModelInfo(id=model, match=gp.ClauseEquals(model), prices=gp.ModelPrice())


def _means(clause: gp.MatchLogic, ref: str) -> bool:
    """Whether the clause matches all of `ref` but dates, versions, profile and vendor prefixes."""
    match clause:
        case gp.ClauseOr():
            return any(_means(c, ref) for c in clause.or_)
        case gp.ClauseAnd():
            return all(c.is_match(ref) for c in clause.and_) and any(_means(c, ref) for c in clause.and_)
        case gp.ClauseEquals():
            return clause.is_match(ref)
        case gp.ClauseStartsWith():
            rest = ref[len(_undated(clause.starts_with)) :]
            tuned = clause.starts_with.startswith("ft:")
            return clause.is_match(ref) and (tuned or bool(_SUFFIX.fullmatch(rest)))
        case gp.ClauseEndsWith():
            return clause.is_match(ref) and bool(_PREFIX.fullmatch(ref[: -len(clause.ends_with)]))
        case gp.ClauseContains():
            start = ref.find(clause.contains.lower())
            if start < 0:
                return False
            rest = ref[start + len(_undated(clause.contains)) :]
            return bool(_PREFIX.fullmatch(ref[:start]) and _SUFFIX.fullmatch(rest))
        case gp.ClauseRegex():
            found = re.search(clause.regex, ref)
            return found is not None and bool(_SUFFIX.fullmatch(ref[found.end() :]))
    return False


def _undated(literal: str) -> str:
    """A pattern without the begun date or separator it ends in (`claude-sonnet-4-2025`, `claude-opus-4@`)."""
    return re.sub(r"[-@](?:20\d{2})?$", "", literal)


def _claude(name: str) -> str | None:
    """Anthropic's own name for a Claude model, however a cloud spells it."""
    found = entry("anthropic", _AWS_VERSION.sub("", name)) if "claude" in name else None
    return found[1].id.removesuffix("-latest") if found else None


def _priced_apart(provider: str, dated: str, undated: str) -> bool:
    """Two entries of the price list: the snapshot is another model than the name without its date."""
    one, other = entry(provider, dated), entry(provider, undated)
    return one is not None and other is not None and one[1].id != other[1].id
