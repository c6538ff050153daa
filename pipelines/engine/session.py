"""The Spark session of a run: exact decimals, UTC, ANSI, and a driver that can't be handed anything large."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.storage.models import sql_root
from pipelines.workspace.errors import OutlayError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: environment variable: further settings of Spark, `key=value` separated by semicolons
CONF = "OUTLAY_SPARK_CONF"
DEFAULT_MASTER = "local[*]"
#: What decides figures; no setting of the user changes these.
EXACT = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # sums and products keep their twelve places, or fail: never a rounded last one
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.sql.caseSensitive": "true",
    "spark.sql.cteRecursionRowLimit": "-1",
    # since 4.1 a union may say that it lies as its parts do, so that what reads it leaves out a shuffle: sums came out wrong
    "spark.sql.unionOutputPartitioning": "false",
}
_USUAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # what is broadcast passes through the driver, and Parquet of zstd is several times as large in memory
    "spark.sql.sources.fileCompressionFactor": "8.0",
    "spark.sql.autoBroadcastJoinThreshold": "4m",
    #: answers for the driver are totals and lists of days; marts of unit grain go through storage
    "spark.driver.maxResultSize": "64m",
    "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
}
#: The driver plans some hundred queries, each once: no background collector, and room for all that gets compiled.
_DRIVER = "-Duser.timezone=UTC -XX:+UseParallelGC -XX:ReservedCodeCacheSize=512m"
#: Compiling its code a second time, for speed, took a third of all CPU of a small run. Where the driver's own process
#: reads and sorts the rows too, that pays from some 600,000 of them.
_PLANS_ONLY = " -XX:TieredStopAtLevel=1"


def start(master: str | None, name: str, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A session of its own. Raises OutlayError where Spark or Java is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # pandas is newer than what Spark's own tests used
            from pyspark.sql import SparkSession
    except ImportError as error:
        raise OutlayError('engine: spark needs pyspark: pip install "outlay[spark]"') from error
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(name).master(master or DEFAULT_MASTER)
    warehouse = tempfile.gettempdir() + "/outlay-spark-warehouse"
    local = {
        "spark.executorEnv.PYTHONPATH": _python_path(),
        "spark.sql.warehouse.dir": warehouse,
        "spark.driver.extraJavaOptions": _DRIVER + ("" if works_here(master or DEFAULT_MASTER) else _PLANS_ONLY),
    }
    for key, value in {**_USUAL, **local, **_asked(), **(settings or {}), **EXACT}.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # Java missing, no such master: whatever its launcher says
        raise OutlayError(
            f"Spark did not start on {master or DEFAULT_MASTER}: {str(error).splitlines()[0]} (it needs Java 17)"
        ) from error
    session.sparkContext.setLogLevel("OFF")  # what fails is raised
    return session


def works_here(master: str) -> bool:
    """Whether tasks run in the driver's own process."""
    return master == "local" or master.startswith("local[")


def _python_path() -> str:
    """Executors on this machine import the same Outlay; on others it must be installed."""
    return os.pathsep.join(dict.fromkeys([str(Path(sql_root()).parent), *filter(None, sys.path)]))


def _asked() -> dict[str, str]:
    pairs = [part.partition("=") for part in os.environ.get(CONF, "").split(";") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}
