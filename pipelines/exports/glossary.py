"""What the words of a workbook mean, for readers who have never seen Outlay."""

from __future__ import annotations

GLOSSARY = (
    ("Request", "One call to a model provider, as a log reports it."),
    ("Charge", "One priced quantity of a request: input, cache read, output, a tool call. Rounded once, to 12 places."),
    ("Workflow", "A named business process. Its unit is what it delivers: a document, a run, a decision."),
    ("Outcome", "A unit that came out good: completed, and not rejected afterwards. A later rejection counts −1 on its day."),
    ("Spend", "What requests cost by the rates in force, on the day of the request in the reporting zone. Failed attempts and retries are in it."),
    ("Cost per outcome", "All spend that a workflow's units bear in the period ÷ its good outcomes in the period. Empty where there are none."),
    ("Value", "What an outcome is worth as the workflow declares it. A workflow without a declared value has none and is not ranked."),
    ("Value per dollar", "Value ÷ spend, with a 90 % interval. Fewer than five outcomes are not ranked."),
    ("Unattributed", "Spend that no unit of a declared workflow bears: no workflow, an undeclared one, no unit, or a fixed cost that served nobody. Never spread silently."),
    ("Unattributed share", "Unattributed spend ÷ all spend of the period."),
    ("Allocation rate", "Of a chargeback dimension: spend that carries a value ÷ all spend of the month."),
    ("Unpriced", "A request with neither a known rate nor a recorded cost. It is counted and listed, and is in no sum; it is never 0."),
    ("Provisional", "A day so recent that outcomes of its work may still arrive."),
    ("Budget status", "over: more is spent than planned; at risk: the forecast is more than planned; on track: neither."),
    ("Forecast", "The month's spend as expected from mature days, with a 90 % interval."),
    ("Grade", "Of a recommendation: A from paired evaluations or a randomised share, B from live traffic with recorded difficulty, C anything else. Only A switches by itself."),
    ("Retention", "Quality of the recommended split ÷ quality of today's model."),
    ("Reconciliation", "Billed = metered + the items named; what is left unexplained is shown as such."),
    ("Restatement", "A published figure that late data or a changed workspace file has changed, with its cause."),
)  # fmt: skip
