"""`--focus-version 1.2` before the FinOps Foundation's own validator, in an environment of its own (Python 3.12)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.exports.write import write
from pipelines.storage.published import current
from tests.gateways.programs import cache, made_once

PINS = ("focus-validator==2.2.1", "pyarrow<22")


def python_312() -> str | None:
    """An interpreter that really runs: a shim of a version manager may name one that isn't there."""
    places = (*sorted((Path.home() / ".pyenv/versions").glob("3.12.*/bin/python")), shutil.which("python3.12"))
    for program in filter(None, (sys.executable if sys.version_info[:2] == (3, 12) else None, *places)):
        said = subprocess.run(
            [program, "-c", "import sys, venv; print(sys.version_info[:2])"], capture_output=True, text=True
        )
        if said.stdout.strip() == "(3, 12)":
            return str(program)
    return None


def validator(program: str) -> Path:
    """Its environment, made once and kept beside the gateways that tests use."""
    folder = cache() / "focus-validator-2.2.1"
    with made_once(folder, " ".join(PINS)) as missing:
        if missing:
            subprocess.run([program, "-m", "venv", "--clear", str(folder)], check=True, timeout=120)
            install = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *PINS]
            subprocess.run(install, check=True, timeout=600)
    return folder


@pytest.mark.slow
def test_version_1_2_passes_the_foundations_validator_but_for_the_invoice(sample, tmp_path):
    program = python_312()
    if program is None:
        pytest.skip("the validator of the FinOps Foundation needs Python 3.12, which is not on this machine")
    folder = validator(program)
    file = tmp_path / "focus.csv"
    with open(file, "wb") as out:
        write(current(sample), "focus", "csv", out, focus="1.2")
    done = subprocess.run(
        [str(folder / "bin/focus-validator"), "--data-file", str(file), "--validate-version", "1.2", "--block-download",
         "--output-type", "console", "--show-violations"],
        # it looks for its currencies beside its package, and exits 0 whatever it finds
        cwd=next(folder.glob("lib/python3.12/site-packages")), capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    failed = [line for line in done.stdout.splitlines() if ": FAIL" in line]
    assert "Total: " in done.stdout, done.stderr[-2000:]
    # no file can name the invoice of a period that hasn't been invoiced, and the rule asks every row for one
    assert [line.split(": FAIL")[0].split()[-1] for line in failed] == ["InvoiceId-C-005-C"]
