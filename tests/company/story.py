"""Who the company is: workflows, their tasks, what each task asks of a model, and how good each model truly
is.

Nothing here says what a reader of the logs should conclude. Shares, rankings and recommendations follow from
volumes, prompt sizes, list prices and true quality.
"""

from __future__ import annotations

from datetime import date

from tests.company.workload import Flow, Task, qualities

FIRST_DAY = date(2026, 9, 28)
DAYS = 42
#: Day number (from 0) on which the claims prompts become longer: a policy handbook is pasted into each of
#: them.
DRIFT_AFTER = 29
DRIFT_WORKFLOW = "claims_decision"
DRIFT_INPUT, DRIFT_OUTPUT = 1.45, 1.15
#: Day number on which the archive of old customer records starts to go through the batch interface.
BATCH_AFTER = 17

TIERS = {
    "frontier": ("openai/gpt-5.4", "anthropic/claude-opus-5-5"),
    "standard": ("anthropic/claude-sonnet-5",),
    "light": ("openai/gpt-5-mini", "anthropic/claude-haiku-4-5"),
}
#: The model that the gateway binds to each tier of a routed task.
BINDING = {
    "frontier": "openai/gpt-5.4",
    "standard": "anthropic/claude-sonnet-5",
    "light": "openai/gpt-5-mini",
}

#: What the vendors' answers call the model.
SERVED_NAME = {
    "gpt-5.4": "gpt-5.4-2026-03-05",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}
#: Output length and milliseconds per output token, relative to the task's own figures.
WORDINESS = {
    "gpt-5.4": 1.0,
    "gpt-5-mini": 1.1,
    "claude-opus-5-5": 1.0,
    "claude-sonnet-5": 1.0,
    "claude-haiku-4-5": 1.0,
}
MS_PER_TOKEN = {
    "gpt-5.4": 9.0,
    "gpt-5-mini": 4.5,
    "claude-opus-5-5": 13.0,
    "claude-sonnet-5": 8.0,
    "claude-haiku-4-5": 4.0,
}


FLOWS = (
    Flow(
        "contract_review",
        "document",
        "ctr",
        "traces",
        "legal-ops",
        25,
        (1.1, 1, 1, 1, 0.9, 0.12, 0.06),
        (7.5, 18.5),
        0.38,
        noticed=0.55,
        again=0.92,
        reopened=0.6,
        tasks=(
            Task(
                "clause_extraction",
                "extraction",
                "openai/gpt-5.4",
                2,
                8_000,
                60_000,
                4_200,
                0.3,
                quality=qualities(gpt=0.955, mini=0.955, haiku=0.945, opus=0.957, sonnet=0.955),
            ),
            Task(
                "risk_judgement",
                "reasoning",
                "anthropic/claude-opus-5-5",
                1,
                14_000,
                56_000,
                7_800,
                0.55,
                True,
                quality=qualities(gpt=0.935, mini=0.58, haiku=0.63, opus=0.94, sonnet=0.80),
            ),
        ),
    ),
    Flow(
        "internal_reporting",
        "report",
        "rpt",
        "gateway",
        "finance-bi",
        18.6,
        (1.35, 1, 0.95, 0.95, 1.05, 0.1, 0.05),
        (5.0, 9.5),
        0.3,
        noticed=0.6,
        again=0.7,
        reopened=0.3,
        tasks=(
            Task(
                "data_summary",
                "summarization",
                "anthropic/claude-sonnet-5",
                2,
                6_000,
                110_000,
                3_600,
                0.15,
                quality=qualities(gpt=0.96, mini=0.93, haiku=0.93, opus=0.96, sonnet=0.955),
            ),
            Task(
                "drafting",
                "summarization",
                "anthropic/claude-opus-5-5",
                1,
                10_000,
                172_000,
                9_000,
                0.4,
                quality=qualities(gpt=0.94, mini=0.86, haiku=0.87, opus=0.94, sonnet=0.935),
            ),
        ),
    ),
    Flow(
        "customer_records",
        "record",
        "rec",
        "calls",
        "crm-platform",
        22,
        (1, 1, 1, 1, 1, 0.55, 0.5),
        (0.5, 23.0),
        0.45,
        noticed=0.5,
        again=0.85,
        reopened=0.4,
        tasks=(
            Task(
                "field_extraction",
                "extraction",
                "openai/gpt-5-mini",
                1,
                3_000,
                58_000,
                4_600,
                0.25,
                quality=qualities(gpt=0.975, mini=0.97, haiku=0.965, opus=0.975, sonnet=0.97),
            ),
        ),
    ),
    Flow(
        "claims_decision",
        "decision",
        "clm",
        "calls",
        "claims",
        25,
        (1.15, 1.05, 1, 1, 1, 0.7, 0.62),
        (6.0, 22.0),
        0.36,
        noticed=0.6,
        again=0.9,
        reopened=0.7,
        accepts=True,
        value=(5.4, 0.5),
        tasks=(
            Task(
                "triage",
                "classification",
                "openai/gpt-5-mini",
                1,
                2_500,
                7_500,
                700,
                0.2,
                quality=qualities(gpt=0.985, mini=0.985, haiku=0.98, opus=0.985, sonnet=0.985),
            ),
            Task(
                "coverage_reasoning",
                "reasoning",
                "openai/gpt-5.4",
                1,
                12_000,
                112_000,
                9_200,
                0.5,
                quality=qualities(gpt=0.94, mini=0.74, haiku=0.76, opus=0.945, sonnet=0.88),
            ),
        ),
    ),
)

#: The archive of old records: the unit of `customer_records` too, through the batch interface.
ARCHIVE = Flow(
    "customer_records",
    "record",
    "arc",
    "batch",
    "crm-platform",
    15,
    (1, 1, 1, 1, 1, 0, 0),
    (1.0, 4.5),
    0.4,
    noticed=1.0,
    again=0.5,
    reopened=0.0,
    tasks=(
        Task(
            "deduplication",
            "classification",
            "anthropic/claude-haiku-4-5",
            1,
            0,
            40_000,
            2_600,
            0.1,
            quality=qualities(gpt=0.975, mini=0.965, haiku=0.97, opus=0.975, sonnet=0.97),
        ),
    ),
)
