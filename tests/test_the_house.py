"""Rules of the house that a program can check: layers, SQL, words that don't belong in the repo."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.engine.dialect import Foreign, parsed, to_spark

REPO = Path(__file__).parents[1]
MODELS = sorted((REPO / "sql").rglob("*.sql"))
#: what doesn't travel to Spark
FOREIGN = ("hugeint", "asof ", "qualify ", "::double", "read_csv", "read_json")


#: places of the models that are filled with a list that ends in a comma
_LISTS = ("taken", "owner", "before")


def on_spark(text: str) -> str:
    """A model in Spark's dialect, its places filled with the least that fits there. Raises Foreign."""
    filled = re.sub(r"'\{\{\w+\}\}'", "'x'", text)
    filled = re.sub(r"\(\s*\{\{\w+\}\}\s*\)", "(select x from t)", filled)
    filled = re.sub(r"\{\{(\w+)\}\}", lambda found: "x," if found[1] in _LISTS else "x", filled)
    values = dict.fromkeys(re.findall(r"\$(\w+)", filled), date(2026, 1, 1))
    return to_spark(parsed(filled), values)


def imports(path: Path) -> set[str]:
    return set(re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE))


def test_the_domain_knows_neither_dagster_nor_streamlit():
    layers = {"assets", "console"}
    for path in sorted((REPO / "pipelines").rglob("*.py")):
        inside = path.relative_to(REPO / "pipelines").parts[0]
        if inside in layers or path.name in ("definitions.py", "cli.py"):
            continue
        foreign = {
            name for name in imports(path) if name.split(".")[0] in ("dagster", "streamlit", "plotly", "dashboards")
        }
        assert not foreign, path


def test_screens_reach_the_ledger_only_through_published_sets():
    for path in sorted((REPO / "dashboards").rglob("*.py")):
        reached = {
            n
            for n in imports(path)
            if n.startswith(("pipelines.storage.ledger", "pipelines.intake", "pipelines.ledger", "pipelines.run"))
        }
        assert not reached, path


def test_a_module_fits_into_a_head():
    long = {}
    for folder in ("pipelines", "dashboards"):
        for path in sorted((REPO / folder).rglob("*.py")):
            if (lines := len(path.read_text().splitlines())) > 250:
                long[str(path.relative_to(REPO))] = lines
    assert not long


@pytest.mark.parametrize("path", MODELS, ids=lambda p: str(p.relative_to(REPO / "sql")))
def test_a_model_says_its_grain_is_lower_case_and_travels(path: Path):
    text = path.read_text()
    assert text.startswith("-- grain: "), "the first line says the grain"
    code = re.sub(r"--[^\n]*|'[^']*'", "", text)
    assert not re.search(r"\b(SELECT|FROM|WHERE|JOIN|GROUP BY)\b", code)
    assert not [word for word in FOREIGN if word in code]
    if path.parent.name == "storage":
        return
    if path.parent.name != "sources":  # read line by line where the file lies, also by Spark's executors
        assert on_spark(text)


@pytest.mark.parametrize(
    "text",
    [
        "select cast(1 as hugeint) as x",
        "select * from a asof join b on a.x >= b.x",
        "select avg(cast(x as decimal(28, 12))) as x from t",
        "select cast(a as decimal(28, 12)) / cast(b as decimal(28, 12)) as x from t",
        "select a_usd / 3 as x from t",
        "select a_usd // 3 as x from t",
        "select cast(a as decimal(38, 12)) * cast(b as decimal(38, 12)) as x from t",
        "select mode(a order by b) as x from t",
        "select unnest(a) as x, unnest(b) as y from t",
        "select * from read_parquet('x')",
    ],
)
def test_what_does_not_travel_to_spark_is_refused(text: str):
    with pytest.raises(Foreign):
        to_spark(parsed(text))


def test_no_floating_point_column_holds_money():
    con = duckdb.connect()
    con.execute((REPO / "sql/storage/ledger_schema.sql").read_text())
    rows = con.execute("select table_name, column_name, data_type from duckdb_columns() where not internal").fetchall()
    assert len(rows) > 150
    assert not [row for row in rows if "DOUBLE" in row[2] or "FLOAT" in row[2]]
    money = {row[2] for row in rows if row[1].endswith("_usd")}
    assert money <= {"DECIMAL(28,12)", "DECIMAL(38,12)", "DECIMAL(22,15)"}


def test_the_repo_names_no_registry_and_no_place_of_a_machine():
    names = subprocess.run(["git", "ls-files"], cwd=REPO, capture_output=True, text=True, check=True).stdout.split("\n")
    hosts = re.compile(
        "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + r"ian)\.(org")).join(("(", ")"))
    )
    for name in filter(None, names):
        assert Path(name).name not in ("uv.lock", "pylock.toml")
        if name.endswith((".py", ".md", ".sql", ".toml", ".yaml", ".yml", ".txt", ".jsonl", "run")):
            text = (REPO / name).read_text(errors="replace")
            assert not hosts.search(text), name
            assert "/" + "work/" not in text, name
            assert "/" + "root/" not in text, name


def test_everything_that_is_imported_is_declared_as_a_dependency():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]

    def names(lines: list[str]) -> set[str]:
        return {re.split(r"[<>=\[]", line)[0].lower().replace("-", "_").split(".")[0] for line in lines}

    declared, spark = names(project["dependencies"]), names(project["optional-dependencies"]["spark"])
    own = {"pipelines", "dashboards", "__future__"} | set(sys.stdlib_module_names)
    for path in sorted((REPO / "pipelines").rglob("*.py")) + sorted((REPO / "dashboards").rglob("*.py")):
        code = re.sub(r'"""(?s:.*?)"""', "", path.read_text())
        found = re.findall(r"^(?:from|import) ([a-zA-Z_0-9]+)", code, re.MULTILINE)
        known = own | declared | (spark if path.parent.name == "engine" else set())
        assert not {name for name in found if name.lower() not in known}, path
