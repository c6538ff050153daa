"""Data health: what was read and refused, what has no price or no owner, and what the last run warned of."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboards import formats, names, queries, records, shell
from dashboards.tables import table
from pipelines.rates.book import RateBook
from pipelines.rates.missing import lacks, rates_yaml

MOST = 20  #: alerts that are read as cards; more are a table
COLOURS: dict[str, shell.Colour] = {"high": "red", "medium": "orange"}

p = shell.shown()
zone = p.meta["timezone"]
first28, last28 = shell.ranked_period(p)
sources, refused, unpriced = records.sources(p), records.quarantine(p), records.unpriced(p)
reasons = records.refusals(p)
refusals = sum(row["times"] for row in reasons)
spent = queries.spend(p, first28, last28)
read = sum(row["records_read"] for row in sources)
no_price = [row for row in unpriced if row["cost_basis"] == "unpriced"]
nameless = queries.per(spent["unattributed_usd"], spent["spend_usd"])

published_at = datetime.fromisoformat(p.meta["published_at"])
run_time = formats.clock(published_at, zone).rsplit(", ", 1)[1]
parts = [f"{formats.count(read)} records read up to {formats.day(last28)}", f"{formats.count(refusals)} refused"]
parts.append(
    f"{formats.plural(sum(r['requests'] for r in no_price), 'request')} without a price"
    if no_price
    else "every request priced"
)
if spent["unattributed_usd"] is None:
    owner = "what belongs to no unit has no price"
elif nameless:
    owner = f"{formats.share(nameless)} of 28 days' spend belongs to no unit"
else:
    owner = "all of 28 days' spend belongs to a unit"
shell.heading(p, "Data health", f"{', '.join(parts)}; {owner}.", first28, last28)

with st.grid(4, min_column_width=150, gap="small"):
    shell.metric(
        "Data up to", formats.day(last28, year=False), f"since {formats.day(date.fromisoformat(p.meta['first_day']))}", delta_color="off",
        delta_arrow="off", border=True, height="stretch",
        help="As-of: the latest day that holds a request or an outcome. 'Today' and 'the last 28 days' hang on it.",
    )  # fmt: skip
    shell.metric(
        "Last run", formats.day(published_at.astimezone(ZoneInfo(zone)).date(), year=False), f"{run_time} {zone}", delta_color="off", delta_arrow="off", border=True, height="stretch",
        help=f"{formats.clock(published_at, zone)} {zone}, run {p.meta['run_id']}, rate book {p.meta['rate_book']}.",
    )  # fmt: skip
    shell.metric(
        "Unattributed", formats.money(spent["unattributed_usd"]), f"{formats.share(nameless)} of spend", delta_color="off", delta_arrow="off",
        border=True, height="stretch", help="Spend that no unit bears, kept by itself and never spread. Export: unattributed.",
    )  # fmt: skip
    shell.metric(
        "Without a price", formats.count(p.meta["summary"]["unpriced_requests"]), f"of {formats.count(p.meta['summary']['requests'])} requests",
        delta_color="off", delta_arrow="off", border=True, height="stretch",
        help="Requests for which neither a rate nor a recorded cost is known: their cost is unknown, not 0.",
    )  # fmt: skip

whole = all(
    row["records_read"] == row["stored"] + row["duplicate"] + row["superseded"] + row["quarantined"] for row in sources
)
shell.section(
    "Sources",
    "Every record is accounted for: read = stored + duplicate + superseded + quarantined."
    if whole
    else "Some records are not accounted for: read differs from stored + duplicate + superseded + quarantined.",
    help="Records of all files that runs have read, by source. A duplicate is the same record again; a superseded one is told better by "
    "another. Also: outlay check.",
)
table(
    [{**row, "last_seen": formats.clock(row["last_time"], zone)} for row in sources],
    ["source", "kind", "files", "records_read", "stored", "duplicate", "superseded", "quarantined", "refused_files", "last_seen"],
    key="sources", alt="Sources and what became of their records", download="sources", empty="No source has been read: outlay run",
)  # fmt: skip

covered = records.coverage(p, first28, last28)
if covered:
    short = {(row["day"], row["provider"]) for row in covered if row["share"] is not None and 100 * row["share"] < 95}
    shell.section(
        "Coverage",
        f"{formats.plural(len(short), 'day')} with a model of which the logs hold less than 95 %, in 28 days."
        if short
        else "The logs hold 95 % or more of what the providers report, for every day and model.",
        help="Providers' usage reports, days in UTC, against the requests in the logs. Export: coverage.",
    )
    table(
        [{**row, "model": row["model"] or "all models"} for row in covered],
        ["day", "provider", "model", "reported_tokens", "held_tokens", "share=covered"],
        key="coverage", alt="Tokens in the logs against the providers' usage reports", download="coverage-28-days",
    )  # fmt: skip


def often(row: dict) -> str:
    return f"{row['reason']} in {row['source']}, {formats.count(row['times'])} times"


shell.section(
    "Quarantine",
    f"{formats.plural(refusals, 'record or file', 'records or files')} refused; all others are unaffected."
    + (
        f" Most often: {formats.listing(often(row) for row in reasons[:3])}. Here are the first; all of them: outlay quarantine."
        if refusals > len(refused)
        else ""
    )
    if refused
    else None,
    help="What could not be read, with file, line and reason; texts and secrets in the excerpts are masked. All: outlay quarantine.",
)
table(
    [{**row, "where": row["file"] if row["line"] is None else f"{row['file']}, line {row['line']}"} for row in refused],
    ["where", "reason", "excerpt"], key="quarantine", alt="Refused lines with their reason", download="quarantine",
    empty="Nothing was refused.", widths={"where": 330, "reason": "large", "excerpt": "large"},
)  # fmt: skip

shell.section(
    "Models without a rate",
    f"{formats.plural(len(no_price), 'model')} without any price; {formats.plural(len(unpriced) - len(no_price), 'more')} counted at what the sender recorded."
    if unpriced
    else None,
    help="Requests of all days that no rate covers. Where the sender recorded a cost, that stands; else the cost is unknown, not 0. "
    "Also: outlay rates missing.",
)
table(
    unpriced,
    ["model", "provider", "cost_basis", "requests", "input_tokens", "output_tokens", "recorded_usd", "first_day", "last_day"],
    key="unpriced", alt="Models without a rate", download="unpriced_models", empty="Every model has a rate.",
)  # fmt: skip


def to_paste() -> str:
    """The lines that rates.yaml lacks, prices left to fill in."""
    return rates_yaml(lacks(unpriced, RateBook()))


if unpriced:
    with st.expander("The rates to add"):
        shell.say(
            "Put these lines into the file that rates.contract of outlay.yaml names, with prices and where they come from. Then:"
        )
        st.code(to_paste(), language="yaml", wrap_lines=True)
        st.code("outlay run", language="shell", wrap_lines=True)

without = queries.unattributed(p, first28, last28)
shell.section(
    "Spend without a unit",
    f"{formats.money(spent['unattributed_usd'])} of {formats.money(spent['spend_usd'])} in 28 days."
    if without
    else None,
    help="A request needs a declared workflow and a unit; the first reason that holds is given. Export: unattributed.",
)
table(
    without, ["reason=unattributed_reason", "workflow", "requests", "spend_usd"], key="unattributed",
    alt="Unattributed spend by reason", download="unattributed-28-days", empty="All spend belongs to a unit.",
)  # fmt: skip

rules = records.assign_rules(p)
if rules:
    idle = sum(row["requests"] == 0 for row in rules)
    shell.section(
        "Assign rules",
        f"{formats.plural(idle, 'rule')} of {len(rules)} caught nothing." if idle else "Every rule caught requests.",
        help="What each rule of outlay.yaml named, over all days: requests whose logs carry no workflow. Export: assign_rules.",
    )
    table(
        [{**row, "gives": " / ".join(filter(None, (row["workflow"], row["task_type"])))} for row in rules],
        ["rule", "match", "gives=rule_names", "requests", "spend_usd"], key="assign_rules", alt="What each assign rule caught",
        download="assign_rules",
    )  # fmt: skip


WORKFLOWS = ("drift", "shock", "budget")  #: alerts whose subject is a workflow's name


def about(row: dict) -> str:
    """What an alert is about; a name that has to be found in a file stays as it is written there."""
    return f"{names.alert(row['kind'])}: {names.human(row['subject']) if row['kind'] in WORKFLOWS else row['subject']}"


def said(row: dict) -> str:
    often = f" On {row['days']} days, last on {formats.day(row['day'])}." if row["days"] > 1 else ""
    return f"{names.dated(row['detail'][:1].upper() + row['detail'][1:])}.{often}"


warned = queries.alerts(p)
shell.section(
    "Alerts",
    f"{formats.plural(len(warned), 'thing')} to look at, severest first." if warned else None,
    help="Export: alerts.",
)
if len(warned) <= MOST:
    with st.grid(2, min_column_width=330, gap="small"):
        for row in warned:
            with st.container(border=True, height="stretch", gap="xsmall"):
                shell.badge(names.severity(row["severity"]), COLOURS.get(row["severity"], "gray"))
                shell.strong(about(row))
                shell.note(said(row))
table(
    [{**row, "what": about(row), "said": said(row)} for row in warned],
    ["what", "severity", "said"], key="alerts", alt="Alerts of the last run", download="alerts",
    empty="No alert.", shown=len(warned) > MOST,
)  # fmt: skip

changed = records.restatements(p)
shell.section("Restatements", help="Published figures that later data changed, and why. Export: restatements.")
table(
    [{**row, "published_at": formats.clock(row["published_at"], zone)} for row in changed],
    ["day", "workflow", "before_usd", "after_usd", "cause", "published_at"], key="restatements", alt="Restated figures",
    download="restatements", empty="No published figure has been restated.",
)  # fmt: skip
