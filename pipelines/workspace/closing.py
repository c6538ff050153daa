"""What the month close needs to know: thresholds, who bears unseen spend, costs that serve several workflows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipelines.workspace.words import Amount, Name, Share, Strict


class UnseenRule(Strict):
    """Which workflow bears what was billed to an account or key and never logged. Globs of `*` and `?`; all of them hold.

    `key`: the key's id, where the bill is told by keys.
    """

    provider: str = "*"
    account: Annotated[str, Field(min_length=1)] = "*"
    key: Annotated[str, Field(min_length=1)] = "*"
    workflow: Name

    @model_validator(mode="after")
    def _asks(self) -> UnseenRule:
        if self.account == self.key == "*":
            raise ValueError("expected account or key, with a pattern that not every bill matches")
        return self


class SharedCost(Strict):
    """A cost that serves several workflows (a gateway, a vector store), spread over them by a driver, as a second view."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    monthly_usd: Amount
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None  #: last day; the months of both ends count whole
    driver: Literal["requests", "tokens", "spend", "outcomes", "equal"] = "spend"


class Close(Strict):
    """The month close. A month is red when what no item explains is above both thresholds."""

    threshold_share: Share = 0.01
    threshold_usd: Amount = Decimal(5)
    unseen: tuple[UnseenRule, ...] = ()
    shared: tuple[SharedCost, ...] = ()
