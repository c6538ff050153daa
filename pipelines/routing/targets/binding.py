"""A target's binding (tier -> the gateway's own parameters), as far as every gateway reads it alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any


def plain(value: Any) -> Any:
    """A deep copy in JSON's types; a bare date of the YAML file (an api_version) is the text that it was."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date):  # datetime too
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def binding_sha256(models: Mapping[str, Mapping[str, Any]]) -> str:
    """Changes when a tier's parameters change, whatever order they are written in."""
    return hashlib.sha256(json.dumps(plain(models), sort_keys=True, default=str).encode()).hexdigest()
