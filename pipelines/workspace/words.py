"""The words that the whole of `outlay.yaml` is made of: names, amounts, shares, secrets by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME_PATTERN = r"^[A-Za-z0-9._-]{1,63}$"


Name = Annotated[str, Field(pattern=NAME_PATTERN)]


Secret = Annotated[str, Field(pattern=r"^os\.environ/[A-Za-z_][A-Za-z0-9_]*$")]  #: the name of an environment variable


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def exact(value: Any) -> Any:
    """Amounts are decimal strings or numbers as YAML spelt them; a float would already have lost the end."""
    if isinstance(value, bool):
        raise ValueError('expected an amount such as "6.50", found true or false')
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


Amount = Annotated[Decimal, BeforeValidator(exact), Field(ge=0, max_digits=28, decimal_places=12)]


Share = Annotated[float, Field(ge=0, le=1)]
