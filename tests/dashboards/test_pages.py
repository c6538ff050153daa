"""Every page says what the marts hold: sentences and table values against queries of the tests' own."""

import json
import re
import shutil
from datetime import date, timedelta
from decimal import Decimal as D
from fractions import Fraction

from dashboards import formats
from dashboards.names import human, within
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import cents, frame, frames, metrics, rows, said, title

PAGES = ("this_week", "cost", "value", "changes", "split", "budgets", "health")
NB = "\u00a0"
WEEK = "select workflow, sum(spend_usd), sum(outcomes) from daily_cost where day between $a and $b group by all"


def percent(value: Fraction | D) -> str:
    whole = round(Fraction(value) * 100)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{abs(whole)}{NB}%"


def test_this_week_tells_what_the_same_outcomes_cost(show, sample, published):
    as_of = date.fromisoformat(published.meta["as_of"])
    monday = as_of - timedelta(days=(as_of.weekday() + 1) % 7 + 6)
    now = {w: (Fraction(s), n) for w, s, n in rows(published, WEEK, a=monday, b=monday + timedelta(days=6))}
    then = {
        w: (Fraction(s), n)
        for w, s, n in rows(published, WEEK, a=monday - timedelta(days=7), b=monday - timedelta(days=1))
    }
    assert set(now) == set(then)
    before = sum(s for s, _ in then.values())
    after = sum(then[w][1] * now[w][0] / now[w][1] for w in then)
    at = show(sample)
    value, delta = metrics(at)["Like for like"]
    assert value == percent(after / before - 1)
    assert delta == f"{'-' if after < before else '+'}${abs(float(after - before)):.2f} a week"
    change = percent(abs(after / before - 1)).lstrip("+")
    assert title(at).startswith(
        f"The same outcomes cost {change} {'less' if after < before else 'more'} than the week before; "
    )
    spent, delivered = ([sum(one[n] for one in side.values()) for side in (then, now)] for n in (0, 1))
    costs = [formats.unit_cost(D(str(float(usd / count)))) for usd, count in zip(spent, delivered, strict=True)]
    assert f"An outcome of all workflows together cost {costs[0]} in week 44 and {costs[1]} in week 45" in said(at)
    table = {row["Workflow"]: row for row in frame(at, "Last week, $ per outcome")}
    assert set(table) == {human(w) for w in then}
    for w in then:
        assert abs(Fraction(table[human(w)]["This week, $ per outcome"]) - now[w][0] / now[w][1]) < Fraction(1, 10**12)


def test_this_week_shows_the_open_alarm_and_what_could_be_seen(show, sample, published):
    [(workflow, kind, change)] = rows(published, "select workflow, kind, change from drift where status = 'open'")
    assert (workflow, kind) == ("claims_decision", "drift")
    at = show(sample)
    assert metrics(at)["Drift"] == ("1 alarm", f"{percent(change)}, claims decision")
    [tile] = [m for m in at.metric if m.label == "Drift"]
    assert "Contract review from 2" in formats.unplain(tile.help)
    assert "An alarm is open for Claims decision: find the cause, or accept the new level" in said(at)
    assert f"Claims decision costs {percent(change).lstrip('+')} more per outcome since " in said(at)
    steps = {formats.unplain(link.label): link.proto.query_string for link in at.page_link}
    assert next(q for label, q in steps.items() if "See and acknowledge" in label) == "workflow=Claims+decision"
    assert next(q for label, q in steps.items() if "See the forecast" in label) == "budget=Claims+decision"


def test_this_week_names_the_dear_spend_on_cheap_tasks(show, sample, published):
    spend = rows(
        published,
        "select coalesce(sum(spend_usd), 0), coalesce(sum(spend_usd) filter (tier = 'frontier' and (workflow, task_type) in "
        "(('contract_review', 'clause_extraction'), ('internal_reporting', 'drafting'), ('internal_reporting', 'data_summary'))), 0) "
        "from task_cost where day between $a and $b",
        a=date(2026, 11, 2), b=date(2026, 11, 8),
    )  # fmt: skip
    ((total, above),) = spend
    at = show(sample)
    assert metrics(at)["Above need"] == (
        percent(above / total).lstrip("+"),
        f"{cents(above)} of {cents(total)}",
    )
    assert f"No: {cents(above)} of {cents(total)} ran on a higher tier than declared" in said(at)


def test_this_week_ends_with_the_bottom_of_the_ranking(show, sample, published):
    ((workflow, unit, share, value, low, high, even),) = rows(
        published,
        "select workflow, unit, spend_share, value_per_usd, low, high, break_even_value_usd from value_ranking order by rank desc limit 1",
    )
    at = show(sample)
    assert metrics(at)["Lowest return per $"] == (
        cents(value),
        f"{percent(share).lstrip('+')} of spend, {within(workflow)}",
    )
    assert title(at).endswith(f"; {within(workflow)} returns {cents(value)} per dollar.")
    assert (
        f"{human(workflow)} took {percent(share).lstrip('+')} of spend and returned {cents(value)} per dollar (90 %: {cents(low)} to {cents(high)}). "
        f"One {unit} must be worth {formats.unit_cost(even)} to break even."
    ) in said(at)


def test_this_week_lists_every_recommendation_that_waits(show, sample, published):
    text = said(show(sample))
    waiting = [r for r in published.recommendations["recommendations"] if r["decision"] != "keep"]
    assert len(waiting) >= 2
    for item in waiting:
        verb = "Switch" if item["decision"] == "switch" else "Run an experiment on"
        assert f"{verb} {within(item['task_type'])} ({within(item['workflow'])})" in text


def test_cost_per_outcome_is_spend_over_good_outcomes(show, sample, published):
    totals = rows(
        published,
        "select workflow, unit, spend_usd, outcomes, failure_spend_usd from workflow_totals order by spend_usd desc",
    )
    at = show(sample, "cost")
    parts = [
        f"one {unit}{' costs' if n == 0 else ''} {formats.unit_cost(s / k)}"
        for n, (_, unit, s, k, _) in enumerate(totals)
    ]
    sentence = f"{', '.join(parts[:-1])} and {parts[-1]}"
    lost = sum(t[4] for t in totals) / sum(t[2] for t in totals)
    assert title(at) == f"O{sentence[1:]}; {percent(lost).lstrip('+')} of the spend goes into failures."
    workflow, unit, spend, outcomes, _ = totals[0]
    assert f"{human(workflow)}: {formats.unit_cost(spend / outcomes)} a {unit} over 28 days" in said(at)


def test_the_chosen_workflow_lives_in_the_address(show, sample, published):
    at = show(sample, "cost", workflow="Claims decision")
    assert "Claims decision: " in at.header[0].value.replace("\\", "")
    days = frame(at, "7-day cost per outcome, $")
    wanted = rows(
        published,
        "select day, outcomes, spend_usd, cost_per_outcome_usd, provisional from daily_cost where workflow = 'claims_decision' order by day desc",
    )
    assert [(r["Day"], r["Outcomes"], r["Spend, $"], r["Cost per outcome, $"]) for r in days] == [
        row[:4] for row in wanted
    ]
    assert [r[" "] for r in days] == ["provisional" if row[4] else "" for row in wanted]


def test_another_workflow_forgets_the_chosen_unit(show, sample, published):
    ((unit_id,),) = rows(published, "select unit_id from outcome_cost where workflow = 'claims_decision' limit 1")
    at = show(sample, "cost", workflow="Claims decision", unit=unit_id)
    assert f"Decision {unit_id}: " in said(at)
    at.segmented_control(key="workflow").set_value("customer_records").run()
    assert at.text_input(key="unit").value == ""
    assert "Customer records has no" not in said(at)


def test_an_unknown_workflow_in_the_address_shows_the_first(show, sample):
    at = show(sample, "cost", workflow="' OR 1=1 --")
    assert not at.exception
    assert "Internal reporting: " in at.header[0].value.replace("\\", "")


def test_the_units_are_the_dearest_first(show, sample, published):
    at = show(sample, "cost", workflow="Customer records")
    dearest = rows(
        published,
        "select unit_id, attempts, requests, spend_usd from outcome_cost where workflow = 'customer_records' "
        "order by spend_usd desc, unit_id limit 25",
    )
    table = frame(at, "Good on")
    assert [(r["Unit"], r["Attempts"], r["Requests"], r["Spend, $"]) for r in table] == dearest


def test_one_unit_shows_its_requests_in_time_order_and_the_charges_that_priced_them(show, sample, published):
    ((unit_id, spend, requests, attempts),) = rows(
        published,
        "select unit_id, spend_usd, requests, attempts from outcome_cost where workflow = 'internal_reporting' and status = 'good' "
        "and attempts > 1 order by spend_usd desc limit 1",
    )
    at = show(sample, "cost", workflow="Internal reporting", unit=unit_id)
    assert f"Report {unit_id}: {formats.unit_cost(spend)}" in said(at)
    calls, charges = frame(at, "Attempt", "Basis"), frame(at, "Rate, $ per 1M")
    assert len(calls) == requests
    assert len({c["Attempt"] for c in calls}) == attempts
    assert sum(c["Cost, $"] for c in calls) == spend
    assert sum(c["Amount, $"] for c in charges) == spend
    assert [c["Time"] for c in calls] == sorted((c["Time"] for c in calls), key=lambda t: t[-8:])
    assert all(c["Rate from"] for c in charges)


def test_a_shared_request_says_how_many_units_it_served(show, sample, published):
    with published.connect(
        {
            "shared": (
                f"select units from read_parquet({[str(f) for f in published.segments('requests')]}) where len(units) > 1 "
                "and workflow = 'contract_review' limit 1",
                {},
            )
        }
    ) as con:
        ((units,),) = con.execute("from memory.shared").fetchall()
    at = show(sample, "cost", workflow="Contract review", unit=units[0])
    assert "Some requests served several units; this one bears its share of them." in said(at)
    assert len(units) in [call["Units served"] for call in frame(at, "Attempt", "Basis")]


def test_a_filter_that_reads_like_sql_finds_nothing_more(show, sample):
    at = show(sample, "cost", workflow="Contract review", unit="' OR 1=1 --")
    assert not at.exception
    assert "Contract review has no document “' OR 1=1 --”." in said(at)
    assert not [rows for rows in frames(at) if rows and "Rate, $ per 1M" in rows[0]]


def test_value_opens_with_the_finding_and_ranks_as_the_mart_does(show, sample, published):
    at = show(sample, "value")
    assert title(at) == published.meta["finding"]
    names = (
        "rank",
        "band",
        "outcomes",
        "spend_usd",
        "value_usd",
        "value_per_usd",
        "low",
        "high",
        "break_even_value_usd",
    )
    wanted = rows(published, f"select workflow, {', '.join(names)} from value_ranking order by rank")
    titles = (
        "Rank",
        "Band",
        "Outcomes",
        "Spend, $",
        "Value, $",
        "Value per $",
        "From (90 %), $",
        "To (90 %), $",
        "Break-even value, $",
    )
    assert [(r["Workflow"], *(r[t] for t in titles)) for r in frame(at, "Band")] == [
        (human(w), *rest) for w, *rest in wanted
    ]


def test_value_says_what_would_have_to_be_true(show, sample, published):
    ((unit, value, outcomes, even),) = rows(
        published,
        "select unit, value_usd, outcomes, break_even_value_usd from value_ranking order by rank desc limit 1",
    )
    at = show(sample, "value")
    assert (
        f"It breaks even when it is worth {formats.unit_cost(even)}, or when it costs {formats.unit_cost(value / outcomes)}."
        in said(at)
    )
    at.slider(key="worth").set_value(3.0).run()
    assert f"At $3.00 each, internal reporting would return {cents(D(3) / even)} per dollar: it would pay." in said(at)
    assert unit == "report"


def test_the_split_page_shows_every_recommendation(show, sample, published):
    at = show(sample, "split")
    document = published.recommendations["recommendations"]
    shown = {(r["Task type"], r["Workflow"]): r for r in frame(at, "Grade")}
    assert len(shown) == len(document)
    for item in document:
        row = shown[human(item["task_type"]), human(item["workflow"])]
        assert (row["Decision"], row["Grade"], row["Pairs"]) == (
            item["decision"].capitalize(),
            item["grade"],
            item["items"],
        )
    switches = [r for r in document if r["decision"] == "switch"]
    assert title(at).startswith(f"{len(switches)} of {len(document)} task types can move to a cheaper model")


def test_a_link_opens_the_evidence_of_its_task_type(show, sample, published):
    item = next(r for r in published.recommendations["recommendations"] if r["task_type"] == "risk_judgement")
    text = said(show(sample, "split", task="Risk judgement (contract review)"))
    assert item["reason"] in text
    assert f"over {item['items']} pairs" in text
    assert item["id"] in text


def test_the_steps_of_this_week_lead_where_they_say(show, sample, published):
    links = {formats.unplain(link.label): link for link in show(sample).page_link}
    step = next(link for label, link in links.items() if "See the days of claims decision" in label)
    assert step.proto.query_string == "workflow=Claims+decision"
    assert "Claims decision: " in said(show(sample, "cost", workflow="Claims decision"))
    read = next(link for label, link in links.items() if "Read the evidence" in label)
    assert read.proto.query_string == "task=Clause+extraction+%28contract+review%29"


def test_data_health_accounts_for_every_record(show, sample, published):
    at = show(sample, "health")
    wanted = rows(
        published,
        "select source, records_read, stored, duplicate, superseded, quarantined from sources_health order by source",
    )
    table = frame(at, "Superseded")
    assert [
        tuple(r[t] for t in ("Source", "Read", "Stored", "Duplicate", "Superseded", "Quarantined")) for r in table
    ] == wanted
    assert "Every record is accounted for: read = stored + duplicate + superseded + quarantined." in said(at)
    ((refused,),) = rows(published, "select count(*) from quarantine")
    assert title(at).startswith(
        f"{sum(r[1] for r in wanted):,} records read up to 8{NB}Nov{NB}2026, {refused} refused, "
    )


def test_data_health_shows_what_was_refused_and_why(show, sample, published):
    shown = frame(show(sample, "health"), "Where", "Reason", "Excerpt")
    wanted = rows(published, "select file, line, reason from quarantine order by source, file, line")
    assert [(row["Where"], row["Reason"]) for row in shown] == [
        (f"{file}, line {line}", reason) for file, line, reason in wanted
    ]


def test_data_health_gives_the_rates_to_paste(show, sample, published):
    at = show(sample, "health")
    text = next(block.value for block in at.code if block.value.startswith("rates:"))
    for provider, model in rows(published, "select provider, model from unpriced_models"):
        assert f"provider: {json.dumps(provider)}, model: {json.dumps(model)}, class: input" in text
    assert re.search(r"class: @|class: ,", text) is None


def test_data_health_splits_the_unattributed_by_reason(show, sample, published):
    first, last = published.meta["period_first_day"], published.meta["as_of"]
    wanted = rows(
        published,
        "select reason, sum(spend_usd) from unattributed where day between cast($a as date) and cast($b as date) group by all",
        a=first, b=last,
    )  # fmt: skip
    at = show(sample, "health")
    shown = next(
        found for found in frames(at) if found and set(found[0]) == {"Reason", "Workflow", "Requests", "Spend, $"}
    )
    assert sum(row["Spend, $"] for row in shown) == sum(spend for _, spend in wanted)
    assert metrics(at)["Unattributed"][0] == cents(sum(spend for _, spend in wanted))


def test_data_health_says_what_each_assign_rule_caught(show, sample, published):
    wanted = rows(published, "select rule, match, requests, spend_usd from assign_rules order by rule")
    assert wanted[0][2] > 0
    shown = frame(show(sample, "health"), "Rule", "Matches")
    assert [(row["Rule"], row["Matches"], row["Requests"], row["Spend, $"]) for row in shown] == wanted
    assert "Every rule caught requests." in said(show(sample, "health"))


def test_data_health_shows_the_coverage_of_usage_reports(show, copy):
    page = {"object": "page", "has_more": False, "data": [{
        "object": "bucket", "start_time": 1793923200, "end_time": 1794009600, "results": [{
            "object": "organization.usage.completions.result", "model": "gpt-5.4", "input_tokens": 900_000_000,
            "input_cached_tokens": 0, "input_uncached_tokens": 900_000_000, "output_tokens": 0, "num_model_requests": 9}]}]}  # fmt: skip
    (copy / "bills" / "usage.json").write_text(json.dumps(page))
    text = (copy / "outlay.yaml").read_text()
    entry = "sources:\n  - {name: usage, kind: openai-usage, path: bills/usage.json}\n"
    (copy / "outlay.yaml").write_text(text.replace("sources:\n", entry, 1))
    run_workspace(load_workspace(copy), Asked())
    at = show(copy, "health")
    assert not at.exception
    [row] = frame(at, "Reported tokens")
    assert (row["Provider"], row["Reported tokens"]) == ("openai", 900_000_000)
    assert "1 day with a model of which the logs hold less than 95 %, in 28 days." in said(at)


def test_every_heading_names_period_currency_zone_and_run(show, sample, published):
    for page in PAGES:
        at = show(sample, page)
        assert not at.exception
        first = formats.unplain(at.markdown[0].value)
        assert re.search(r"2026  ·  US dollars  ·  UTC  ·  published .*\d\d:\d\d", first), first
        assert published.meta["run_id"] in formats.unplain(at.markdown[0].help)


def test_before_the_first_run_every_page_names_the_command(show, sample, tmp_path):
    shutil.copy(sample / "outlay.yaml", tmp_path)
    for page in PAGES:
        at = show(tmp_path, page)
        assert not at.exception
        assert title(at) == "Nothing published yet"
        assert at.code[0].value == "outlay run"


def test_a_broken_workspace_file_is_named_and_the_figures_stay(show, copy):
    (copy / "outlay.yaml").write_text("name: x\nsources: [}\n")
    at = show(copy, "split")
    assert not at.exception
    assert title(at) == "outlay.yaml is not valid"
    assert "line 2" in said(at)
    assert "outlay.yaml" in said(at)
    assert str(copy) not in said(at), "where the workspace lies on the server is nobody's affair"
    assert at.code[0].value == "outlay check"
    assert title(show(copy, "cost")).startswith("One report costs")


def test_every_tile_says_how_its_number_is_known(show, sample):
    for page in PAGES:
        for tile in show(sample, page).metric:
            assert tile.help, (page, tile.label)
