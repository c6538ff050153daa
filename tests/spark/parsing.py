"""Gives every model, written for Spark, to Spark's own parser: no session, no executors."""

from __future__ import annotations

from typing import Any

from tests.test_the_house import MODELS, REPO, on_spark


def parse() -> dict[str, Any]:
    """How many models Spark's parser reads, and what it says of those that it refuses.

    Only where a Spark session of this process has been: its Java process is asked.
    """
    from pyspark import SparkContext

    java = SparkContext._jvm  # type: ignore[attr-defined]
    assert java is not None
    parser = java.org.apache.spark.sql.execution.SparkSqlParser()
    refused, read = {}, 0
    for path in MODELS:
        if path.parent.name in ("storage", "sources"):
            continue
        try:
            parser.parsePlan(on_spark(path.read_text()))
            read += 1
        except Exception as error:  # whatever its parser says
            refused[str(path.relative_to(REPO))] = str(error)[:300]
    return {"read": read, "refused": refused}
