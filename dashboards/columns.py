"""The one home for columns: how each is titled, written and explained, whichever table shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboards import formats, names


@dataclass(frozen=True)
class Column:
    """How one column is titled and written. The unit stands in the title, so cells are bare numbers."""

    title: str
    text: Callable[[Any], str]
    number: bool = False
    help: str | None = None
    day: bool = False


def _bare_money(value: Any) -> str:
    return formats.money(value, sign=False)


def _bare_unit_cost(value: Any) -> str:
    return formats.unit_cost(value, sign=False)


def _text(value: Any) -> str:
    return formats.UNKNOWN if value is None or value == "" else str(value)


def _yes(value: Any) -> str:
    return "provisional" if value else ""


COLUMNS: dict[str, Column] = {
    "workflow": Column("Workflow", names.human),
    "task_type": Column("Task type", names.human),
    "unit": Column("Unit", _text),
    "unit_id": Column("Unit", _text),
    "day": Column("Day", formats.day, day=True),
    "charge_day": Column("Day", formats.day, day=True),
    "first_day": Column("First day", formats.day, day=True),
    "last_day": Column("Last day", formats.day, day=True),
    "outcome_day": Column("Good on", formats.day, help="The day on which the unit last became good.", day=True),
    "rank": Column("Rank", formats.count, True, "1 is best, by the lower end of the interval."),
    "band": Column("Band", formats.count, True, "Neighbours that the data can't tell apart share a band."),
    "outcomes": Column("Outcomes", formats.count, True, "Units that came out good, less those rejected afterwards."),
    "failed_units": Column("Failed", formats.count, True, "Units with a failed event that aren't good at the end of their day."),
    "requests": Column("Requests", formats.count, True, "Calls to model providers."),
    "attempts": Column("Attempts", formats.count, True, "Tries at this unit."),
    "spend_usd": Column("Spend, $", _bare_money, True, "Exact sum of the charges, at the rate in force at each call."),
    "failure_spend_usd": Column(
        "Failures, $", _bare_money, True, "The part of spend borne by failed and rejected units, failed attempts and errors."
    ),
    "unit_spend_usd": Column("Spend, $", _bare_unit_cost, True, "What this unit bears of all charges, shared ones in part."),
    "cost_per_outcome_usd": Column(
        "Cost per outcome, $", _bare_unit_cost, True, "All spend of the period ÷ its good outcomes; failures and retries included."
    ),
    "cost_7d_usd": Column("7-day cost per outcome, $", _bare_unit_cost, True, "Spend of seven days ÷ outcomes of seven days."),
    "provisional": Column("", _yes, help="Outcomes of these days may still arrive."),
    "spend_share": Column("Share of spend", formats.share, True, "Of all spend of the period, unattributed included."),
    "value_usd": Column("Value, $", _bare_money, True, "As the workflow declares it in outlay.yaml."),
    "value_per_usd": Column("Value per $", _bare_money, True, "Value ÷ spend. Below 1.00 the work costs more than it is worth."),
    "low": Column("From (90 %), $", _bare_money, True, "Lower end of the 90 % interval."),
    "high": Column("To (90 %), $", _bare_money, True, "Upper end of the 90 % interval."),
    "break_even_value_usd": Column(
        "Break-even value, $", _bare_unit_cost, True, "What one outcome must be worth for the spend to pay."
    ),
    "note": Column("Note", _text),
    "provider": Column("Provider", _text),
    "model": Column("Model", _text),
    "tier": Column("Tier", names.human),
    "status": Column("Status", names.human),
    "attempt_id": Column("Attempt", _text),
    "sku": Column("Charge", names.human, help="The token class or tool that was charged."),
    "quantity": Column("Quantity", formats.count, True),
    "unit_price_usd": Column("Rate, $ per 1M", formats.rate, True, "The rate in force at the moment of the call."),
    "amount_usd": Column("Amount, $", _bare_unit_cost, True),
    "rate_source": Column("Rate from", _text),
    "cost_usd": Column("Cost, $", _bare_unit_cost, True, "Sum of the request's charges."),
    "cost_basis": Column("Basis", names.human, help="Computed from the rate book, recorded by the sender, or unpriced."),
    "input_tokens": Column("Input tokens", formats.tokens, True, "Cache reads and writes included."),
    "output_tokens": Column("Output tokens", formats.tokens, True, "Reasoning included."),
    "shared_by": Column("Units served", formats.count, True, "How many units this request served; each bears its share."),
    "latency_s": Column("Seconds", formats.seconds, True),
    "decision": Column("Decision", lambda v: names.DECISIONS.get(v, names.human(v))),
    "today": Column("Today", names.model, help="The model that serves this task type: the most spend in the last 28 days."),
    "proposed": Column("Proposed", _text, help="Which model serves which share of the requests."),
    "retention_said": Column(
        "Quality kept (90 %)", _text, help="Expected quality of the proposed mix ÷ quality of today's model, and the interval that holds it."
    ),
    "saving_said": Column("Saving (90 %)", _text, help="Share of this task type's cost, and the interval that holds it."),
    "saving_usd_month": Column("Saving, $ a month", _bare_money, True, "At the traffic of the last 28 days."),
    "items": Column("Pairs", formats.count, True, "Items answered by both models and marked."),
    "grade": Column(
        "Grade", _text, help="A: paired evaluations or a randomised share. B: live traffic with comparable difficulty. C: anything else."
    ),
    "stratum": Column("Stratum", names.human, help="The difficulty recorded with the request, before it was answered."),
    "requests_share": Column("Share of traffic", formats.share, True, "Of the task type's requests, 28 days."),
    "moved_share": Column("Share moved", formats.share, True, "Of the stratum's requests, to another model than today's."),
    "reason": Column("Reason", _text),
    "unattributed_reason": Column("Reason", names.reason),
    "source": Column("Source", _text),
    "kind": Column("Kind", _text),
    "alert_kind": Column("What", names.alert),
    "severity": Column("Severity", lambda v: names.SEVERITIES.get(v, names.human(v))),
    "what": Column("What", _text),
    "said": Column("Detail", _text),
    "where": Column("Where", _text),
    "subject": Column("Subject", _text),
    "detail": Column("Detail", _text),
    "files": Column("Files", formats.count, True),
    "rule": Column("Rule", formats.count, True, "The first rule that matches names the workflow of a request without a tag."),
    "match": Column("Matches", _text, help="Conditions of the rule; all of them hold."),
    "rule_names": Column("Gives", _text, help="The workflow, and the task type, that the rule names."),
    "reported_tokens": Column("Reported tokens", formats.tokens, True, "What the provider's usage report says of the day."),
    "held_tokens": Column("Tokens in the logs", formats.tokens, True, "What the requests of the day add up to."),
    "covered": Column("Covered", formats.share, True, "Tokens in the logs ÷ tokens reported. Under 95 % an alert is raised."),
    "refused_files": Column("Refused files", formats.count, True),
    "records_read": Column("Read", formats.count, True, "Read = stored + duplicate + superseded + quarantined."),
    "stored": Column("Stored", formats.count, True),
    "duplicate": Column("Duplicate", formats.count, True, "The same record again."),
    "superseded": Column("Superseded", formats.count, True, "The same call, better told by another record or source."),
    "quarantined": Column("Quarantined", formats.count, True, "Refused, with file, line and reason."),
    "last_seen": Column("Last record", _text),
    "when": Column("Time", _text),
    "file": Column("File", _text),
    "line": Column("Line", _text, True),
    "excerpt": Column("Excerpt", _text, help="The start of the line, secrets and texts masked."),
    "missing": Column("Missing rate", names.missing_rates),
    "recorded_usd": Column("Recorded, $", _bare_money, True, "What the sender says it cost; used because no rate is known."),
    "before_usd": Column("Before, $", _bare_money, True),
    "after_usd": Column("After, $", _bare_money, True),
    "published_at": Column("Published", _text),
    "cause": Column("Cause", names.human),
    "days": Column("Days", formats.count, True),
    "before_cost_usd": Column("Last week, $ per outcome", _bare_unit_cost, True),
    "after_cost_usd": Column("This week, $ per outcome", _bare_unit_cost, True),
    "effect_usd": Column("Effect, $", _bare_money, True, "Last week's outcomes × the change of their cost."),
    "dear_usd": Column("Dearer than needed, $", _bare_money, True, "Spend on models of a higher tier than the task type is declared to need."),
    "alarm_kind": Column("What", names.alarm, help="A lasting change, or a single day out of its range."),
    "detected_day": Column("Raised", formats.day, day=True),
    "since_day": Column("Since", formats.day, help="The first day that counts towards it.", day=True),
    "closed_day": Column("Closed", formats.day, day=True),
    "usual_cost_usd": Column("Usual, $ per outcome", _bare_unit_cost, True, "Cost per outcome on the baseline's days that compare."),
    "new_cost_usd": Column("Then, $ per outcome", _bare_unit_cost, True, "Cost per outcome on the days that raised it."),
    "change": Column("Change", formats.change, True, "Against the baseline; up is dearer."),
    "month_usd": Column("A month, $", _bare_money, True, "The change at a month of present outcomes."),
    "alarm_status": Column("Status", names.status),
    "acknowledged_by": Column("Acknowledged by", _text),
    "minimum_detectable": Column("Smallest found", formats.share, True, "The rise that raises an alarm within a week in four cases of five."),
    "phase": Column("Judged", names.human),
    "expected_usd": Column("Expected, $", _bare_unit_cost, True, "The baseline's level on such a weekday."),
    "low_usd": Column("Range from, $", _bare_unit_cost, True),
    "high_usd": Column("Range to, $", _bare_unit_cost, True, "A day outside this range raises an alarm."),
    "factor": Column("Factor", names.factor),
    "contributor_said": Column("Contributor", _text),
    "moved_usd": Column("Effect, $ per outcome", _bare_unit_cost, True, "Its part in the change of the cost per outcome; the parts add up to it exactly."),
    "moved_said": Column("Direction", _text),
    "budget_for": Column("Budget for", _text),
    "month": Column("Month", names.month),
    "budget_usd": Column("Planned, $", _bare_money, True, "Of a month, as outlay.yaml says."),
    "spend_to_date_usd": Column("Spent, $", _bare_money, True, "All spend that carries the name, whether a unit bears it or not."),
    "forecast_usd": Column("Forecast, $", _bare_money, True, "What the whole month will cost; for a past month what it cost."),
    "forecast_low_usd": Column("Forecast from, $", _bare_money, True, "Lower end of the 90 % interval."),
    "forecast_high_usd": Column("Forecast to, $", _bare_money, True, "Upper end of the 90 % interval."),
    "used": Column("Used", formats.share, True, "Spent ÷ planned."),
    "run_out_day": Column("Runs out", formats.day, help="The first day that ends above the budget, spent or forecast.", day=True),
    "budget_status": Column("Status", names.status),
    "per_outcome_budget_usd": Column("Planned, $ each", _bare_unit_cost, True, "What one outcome may cost, as outlay.yaml says."),
    "month_cost_usd": Column("Costs, $ each", _bare_unit_cost, True, "Cost per outcome over the month's mature days."),
    "per_outcome_status": Column("Per outcome", names.status, help="Over the month's mature days."),
    "outcomes_7d": Column("7-day outcomes", formats.count, True),
    "lifetime_median_usd": Column("Median unit, $", _bare_unit_cost, True, "Half of the units that became good that day cost no more over their whole life."),
    "lifetime_p95_usd": Column("95 % of units, $", _bare_unit_cost, True, "19 of 20 units that became good that day cost no more over their whole life."),
    "failure_load_7d_usd": Column("7-day failure load, $", _bare_unit_cost, True, "What failures add to the cost of one good outcome, over seven days."),
    "age": Column("Age", _text, help="Days since the first request."),
    "units": Column("Units", formats.count, True),
    "awaiting_acceptance": Column("Await acceptance", formats.count, True, "Completed, not accepted yet."),
    "oldest_day": Column("Oldest", formats.day, day=True),
    "task_said": Column("Task type", _text),
    "finding": Column("Finding", _text),
    "inferred_kind": Column("Looks like", names.human, help="Inferred from sizes alone; never evidence for a switch."),
    "usual_tier": Column("Such work needs", names.human),
    "approved_by": Column("Approved by", _text),
    "guard_said": Column("Guard", _text),
    "says": Column("What the records say", _text),
    "decision_status": Column("Status", names.status),
    "moved_to": Column("Moved", _text, help="The share of the requests that the change has moved so far."),
    "promised_usd": Column("Promised, $ a month", _bare_money, True, "What was approved, for the shares in force so far."),
    "realised_usd": Column("Realised, $ a month", _bare_money, True, "On outcomes that happened, at today's prices, rework included."),
    "realised_low": Column("From, $", _bare_money, True, "Lower end of the 90 % interval."),
    "realised_high": Column("To, $", _bare_money, True, "Upper end of the 90 % interval."),
    "outcomes_moved": Column("Outcomes moved", formats.count, True, "Good outcomes that the new tier brought."),
    "half_within": Column("Half within, s", formats.seconds, True, "Median of the answered requests."),
    "most_within": Column("95 % within, s", formats.seconds, True, "19 of 20 answered requests took no longer."),
    "error_rate": Column("Failed", formats.share, True, "Requests that ended in an error."),
    "needed": Column("Needs", names.human, help="The tier of the declared capability."),
    "bill_provider": Column("Provider", names.provider),
    "account": Column("Account", _text, help="The bill's project, workspace or billing account; empty where the logs can't tell it."),
    "api_key": Column("Key", _text, help="The key's id, where the bill is told by keys."),
    "close_status": Column("Status", names.close_status, help="Reconciled: what has no name is within the threshold of close: in outlay.yaml."),
    "billed_usd": Column("Billed, $", _bare_money, True, "What the provider charges, by its report or invoice."),
    "metered_usd": Column("Metered, $", _bare_money, True, "What the ledger holds: every logged call at the rate in force, fixed costs included."),
    "difference_usd": Column("Difference, $", _bare_money, True),
    "unexplained_usd": Column("Without a name, $", _bare_money, True, "What no residual explains."),
    "bill_source": Column("Bill from", _text, help="The source whose bill counts for the month; no other is added to it."),
    "residual": Column("Difference", lambda v: names.residual(v)[0]),
    "residual_usd": Column("Amount, $", _bare_money, True, "Billed = metered + all of these."),
    "unseen_workflow": Column("Borne by", names.human, help="The workflow that bears it; nobody where nothing maps the account."),
    "unseen_method": Column("Because of", lambda v: names.METHODS.get(v, names.human(v))),
    "unseen_basis": Column("Known by", names.human, help="The bill names the account, or several accounts share what is missing."),
    "unseen_usd": Column("Never logged, $", _bare_money, True, "Billed calls that no log holds."),
    "charged_to": Column("Charged to", _text),
    "charged_share": Column("Share", formats.share, True, "Of all spend of the month."),
    "unattributed_usd": Column("Carries no value, $", _bare_money, True),
    "allocation_rate": Column("Allocation rate", formats.share, True, "Spend that carries a value ÷ all spend of the month."),
    "shared_workflow": Column("Workflow", names.human),
    "shared_name": Column("Shared cost", _text),
    "driver": Column("Spread by", _text),
    "direct_usd": Column("Direct, $", _bare_money, True, "What the workflow's units bear of requests."),
    "shared_usd": Column("Shared, $", _bare_money, True, "Its part of the shared cost."),
    "full_usd": Column("Full, $", _bare_money, True, "Direct and its parts of all shared costs of the month."),
    "closed_month": Column("Closed month", names.month),
    "found_in": Column("Booked in", names.month),
    "closed_usd": Column("As closed, $", _bare_money, True),
    "now_usd": Column("Today, $", _bare_money, True),
    "signed_by": Column("Signed by", _text),
    "signed_day": Column("Signed on", formats.day, day=True),
    "accepted": Column("Accepted because", _text, help="Why an unexplained rest or an incomplete bill was accepted."),
}  # fmt: skip
