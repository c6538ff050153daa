"""A content hash of every mart: two workspaces with the same inputs give the same hashes."""

from __future__ import annotations

import hashlib

from pipelines.exports.catalogue import EXPORTS
from pipelines.exports.tables import batches
from pipelines.exports.text import plain
from pipelines.exports.write import rows_of
from pipelines.storage.published import Published


def fingerprint(published: Published) -> dict[str, str]:
    """sha256 per export but `restatements` (it tells of runs): rows in key order, canonical text, no clock, no path."""
    return {name: _hash(published, name) for name in sorted(EXPORTS) if name != "restatements"}


def _hash(published: Published, name: str) -> str:
    digest = hashlib.sha256("\x1f".join(EXPORTS[name].columns).encode())
    for batch in batches(published, name):
        for row in rows_of(batch):
            digest.update(b"\x1e" + "\x1f".join(plain(value) for value in row).encode())
    return digest.hexdigest()
