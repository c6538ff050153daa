"""What the page of the month close says in words: its first line, its four figures, and the step that closes the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dashboards import formats, names, queries
from dashboards.months import ALL, UNEXPLAINED, Sums
from dashboards.queries import Rows
from pipelines.close.closing import Obstacle

NO_BILL = "no bill"


@dataclass(frozen=True)
class Said:
    """A month as far as the reader asks: of all providers, or of one. `signed`: its record in force, None while open."""

    month: str
    last: date  #: its last day
    as_of: date
    provider: str
    whole: Sums
    hindrances: Mapping[str, Obstacle]
    signed: Mapping[str, Any] | None
    late: Rows
    accrued: str | None  #: file of its accrual

    @property
    def named(self) -> str:
        return names.month(self.month)

    def sentence(self) -> str:
        """The answer in one line."""
        of = "" if self.provider == ALL else f" by {names.provider(self.provider)}"
        whole = self.whole
        if not whole.has_bill:
            return (
                f"No bill{of} for {self.named} is here: {formats.money(whole.metered)} metered, and nothing to hold it "
                "against."
            )
        figures = f"{formats.money(whole.billed)} billed{of} and {formats.money(whole.metered)} metered"
        if self.signed:
            if self.provider == ALL:
                then, meter = (formats.money(self.signed[name]) for name in ("billed_usd", "metered_usd"))
                figures = f"{then} billed and {meter} metered"
            since = f"; {formats.plural(len(self.late), 'figure')} changed since" if self.late else ""
            day = formats.day(self.signed["signed_day"], year=False)
            return f"{self.named} is closed at {figures}, signed by {self.signed['by']} on {day}{since}."
        return f"{self.named}: {figures}; {self._gap()}, and {self._state()}."

    def _gap(self) -> str:
        found = [item for item, amount in self.whole.items.items() if amount and item != UNEXPLAINED]
        if UNEXPLAINED in self.whole.items:
            return f"{formats.money(abs(self.whole.unexplained))} of the difference has no name"
        if not found:
            return "they are the same to the last digit"
        return f"{formats.plural(len(found), 'named difference')} explain{'s' if len(found) == 1 else ''} every cent between them"

    def _state(self) -> str:
        if self.as_of < self.last:
            return "the month isn't over"
        if "open" in self.whole.statuses:
            return "the bill isn't complete"
        if "red" in self.whole.statuses:
            return "the month is red"
        return "not every bill is here" if NO_BILL in self.hindrances else "the month can be closed"

    def tiles(self, sources: int, unseen_usd: Decimal) -> list[tuple[str, str, str, bool, str]]:
        """Label, figure, what stands below it, whether that is bad, and how it is known."""
        whole, red = self.whole, "red" in self.whole.statuses
        without = f"{formats.money(whole.without_bill)} without a bill" if whole.without_bill else "from the logs"
        rest = "over the limit" if red else "within the limit" if whole.unexplained else "all explained"
        share = (
            f"{formats.share(queries.per(unseen_usd, whole.billed))} of the bill" if unseen_usd else "all in the logs"
        )
        found = [
            (
                "Billed", whole.billed, formats.plural(sources, "source"), False,
                "What the providers charge for the month, by their own reports or invoices. Export: reconciliation.",
            ),
            (
                "Metered", whole.metered, without, False,
                "What the ledger holds: every logged call at the rate in force, fixed costs included. Export: reconciliation.",
            ),
            (
                "Without a name", abs(whole.unexplained), rest, red,
                "What no residual explains. Red above both thresholds of close: in outlay.yaml. Export: reconciliation, "
                "item unexplained.",
            ),
            (
                "Never logged", unseen_usd, share, False,
                "Calls that the bill holds and the logs don't; never mixed with the cost of outcomes. Export: unseen_spend.",
            ),
        ]  # fmt: skip
        known = [whole.has_bill or label == "Metered" for label, *_ in found]
        return [
            (
                label,
                formats.brief_money(usd) if sure else formats.UNKNOWN,
                part if whole.has_bill else NO_BILL,
                bad,
                how,
            )
            for sure, (label, usd, part, bad, how) in zip(known, found, strict=True)
        ]

    def step(self) -> tuple[str, str]:
        """What stands between the month and its close, and the command."""
        close = f"outlay close --month {self.month}"
        if self.signed and not self.late:
            return f"Closed as {self.signed['file']}; closing it again changes nothing.", close
        if self.signed:
            return (
                "Book the adjustments below in the next month; or sign the month anew, as an amendment:",
                f"{close} --amend",
            )
        if self.as_of < self.last:
            return (
                f"The ledger reaches to {formats.day(self.as_of)}; {self.named} can be closed when it holds its last day.",
                "outlay run",
            )
        if not self.hindrances:
            return "Freeze the figures, the rate book and the input files in a signed record:", close
        if NO_BILL not in self.hindrances:
            why = "is above the threshold" if "red" in self.hindrances else "may grow: the bill isn't complete"
            return (
                f"What has no name {why}. Find it in the tables above, or sign with the reason:",
                f'{close} --accept-unexplained "REASON"',
            )
        before = f"Accrued as {self.accrued}. " if self.accrued else ""
        who = formats.listing([names.provider(name) for name in self.hindrances[NO_BILL].providers])
        return (
            f"{before}The bill{f' of {who}' if who else ''} is missing. Until it comes, accrue what is metered and what "
            "usually never was logged:",
            f"{close} --accrual",
        )
