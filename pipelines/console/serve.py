"""Serving the dashboard, on 127.0.0.1 unless a login guards it, and Dagster's UI, on 127.0.0.1 only."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from pipelines.assets.job import dagster_home
from pipelines.console.login import ready
from pipelines.workspace.errors import OutlayError, UsageError
from pipelines.workspace.load import Loaded

HOST = "127.0.0.1"


def serve_dashboard(loaded: Loaded, port: int, host: str = HOST) -> None:
    """Run the dashboard until it is stopped.

    Raises OutlayError when the port is taken, UsageError for a host beyond this machine without a login, or a login
    that lacks something.
    """
    found = importlib.util.find_spec("dashboards")
    if found is None or not found.submodule_search_locations:
        raise OutlayError("the dashboard is not installed: pip install outlay")
    folder = Path(next(iter(found.submodule_search_locations)))
    ready(loaded.config, host, os.environ)
    _free(port, host)
    login = loaded.config.access.login
    # people open a guarded dashboard at the address that its provider sends them back to
    print(f"Dashboard: {login.url if login else f'http://{HOST}:{port}'}  (stop with Ctrl-C)", flush=True)
    _run(
        [sys.executable, "-m", "streamlit", "run", str(folder / "served.py"), "--server.port", str(port),
         "--server.address", host, "--server.headless", "true", "--browser.gatherUsageStats", "false"],
        {**os.environ, "OUTLAY_WORKSPACE": str(loaded.root)}, folder,
    )  # fmt: skip


def serve_dagster(loaded: Loaded, port: int) -> None:
    """Run Dagster's UI and daemon, with the daily schedule, until they are stopped."""
    _free(port)
    env = {**os.environ, "DAGSTER_HOME": str(dagster_home(loaded.home)), "OUTLAY_WORKSPACE": str(loaded.root)}
    print(f"Dagster: http://{HOST}:{port}  (stop with Ctrl-C)", flush=True)
    _run(
        [sys.executable, "-m", "dagster", "dev", "-m", "pipelines.definitions", "-h", HOST, "-p", str(port)],
        env,
        loaded.root,
    )


def _free(port: int, host: str = HOST) -> None:
    if not 1 <= port <= 65535:
        raise UsageError(f"--port {port}: expected 1 to 65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror as error:
            raise UsageError(f"--host {host}: no such address on this machine") from error
        except OSError as error:
            raise OutlayError(f"port {port} on {host} is taken: choose another with --port") from error


def _run(command: list[str], env: dict[str, str], folder: Path) -> None:
    # whoever ends us ends what we started, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(command, env=env, cwd=folder)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait(timeout=20)
        return
    finally:
        if process.poll() is None:
            process.terminate()
    if code not in (0, -15, 143):
        raise OutlayError(f"{command[2]} ended with status {code}")
