"""What every verb of the command line shares: the global options, the workspace, answers and exit statuses."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pipelines.workspace.errors import OutlayError

if TYPE_CHECKING:
    from pipelines.workspace.load import Loaded

#: the global options of this call
ASKED: dict[str, Any] = {"workspace": None, "json": False}


def root_folder() -> Path:
    from pipelines.workspace.load import find_root

    return find_root(ASKED["workspace"])


def workspace() -> Loaded:
    from pipelines.workspace.load import load_workspace

    return load_workspace(root_folder())


def verb(function: Callable[..., Any]) -> Callable[..., Any]:
    """Errors as one plain message on stderr (and as JSON where asked), with the exit status they carry."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except OutlayError as error:
            if ASKED["json"]:
                print_json({"error": str(error)})
            print(f"outlay: {error}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:
            # whoever read our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            print("outlay: interrupted, nothing was changed", file=sys.stderr)
            raise typer.Exit(1) from None
        except OSError as error:
            print(f"outlay: {error}", file=sys.stderr)
            raise typer.Exit(1) from error

    return wrapped


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def answer(document: Any, text: str) -> None:
    """One JSON document on stdout where asked, else people's text."""
    if ASKED["json"]:
        print_json(document)
    elif text:
        print(text)


def day(value: datetime | None) -> date | None:
    return value.date() if value else None
