"""Gives every model, written for Spark, to Spark's own parser, and prints those that it refuses as one JSON document."""

from __future__ import annotations

import json

from pipelines.engine.session import start
from tests.test_the_house import MODELS, REPO, on_spark


def main() -> None:
    session = start("local[1]", "parsing")
    parser = session._jsparkSession.sessionState().sqlParser()  # type: ignore[attr-defined]
    refused, read = {}, 0
    for path in MODELS:
        if path.parent.name in ("storage", "sources"):
            continue
        try:
            parser.parsePlan(on_spark(path.read_text()))
            read += 1
        except Exception as error:  # whatever its parser says
            refused[str(path.relative_to(REPO))] = str(error)[:300]
    print(json.dumps({"read": read, "refused": refused}), flush=True)
    session.stop()


if __name__ == "__main__":
    main()
