"""The real gateways that tests start, each in a folder of its own outside the repo, made once and kept.

LiteLLM's proxy needs other versions of libraries than Outlay, so it has a virtual environment: `$OUTLAY_PROXY_VENV`,
or a folder of the user's cache. Portkey's gateway is a Node program: `$OUTLAY_PORTKEY`, likewise.

    python -m tests.gateways.programs      makes what is missing
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PINS = Path(__file__).with_name("litellm-proxy.txt")
PORTKEY = "@portkey-ai/gateway@1.15.2"
LIMIT_S = 900


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "outlay"


def litellm_proxy() -> Path:
    """The proxy's program; its environment is made first if it is missing or was made from other pins."""
    digest = hashlib.sha256(PINS.read_bytes()).hexdigest()
    given = os.environ.get("OUTLAY_PROXY_VENV")
    folder = Path(given) if given else cache() / f"litellm-proxy-{digest[:12]}"
    with made_once(folder, digest) as missing:
        if missing:
            venv.create(folder, with_pip=True, clear=True)
            _run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "-c", str(PINS), "litellm[proxy]"])
    return folder / "bin" / "litellm"


def portkey_gateway() -> Path:
    """The gateway's folder, in which `node build/start-server.js` serves."""
    given = os.environ.get("OUTLAY_PORTKEY")
    folder = Path(given) if given else cache() / f"portkey-{PORTKEY.rpartition('@')[2]}"
    with made_once(folder, PORTKEY) as missing:
        if missing:
            program = shutil.which("npm")
            if program is None:
                raise RuntimeError("Portkey's gateway needs node and npm: apt-get install nodejs npm")
            folder.mkdir(parents=True, exist_ok=True)
            quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            _run([program, "install", *quiet, "--prefix", str(folder), PORTKEY])
    return folder / "node_modules" / "@portkey-ai" / "gateway"


@contextmanager
def made_once(folder: Path, digest: str) -> Generator[bool]:
    """Whether the folder is still to be made; of several processes one makes it, and the others wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = folder / "made-from"
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = not mark.exists() or mark.read_text() != digest
        yield missing
        if missing:
            mark.write_text(digest)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … ended with status {done.returncode}:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    print(litellm_proxy(), portkey_gateway(), file=sys.stderr)
