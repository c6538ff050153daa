"""Who bears a month, below its reconciliation: what no log holds, what no unit bears, chargeback and shared costs."""

from __future__ import annotations

import streamlit as st

from dashboards import formats, months, names, queries, shell
from dashboards.charts.close import borne, full_costs
from dashboards.charts.template import show
from dashboards.queries import Rows
from dashboards.tables import table
from pipelines.storage.published import Published

TO_MAP = """\
close:
  unseen:                                   # who bears what was billed and never logged; the first match wins
    - {provider: openai, account: "proj_reports*", workflow: internal_reporting}
    - {key: "key_nightly*", workflow: internal_reporting}   # where the bill is told by keys"""
TO_SHARE = """\
close:
  shared:                                   # driver: requests, tokens, spend, outcomes or equal
    - {name: Gateway, monthly_usd: "1200", driver: requests}"""
_OWN_WORDS = ("workflow", "task_type")  #: dimensions whose values are names of the workspace


def unseen(rows: Rows, month: str, provider: str, has_bill: bool) -> None:
    """What the bill holds and the logs don't, by account and who bears it."""
    said_month = names.month(month)
    shell.section(
        "Billed, never logged",
        f"{formats.money(months.total(rows))} of {said_month} is on the bill and in no log." if rows else None,
        help="Allocated by a rule of outlay.yaml (close, unseen), or by an assign rule on the project, else to nobody. Kept apart from the cost of requests. "
        "Export: unseen_spend.",
    )
    by_key = ["api_key"] if any(row.get("api_key") for row in rows) else []
    table(
        rows, ["account", *by_key, "provider=bill_provider", "workflow=unseen_workflow", "amount_usd=residual_usd", "method=unseen_method", "basis=unseen_basis"],
        key=f"unseen_{month}_{provider}", alt=f"Spend of {said_month} that no log holds", download=f"unseen_spend-{month}",
        empty="Every billed call is in a log." if has_bill else "Without a bill nobody knows.",
    )  # fmt: skip
    if any(row["method"] == "unattributed" for row in rows):
        with st.expander("Say who bears it"):
            shell.say("Map the bill's projects and keys to workflows in outlay.yaml, then run again:")
            st.code(TO_MAP, language="yaml", wrap_lines=True)


def without_unit(p: Published, month: str) -> None:
    """Metered spend that no unit of a declared workflow bears, by reason."""
    first, last = months.ends(month)
    said_month, spent = names.month(month), queries.spend(p, first, last)
    without = queries.unattributed(p, first, last)
    shell.section(
        "Borne by no unit",
        f"{formats.money(spent['unattributed_usd'])} of {formats.money(spent['spend_usd'])} metered in {said_month}, "
        f"{formats.share(queries.per(spent['unattributed_usd'], spent['spend_usd']))}." if without else None,
        help="A request needs a declared workflow and a unit; the first reason that holds is given. All providers. Export: unattributed.",
    )  # fmt: skip
    table(
        without, ["reason=unattributed_reason", "workflow", "requests", "spend_usd"], key=f"without_{month}",
        alt=f"Unattributed spend of {said_month} by reason", download=f"unattributed-{month}", empty="All spend belongs to a unit.",
    )  # fmt: skip


def charged(p: Published, month: str) -> None:
    """Metered spend by a dimension that the reader chooses."""
    said_month = names.month(month)
    dimensions = months.dimensions(p)
    shell.section(
        "Chargeback", "Metered spend of all providers by who is charged for it.",
        help="By team, customer, environment or any other tag that tags: names. Export: chargeback.",
    )  # fmt: skip
    dimension = st.segmented_control(
        "By", dimensions, default="team" if "team" in dimensions else "workflow", format_func=names.human, key="by",
        bind="query-params", required=True,
    )  # fmt: skip
    found = months.chargeback(p, month, dimension) if dimension else []
    borne_rows = [row for row in found if row["spend_usd"] is not None and row["value"]]
    if borne_rows:
        rate = found[0]["allocation_rate"]
        most = borne_rows[0]
        who = names.human(most["value"]) if dimension in _OWN_WORDS else most["value"]
        shell.say(
            f"{formats.share(rate)} of {said_month} carries a {names.within(dimension)}; the most, {formats.share(most['share'])}, falls to {who}."
        )
        show(
            borne(borne_rows, dimension in _OWN_WORDS),
            f"Spend of {said_month} by {names.within(dimension)}, the most first: {who} {formats.money(most['spend_usd'])}",
            key="chargeback",
        )
        with st.expander("The chargeback as a table"):
            table(
                found, ["value=charged_to", "spend_usd", "share=charged_share", "requests", "unattributed_usd", "allocation_rate"],
                key=f"chargeback_{month}_{dimension}", alt=f"Chargeback of {said_month} by {names.within(dimension)}", download=f"chargeback-{month}-{dimension}",
            )  # fmt: skip
    else:
        shell.note(f"No request of {said_month} carries this.")


def shared_costs(p: Published, month: str) -> None:
    """Costs that serve several workflows, beside the direct ones."""
    said_month = names.month(month)
    shared = months.shared(p, month)
    shell.section(
        "Shared costs",
        "What serves several workflows, spread by its driver: a second view, beside the direct one."
        if shared
        else None,
        help="Direct: what the workflow's units bear of requests. Full: that and its parts of all shared costs. Export: shared_costs.",
    )
    if shared:
        parts = months.by_workflow(shared)
        costs = formats.listing(dict.fromkeys(row["name"] for row in shared))
        show(
            full_costs(parts),
            f"Direct and shared costs of {said_month} by workflow: "
            + "; ".join(f"{names.human(one['workflow'])} {formats.money(one['full_usd'])}" for one in parts),
            key="shared_costs",
        )  # fmt: skip
        shell.note(f"Dark: what its units bear of requests. Light: its part of {costs}.")
        with st.expander("The shared costs as a table"):
            table(
                [{**row, "driver": names.driver(row["driver"])} for row in shared],
                ["workflow=shared_workflow", "name=shared_name", "driver", "direct_usd", "shared_usd", "full_usd"],
                key=f"shared_{month}", alt=f"Shared costs of {said_month} by workflow", download=f"shared_costs-{month}",
            )  # fmt: skip
    else:
        shell.say("No cost that serves several workflows is declared. A gateway or a vector store is, in outlay.yaml:")
        st.code(TO_SHARE, language="yaml", wrap_lines=True)
