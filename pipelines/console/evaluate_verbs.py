"""The verbs `outlay evaluate …`: what to replay for evidence, and a replay through a gateway."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.console.verb import ASKED, answer, print_json, verb, workspace
from pipelines.workspace.errors import UsageError

evaluate = typer.Typer(
    help="Evidence: what to replay, and a replay through a gateway.", no_args_is_help=True, rich_markup_mode=None
)


@evaluate.command("plan")
@verb
def evaluate_plan(
    workflow: Annotated[str | None, typer.Option(help="Only this workflow.")] = None,
    task_type: Annotated[str | None, typer.Option(help="Only this task type.")] = None,
    out: Annotated[str, typer.Option(help="CSV file, or - for stdout.")] = "-",
) -> None:
    """The items to answer with both models of every open experiment: ids only."""
    from pipelines.evaluate.plan import evaluation_plan, replay_document
    from pipelines.storage.published import current

    items = evaluation_plan(current(workspace().root), workflow, task_type)
    if ASKED["json"]:
        print_json(replay_document(items))
        return
    text = items.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    if out == "-":
        sys.stdout.write(text)
        return
    Path(out).write_text(text, "utf-8")
    answer({}, f"{out}: {len(items)} items")


@evaluate.command("replay")
@verb
def evaluate_replay(
    prompts: Annotated[Path, typer.Option(help="Your prompts: JSON Lines with item_id, messages, expected or schema.")],
    base_url: Annotated[str, typer.Option(help="OpenAI-compatible address, such as http://127.0.0.1:4000/v1.")],
    workflow: Annotated[str, typer.Option()],
    task_type: Annotated[str, typer.Option()],
    model: Annotated[list[str], typer.Option(metavar="PROVIDER/MODEL[=NAME]", help="NAME: what the gateway calls it.")],
    out: Annotated[Path, typer.Option(help="Where the marks go, as a source of kind evaluations reads them.")],
    scorer: Annotated[str, typer.Option(help="exact, schema, or module:function.")] = "exact",
    signal: Annotated[str | None, typer.Option(help="human, label, judge or schema; default: by the scorer.")] = None,
    key: Annotated[str | None, typer.Option(metavar="os.environ/NAME", help="Where the gateway's key stands.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64)] = 8,
) -> None:
    """Answer your own items with several models and write their marks; no prompt or answer is kept."""
    from pipelines.evaluate import replay as replays
    from pipelines.evaluate.scorers import SIGNALS
    from pipelines.evaluate.scorers import scorer as named

    score, needed = named(scorer)
    signal = signal or SIGNALS.get(scorer, "label")
    if signal not in ("human", "label", "judge", "schema"):
        raise UsageError(f"--signal {signal!r}: expected human, label, judge or schema")
    if key is not None and not key.startswith("os.environ/"):
        raise UsageError("--key: expected os.environ/NAME; a key itself never stands on the command line")
    models = {}
    for text in model:
        listed, _, name = text.partition("=")
        provider, slash, called = listed.partition("/")
        if not (provider and slash and called):
            raise UsageError(f"--model {text!r}: expected PROVIDER/MODEL or PROVIDER/MODEL=NAME")
        models[listed] = name or called
    asked = replays.Replay(
        workflow, task_type, base_url, models, score, signal, key.removeprefix("os.environ/") if key else None,
        concurrency,
    )  # fmt: skip
    done = replays.replay(asked, replays.read_items(prompts, needed), out)
    answer(
        {"written": done.written, "skipped": done.skipped, "failed": done.failed, "file": str(out)},
        f"{out}: {done.written} marks written, {done.skipped} were there, {done.failed} calls failed",
    )
