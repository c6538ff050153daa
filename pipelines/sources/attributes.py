"""The name tables of `attributes.toml`, loaded once."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

TABLES: dict[str, Any] = tomllib.loads(files("pipelines.sources").joinpath("attributes.toml").read_text("utf-8"))
