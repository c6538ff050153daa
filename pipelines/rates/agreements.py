"""The entries of `rates.yaml`: what a company has agreed with a provider, each dated.

`valid_from` is the first day on which an entry holds, `valid_to` the first on which it no longer does. Unit prices
change at 00:00 UTC, as lists do; fixed costs and commitments run by days of the reporting zone.
An amount is a decimal string: in dollars under `usd_…`, `cost_usd` and `amount_usd`, in another currency under the
same name without `usd` beside `currency`.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.rates.blocks import STANDARD_REGIONS, Price
from pipelines.rates.classes import CLASSES, TOKEN_CLASSES, UNIT_PLACES
from pipelines.rates.days import UtcDay
from pipelines.rates.exchange import Quote
from pipelines.sources.ids import provider_id

KNOWN_CLASSES = frozenset(cls for cls, _ in CLASSES.values()) | {"embedding"}
#: Dearest unit price that a rate card holds: of a token, and of anything else.
_DEAREST_TOKEN, _DEAREST = Decimal(10), Decimal(100)
#: A contracted unit price has as many places as a card shows, so that price times quantity is the amount.
CARD_PLACES = Decimal("1e-15")
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _decimal_string(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f'expected a decimal string such as "2.50", found {value!r}')
    return value


def _known_provider(value: Any) -> Any:
    return provider_id(value) if isinstance(value, str) else value


Amount = Annotated[Decimal, BeforeValidator(_decimal_string), Field(ge=0, max_digits=22, decimal_places=12)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Dated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    #: spelt as in any log (`bedrock`, `vertex_ai`, `azure_openai`): kept as the rate book's id
    provider: Annotated[str, BeforeValidator(_known_provider), Field(min_length=1)]
    valid_from: UtcDay | None = None
    valid_to: UtcDay | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError(f"expected valid_to after valid_from {self.valid_from}, found {self.valid_to}")
        return self

    def holds(self, at: date) -> bool:
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


class NegotiatedRate(Dated):
    """A unit price instead of the list's, for one class, tier and region of one model."""

    model: str
    class_: str = Field(alias="class")
    usd_per_million: Amount | None = None
    usd_each: Amount | None = None
    per_million: Amount | None = None
    each: Amount | None = None
    currency: Currency = "USD"
    service_tier: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")] = "standard"  #: as the logs name it
    region: str | None = None
    input_over: Annotated[int, Field(ge=0)] | None = None  #: only for requests of more input tokens than this
    source: str | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> NegotiatedRate:
        if self.class_ not in KNOWN_CLASSES:
            raise ValueError(f"expected a class such as input, cache_read or output, found {self.class_!r}")
        given = [n for n in ("usd_per_million", "usd_each", "per_million", "each") if getattr(self, n) is not None]
        if self.currency == "USD":
            if len(given) != 1 or not given[0].startswith("usd_"):
                raise ValueError(
                    "expected one of usd_per_million and usd_each (or a currency beside per_million or each)"
                )
            self.price()
        elif len(given) != 1 or given[0].startswith("usd_"):
            raise ValueError(f"expected one of per_million and each beside currency: {self.currency}")
        return self

    @property
    def region_key(self) -> str:
        key = (self.region or "").strip().lower()
        return "" if key in STANDARD_REGIONS else key

    def price(self, quote: Quote | None = None) -> Price:
        """Dollars a unit; `quote` is the exchange rate of the day for a rate in another currency."""
        million = self.usd_per_million if self.usd_per_million is not None else self.per_million
        amount = self.usd_each if self.usd_each is not None else self.each
        each = million / 1_000_000 if million is not None else amount or Decimal(0)
        text = f"contract: {self.source or 'rates.yaml'}"
        if quote is not None:
            each = (each / quote.per_usd).quantize(CARD_PLACES, ROUND_HALF_EVEN)
            text += f", {self.currency} at {quote.per_usd} ({quote.day})"
        if each >= (_DEAREST_TOKEN if self.class_ in TOKEN_CLASSES else _DEAREST):
            raise ValueError(f"expected the price of one {self.class_}, found {each} USD: is it that of a million?")
        return Price(((-1, each.quantize(UNIT_PLACES, ROUND_HALF_EVEN).normalize()),), text)


class Discount(Dated):
    """Percent off all classes of the models it names; less than nothing off is a marketplace's mark-up."""

    model: str = "*"
    percent: Annotated[Decimal, BeforeValidator(_decimal_string), Field(ge=-100, le=100, decimal_places=6)]
    source: str | None = None

    @property
    def said(self) -> str:
        name = f" ({self.source})" if self.source else ""
        return f"{self.percent}% off{name}" if self.percent >= 0 else f"{-self.percent}% mark-up{name}"


class DeploymentAlias(Dated):
    """The model that a deployment's name means."""

    alias: str
    model: str


class Provisioned(Dated):
    """Capacity at a fixed price per period, whatever runs on it."""

    name: Annotated[str, Field(min_length=1)]
    model: str
    region: str | None = None
    cost_usd: Amount | None = None
    cost: Amount | None = None
    currency: Currency = "USD"
    period: Literal["hour", "day", "month"]

    @model_validator(mode="after")
    def _one_cost(self) -> Provisioned:
        _one_of(self.cost_usd, self.cost, self.currency, "cost")
        return self

    @property
    def amount(self) -> Decimal:
        """A period's price, in `currency`."""
        return (self.cost_usd if self.cost_usd is not None else self.cost) or Decimal(0)


class Commitment(Dated):
    """A least spend per period: what is not used of it is owed when the period is over."""

    name: Annotated[str, Field(min_length=1)]
    amount_usd: Amount | None = None
    amount: Amount | None = None
    currency: Currency = "USD"
    period: Literal["month", "quarter", "year", "term"]
    models: tuple[str, ...] = ("*",)

    @model_validator(mode="after")
    def _whole_periods(self) -> Commitment:
        _one_of(self.amount_usd, self.amount, self.currency, "amount")
        if self.valid_from is None:
            raise ValueError("valid_from: required: the first day of the first period")
        if self.period == "term":
            if self.valid_to is None:
                raise ValueError("valid_to: required with period: term: the first day after it")
        elif self.valid_from.day > 28:
            raise ValueError(f"expected valid_from on the 1st to 28th, so that months repeat, found {self.valid_from}")
        elif self.valid_to and self.valid_to not in {end for _, end in self.periods(self.valid_to)}:
            raise ValueError(
                f"expected valid_to at the end of a {self.period} from {self.valid_from}, found {self.valid_to}"
            )
        return self

    @property
    def committed(self) -> Decimal:
        """A period's least spend, in `currency`."""
        return (self.amount_usd if self.amount_usd is not None else self.amount) or Decimal(0)

    def periods(self, until: date) -> Iterator[tuple[date, date]]:
        """(first day, first day after it) of the periods that begin before `until`, in order."""
        assert self.valid_from is not None
        start, number = self.valid_from, 0
        while start < until and (self.valid_to is None or start < self.valid_to):
            if self.period == "term":
                assert self.valid_to is not None
                end = self.valid_to
            else:
                number += 1
                end = _months_on(self.valid_from, number * _PERIOD_MONTHS[self.period])
            yield start, end
            start = end


def _one_of(dollars: Decimal | None, other: Decimal | None, currency: str, name: str) -> None:
    if (dollars is None) == (other is None) or (other is None) != (currency == "USD"):
        raise ValueError(f"expected {name}_usd, or {name} beside a currency other than USD")


def _months_on(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def day_before(day: date) -> date:
    return day - timedelta(days=1)
