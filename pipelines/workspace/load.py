"""Reading `outlay.yaml`: safe YAML, duplicate keys refused, every complaint with file, key and expectation."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipelines.sources.cloud import fault, is_cloud
from pipelines.workspace.errors import UsageError
from pipelines.workspace.model import Workspace

FILE_NAME = "outlay.yaml"


@dataclass(frozen=True)
class Loaded:
    """A workspace folder with its validated file."""

    root: Path
    config: Workspace

    def path(self, relative: str) -> Path:
        """A path of the workspace file, relative ones taken from the workspace folder."""
        return self.root / relative

    @property
    def home(self) -> Path:
        """`.outlay/`: everything that Outlay writes and could rebuild."""
        return self.root / ".outlay"

    def meaning(self) -> str:
        """Hash of what the ledger's numbers depend on in the workspace file; another one re-opens all days."""
        config = self.config
        parts = [
            config.reporting.timezone,
            [rule.model_dump_json(by_alias=True) for rule in config.assign],
            config.tags.model_dump_json(),
            {name: w.model_dump_json(by_alias=True) for name, w in sorted(config.workflows.items())},
            [t.model_dump_json() for t in config.tiers],
            sorted((s.name, s.kind, s.priority, s.sampling) for s in config.sources),
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def find_root(option: Path | None) -> Path:
    """`--workspace`, else `$OUTLAY_WORKSPACE`, else the current folder."""
    chosen = option or Path(os.environ.get("OUTLAY_WORKSPACE") or ".")
    return chosen.expanduser().resolve()


def load_workspace(root: Path) -> Loaded:
    """Raises UsageError when the file is missing, unreadable, or says something it may not."""
    file = root / FILE_NAME
    if not file.is_file():
        raise UsageError(f"no {FILE_NAME} in {root}; expected a workspace folder: outlay init DIR makes one")
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read as UTF-8 text: {error}") from error
    document = parse_yaml(text, file)
    if not isinstance(document, dict):
        raise UsageError(f"{file}: expected a mapping with the keys name and sources, found {_shape(document)}")
    try:
        config = Workspace.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{file} is not valid:\n{explain(error)}") from error
    _check_paths(config, file)
    return Loaded(root=root, config=config)


def parse_yaml(text: str, file: Path) -> Any:
    """Safe YAML 1.2. Raises UsageError naming file and line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_duplicate_keys = False
    try:
        return yaml.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UsageError(
            f"{file}, line {line}: {str(error.problem).splitlines()[0]}; expected each key once"
        ) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else "?"
        raise UsageError(f"{file}, line {line}: not valid YAML: {error.problem or error.context}") from error
    except (YAMLError, ValueError) as error:
        raise UsageError(f"{file}: not valid YAML: {error}") from error


def explain(error: ValidationError) -> str:
    """One line per complaint: key, what is expected, what was found (shapes only: a value may be a secret)."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        elif item["type"] == "missing":
            message = "required, not found"
        lines.append(f"  {key}: {message}")
    return "\n".join(lines)


def _check_paths(config: Workspace, file: Path) -> None:
    paths = {f"sources.{s.name}.path": s.path for s in config.sources}
    paths |= {f"routing.targets.{t.name}.path": t.path for t in config.routing.targets}
    paths["routing.policy"] = config.routing.policy
    if config.rates.contract:
        paths["rates.contract"] = config.rates.contract
    for key, path in paths.items():
        if not path.strip():
            raise UsageError(f"{file}: {key}: expected a path, found nothing")
        if key.startswith("sources.") and is_cloud(path):
            wrong = fault(path)
            if wrong:
                raise UsageError(f"{file}: {key}: {wrong}")
        if ".." in PurePosixPath(path).parts:
            raise UsageError(f"{file}: {key}: {path!r} climbs with '..'; expected a path inside the workspace")


def _shape(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
