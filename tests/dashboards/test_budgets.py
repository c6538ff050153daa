"""The page of budgets: its first line, the chosen month and budget, all of them, and what to add where there are none."""

from io import StringIO

from ruamel.yaml import YAML

from dashboards import formats
from pipelines.run import run_workspace
from pipelines.running import Asked
from pipelines.workspace.load import load_workspace
from tests.dashboards.reading import cents, frame, metrics, rows, said, title
from tests.workspaces import Bench, call


def test_the_first_line_says_which_budget_runs_out_and_when(show, sample, published):
    [(forecast, budget, day)] = rows(
        published, "select forecast_usd, budget_usd, run_out_day from budgets where status = 'at risk'"
    )
    at = show(sample, "budgets")
    assert title(at) == (
        f"Claims decision heads for {cents(forecast)} against {cents(budget)} and runs out on {formats.day(day, year=False)}; "
        "the other 5 budgets hold."
    )
    assert metrics(at)["Claims decision"] == (formats.share(forecast / budget), f"of {cents(budget)}")


def test_every_budget_of_every_month_is_listed_with_its_status(show, sample, published):
    wanted = rows(
        published,
        "select budget_usd, spend_to_date_usd, forecast_usd, run_out_day, case when final and status = 'on track' then 'held' else status end "
        "from budgets "
        "order by month desc, case scope when 'workflow' then 0 when 'total' then 2 else 1 end, scope, value",
    )
    at = show(sample, "budgets")
    present, past = frame(at, "Budget for", "Forecast, $"), frame(at, "Budget for", "Month")
    assert [(r["Planned, $"], r["Spent, $"], r["Forecast, $"]) for r in present] == [row[:3] for row in wanted[:6]]
    table = [*present, *past]
    assert [(r["Planned, $"], r["Spent, $"]) for r in table] == [row[:2] for row in wanted]
    said_of = {
        "at risk": "Forecast above budget",
        "on track": "On track",
        "held": "Within budget",
        "over": "Over budget",
    }
    assert [r["Status"] for r in table] == [said_of[row[4]] for row in wanted]
    assert [r["Budget for"] for r in table][:6] == [
        "Claims decision", "Contract review", "Customer records", "Internal reporting", "Team legal-ops", "All spend",
    ]  # fmt: skip


def test_a_past_month_lives_in_the_address_and_is_final(show, sample, published):
    [(spent, budget)] = rows(
        published, "select spend_to_date_usd, budget_usd from budgets where scope = 'total' and month = '2026-10'"
    )
    at = show(sample, "budgets", month="October 2026", budget="All spend")
    assert "All spend, October 2026: within budget" in said(at)
    assert f"The month is over: {cents(spent)} spent of {cents(budget)}, {formats.share(spent / budget)}." in said(at)


def test_the_days_of_a_budget_add_up_to_what_the_budget_says(show, sample, published):
    days = rows(
        published,
        "select day, day_usd, spent_usd, forecast_usd, forecast_low_usd, forecast_high_usd from budget_days "
        "where scope = 'total' and month = '2026-11' order by day",
    )
    [(spent, forecast, low, high)] = rows(
        published,
        "select spend_to_date_usd, forecast_usd, forecast_low_usd, forecast_high_usd from budgets "
        "where scope = 'total' and month = '2026-11'",
    )
    assert len(days) == 30
    assert sum(usd for _, usd, *_ in days if usd is not None) == days[7][2] == spent
    assert days[-1][3:] == (forecast, low, high)
    at = show(sample, "budgets", budget="All spend")
    assert [row["Spent, $"] for row in frame(at, "Day", "Forecast, $")][:8] == [row[2] for row in days[:8]]


def test_a_budget_of_which_nothing_has_a_price_neither_holds_nor_is_zero(show, tmp_path):
    bench = Bench(tmp_path, {"budgets": [{"dimension": "total", "monthly_usd": "10"}]})
    bench.calls(call("a", model="gpt-house"))
    bench.run()
    at = show(tmp_path, "budgets")
    assert not at.exception
    assert title(at) == "All spend has nothing with a price yet to set against its $10.00."
    assert metrics(at)["All spend"] == (formats.UNKNOWN, "of $10.00")
    assert "Nothing used on 1 day has a price; neither spend nor forecast is known." in said(at)
    assert "spent up to" not in said(at)
    assert not at.get("plotly_chart")
    [row] = frame(at, "Budget for", "Forecast, $")
    assert (row["Status"], row["Spent, $"], row["Forecast, $"]) == ("Spend has no price", None, None)


def test_without_a_budget_the_page_says_what_to_add_and_it_is_valid(show, copy):
    file = copy / "outlay.yaml"
    yaml = YAML()
    config = yaml.load(file.read_text())
    del config["budgets"]
    for workflow in config["workflows"].values():
        workflow.pop("budget", None)
    out = StringIO()
    yaml.dump(config, out)
    file.write_text(out.getvalue())
    run_workspace(load_workspace(copy), Asked())
    at = show(copy, "budgets")
    assert not at.exception
    assert title(at) == "No budget is declared, so nothing says when the money runs out."
    to_add, command = (block.value for block in at.code)
    assert command == "outlay run"
    added = YAML(typ="safe", pure=True).load(to_add)
    config["budgets"] = added["budgets"]
    config["workflows"]["contract_review"]["budget"] = added["workflows"]["contract_review"]["budget"]
    out = StringIO()
    yaml.dump(config, out)
    file.write_text(out.getvalue())
    assert len(load_workspace(copy).config.budgets) == 2
