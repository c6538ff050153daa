"""Month close: what was billed against what was metered, every difference by its name, and who bears it."""

import io
from datetime import date

import streamlit as st

from dashboards import bearers, formats, months, names, shell
from dashboards.access import while_signed_in
from dashboards.charts.close import residuals, signed
from dashboards.charts.template import show
from dashboards.month_said import Said
from dashboards.tables import table
from pipelines.close.closing import Obstacle
from pipelines.exports.budget_pack import write_pack_to

TO_BILL = """\
sources:
  - {name: openai-bill, kind: openai-costs, path: "bills/openai-costs/**/*.json"}   # outlay fetch openai-costs
  - {name: anthropic-bill, kind: anthropic-cost, path: "bills/anthropic-cost/**/*.json"}
  - {name: focus-bill, kind: focus, path: "bills/focus/*.csv"}                      # a FOCUS export of any provider
  - {name: paper, kind: invoices, path: "bills/invoices/*.csv"}                     # typed from the invoice itself"""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

p = shell.shown()
found = months.months(p)
as_of = shell.as_of(p)
if not found:
    shell.heading(p, "Month close", "Neither a bill nor a request with a price is there to be closed.", as_of, as_of)
    shell.empty(
        "Put a provider's bill under bills/ and name it in outlay.yaml, or fetch it:",
        "outlay fetch openai-costs --month 2026-10\noutlay run",
    )
    st.code(TO_BILL, language="yaml", wrap_lines=True)
    st.stop()

records = months.records()
latest, accruals = records.latest(), records.latest(accrual=True)
top = st.container()
with st.container(horizontal=True, vertical_alignment="bottom"):
    month = st.selectbox(
        "Month", found, index=found.index(months.due(p, found, records)), format_func=names.month, key="month",
        bind="query-params", width=200,
    )  # fmt: skip
    provider = st.selectbox(
        "Provider", [months.ALL, *months.providers(p, month)], key="provider", bind="query-params", width=200,
        format_func=lambda name: name if name == months.ALL else names.provider(name),
    )  # fmt: skip
    first, last = months.ends(month)

    def pack() -> bytes:
        """The workbook of the month."""
        out = io.BytesIO()
        write_pack_to(p, out, first, last)
        return out.getvalue()

    st.download_button(
        "Budget pack (XLSX)", while_signed_in(pack), f"budget-pack-{month}.xlsx", XLSX, key=f"pack_{month}",
        on_click="ignore", icon=":material/download:",
        help=f"The workbook for the budget review of {names.month(month)}: summary, budgets, chargeback, reconciliation.",
    )  # fmt: skip

rows = months.residuals(p, month, provider)
whole = months.sums(rows)
hindrances: dict[str, Obstacle] = {one.kind: one for one in months.hindrances(p, month)}
closed = latest.get(month)
late = months.adjustments(p, month) if closed else []
signed_rows = months.frozen(p, records)
signed_off = next((row for row in signed_rows if closed and row["file"] == closed.file), None)
said_month = names.month(month)
said = Said(
    month,
    last,
    as_of,
    provider,
    whole,
    hindrances,
    signed_off,
    late,
    accruals[month].file if month in accruals else None,
)


with top:
    shell.heading(p, "Month close", said.sentence(), first, min(last, as_of))

unseen = months.unseen(p, month, provider)
with st.grid(4, min_column_width=150, gap="small"):
    for name, value, part, bad, words in said.tiles(
        len({row["source"] for row in rows if row["source"]}), months.total(unseen)
    ):
        shell.metric(
            name, value, part, delta_color="red" if bad else "off",
            delta_arrow="up" if bad else "off", border=True, height="stretch", help=words,
        )  # fmt: skip

if whole.has_bill:
    shell.section(
        "From the bill to the meter",
        "Step by step, what lies between the two; the steps sum to it exactly.",
        help="Billed = metered + the items, to the last unit. Bills go by UTC day, the ledger by days of the reporting zone: "
        "what lies between is the day cut. Export: reconciliation.",
    )
    told = "; ".join(f"{names.residual(item)[0]} {signed(effect)}" for item, effect in whole.steps) or "no difference"
    show(
        residuals(whole),
        f"{said_month}: billed {formats.money(whole.billed)}; {told}; metered {formats.money(whole.metered)}",
        key="residuals",
    )
    if months.UNEXPLAINED in whole.items:
        shell.note("Red: no line of the bill and no call of the logs explains it. The tables below say where it is.")
else:
    shell.section("From the bill to the meter", f"Nothing is billed for {said_month} yet.")
    shell.say("Fetch the providers' cost reports, or put a FOCUS file or a typed invoice under bills/:")
    fetched = [f"outlay fetch {kind} --month {month}" for kind in months.fetched({row["provider"] for row in rows})]
    st.code("\n".join([*fetched, "outlay run"]), language="shell", wrap_lines=True)
    with st.expander("The sources to name in outlay.yaml"):
        st.code(TO_BILL, language="yaml", wrap_lines=True)

table(
    months.by_provider(rows),
    ["provider=bill_provider", "account", "status=close_status", "billed_usd", "metered_usd", "difference_usd", "unexplained_usd", "source=bill_source", "note"],
    key=f"providers_{month}_{provider}", alt=f"Billed and metered by provider in {said_month}", download=f"close-{month}",
    widths={"note": "medium"},
)  # fmt: skip
items = [row for row in rows if row["item"]]
if items:
    with st.expander(f"The {formats.plural(len(items), 'residual')} by provider and account"):
        table(
            items, ["provider=bill_provider", "account", "item=residual", "amount_usd=residual_usd", "status=close_status", "source=bill_source"],
            key=f"items_{month}_{provider}", alt=f"Residuals of {said_month}", download=f"reconciliation-{month}",
        )  # fmt: skip
daily = [row for row in months.daily_residuals(p, month, provider) if row["item"]]
if daily:
    with st.expander(f"The days that differ: {len({row['period'] for row in daily})}"):
        table(
            [{**row, "day": date.fromisoformat(row["period"])} for row in daily],
            ["day", "provider=bill_provider", "account", "item=residual", "amount_usd=residual_usd", "billed_usd", "metered_usd"],
            key=f"daily_{month}_{provider}", alt=f"Days of {said_month} on which bill and meter differ", download=f"reconciliation_daily-{month}",
        )  # fmt: skip


shell.section("Close it" if not closed else "Closed")
shell.empty(*said.step())

for problem in months.problems(p):
    st.error(formats.plain(f"closes/{problem['file']} {problem['problem']}: restore it from version control."))
if late:
    shell.say(
        f"{formats.plural(len(late), 'figure')} of {said_month} read otherwise today; they belong to a later month."
    )
    table(
        late, ["closed_month", "found_in", "provider=bill_provider", "workflow", "item=residual", "closed_usd", "now_usd", "difference_usd"],
        key=f"late_{month}", alt=f"What changed in {said_month} after its close", download=f"close_adjustments-{month}",
    )  # fmt: skip
if signed_rows:
    table(
        signed_rows,
        ["month", "kind", "by=signed_by", "signed_day", "billed_usd", "metered_usd", "unseen_usd", "unexplained_usd", "accepted", "file"],
        key="closes", alt="Closed and accrued months with who signed them", download="closes",
    )  # fmt: skip
else:
    shell.note("No month is closed yet. Closes lie in closes/, one file each, made to be kept in version control.")

bearers.unseen(unseen, month, provider, whole.has_bill)
bearers.without_unit(p, month)
bearers.charged(p, month)
bearers.shared_costs(p, month)
