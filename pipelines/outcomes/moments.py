"""Sums over units and of their products, exact: what the interval of a workflow's value per dollar is made from."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

MONEY = pl.Decimal(38, 12)
_AMOUNTS, _LIMB = ("value", "spend"), 31


class Moments(NamedTuple):
    """Sums over the units of one workflow, exact, in whole 10^-12 dollars and their squares."""

    n: int
    value: int
    spend: int
    value_value: int
    value_spend: int
    spend_spend: int


def moments(units: pl.DataFrame) -> dict[str, Moments]:
    """By workflow. Grain of `units`: one unit with a final status or spend in the period (workflow, spend, value; dollars;
    value 0 unless it became good, negative if it was taken back).

    Amounts are cut into limbs of 31 bits, as a product of two is too wide for any column: sums of products of limbs are
    not, and put together again they are the exact sums.
    """
    exact = units.select("workflow", *(pl.col(name).fill_null(0).cast(MONEY).to_physical() for name in _AMOUNTS))
    size = {name: _limbs(exact[name]) for name in _AMOUNTS}
    limbs = exact.select("workflow", *(_limb(name, place) for name, count in size.items() for place in range(count)))
    pairs = [("value", "value"), ("value", "spend"), ("spend", "spend")]
    sums = [pl.len().alias("n")]
    sums += [_sum(pl.col(f"{name}{i}")).alias(f"{name}{i}") for name, count in size.items() for i in range(count)]
    sums += [
        _sum(pl.col(f"{one}{i}") * pl.col(f"{other}{j}")).alias(f"{one}{i}{other}{j}")
        for one, other in pairs for i in range(size[one]) for j in range(size[other])
    ]  # fmt: skip
    result = {}
    for row in limbs.group_by("workflow").agg(sums).iter_rows(named=True):
        value, spend = (sum(row[f"{name}{i}"] << _LIMB * i for i in range(size[name])) for name in _AMOUNTS)
        squares = (
            sum(
                row[f"{one}{i}{other}{j}"] << _LIMB * (i + j)
                for i in range(size[one]) for j in range(size[other])
            )
            for one, other in pairs
        )  # fmt: skip
        result[row["workflow"]] = Moments(row["n"], value, spend, *squares)
    return result


def _limbs(amounts: pl.Series) -> int:
    """How many limbs hold each of some whole amounts."""
    widest = amounts.to_frame().select(pl.all().abs().max()).item() or 0
    return max(1, -(-widest.bit_length() // _LIMB))


def _limb(name: str, place: int) -> pl.Expr:
    amount = pl.col(name)
    limb = amount.abs() // (1 << _LIMB * place) % (1 << _LIMB)
    return (limb.cast(pl.Int64) * amount.sign().cast(pl.Int64)).alias(f"{name}{place}")


def _sum(column: pl.Expr) -> pl.Expr:
    return column.cast(pl.Int128).sum()
