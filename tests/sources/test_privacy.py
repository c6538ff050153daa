"""Nothing that people wrote, no header and no key leaves a reader, not even in an excerpt."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.sources.context import FileRef
from pipelines.sources.quarantine import LENGTH, excerpt
from pipelines.sources.registry import read
from tests.sources.reading import CALL, EXAMPLES, NOW, read_lines
from tests.sources.test_spans import chat, document

CANARY = "canary-7Qx"
KEY = "sk-proj-" + CANARY + "A1b2C3d4E5f6G7h8"
CONTENT = {
    "prompt": CANARY,
    "messages": [{"role": "user", "content": CANARY}],
    "input": CANARY,
    "output": CANARY,
    "completion": CANARY,
    "response_text": CANARY,
    "content": CANARY,
    "headers": {"authorization": f"Bearer {CANARY}"},
    "api_key": KEY,
    "x-api-key": KEY,
    "Authorization": f"Bearer {CANARY}",
    "cookie": CANARY,
    "note": KEY,
    "arguments": json.dumps({"q": CANARY}),
}


def example(file: str, number: int = 0) -> dict[str, Any]:
    return json.loads((EXAMPLES / file).read_text().splitlines()[number])


def salted(record: Any) -> Any:
    """Every text where logs hold prompts, answers, headers and keys replaced by the canary."""
    if isinstance(record, dict):
        loud = (
            "text",
            "content",
            "messages",
            "response",
            "message",
            "error_str",
            "traceback",
            "error_message",
        )
        return {
            key: CANARY if key in loud and isinstance(found, str | None) else salted(found)
            for key, found in record.items()
        }
    return [salted(item) for item in record] if isinstance(record, list) else record


TIME = {"time": CALL["time"]}
EVENT = TIME | {"event_id": "e", "workflow": "w", "unit_id": "u", "event": "failed"}
RESPONSE = salted(example("01-openai-responses-with-usage.jsonl", 1))
BATCH = salted(example("01-openai-batch-output.jsonl"))
MESSAGE = salted(example("02-anthropic-messages-with-usage.jsonl"))
FAILED = salted(example("02-anthropic-batch-results.jsonl", 1))
LITELLM = salted(example("04-litellm-standard-logging-payload.jsonl"))
BEDROCK = salted(example("05-bedrock-model-invocation-log.jsonl"))
GATEWAY = example("06-azure-apim-gateway-llm-log.jsonl")
VERTEX = salted(example("06-vertex-request-response-log.jsonl"))
LANGFUSE = example("07-langfuse-observations-v2.jsonl")
HELICONE = example("07-helicone-requests.jsonl")
OPENROUTER = example("07-openrouter-generation.jsonl")
CASES: list[tuple[str, dict[str, Any]]] = [
    ("requests", CALL | CONTENT),
    ("requests", CALL | CONTENT | {"units": [{"unit_id": "u", "prompt": CANARY}]}),
    ("outcomes", EVENT | CONTENT),
    ("openai", RESPONSE | TIME | {"metadata": CONTENT}),
    ("openai-batch", BATCH | CONTENT),
    ("anthropic", MESSAGE | TIME | {"prompt": CANARY}),
    ("anthropic-batch", FAILED | TIME | CONTENT),
    ("litellm", LITELLM | {"metadata": LITELLM["metadata"] | {"requester_metadata": CONTENT}}),
    ("litellm", LITELLM | {"request_tags": [f"prompt:{CANARY}", f"api_key:{KEY}", f"team:{KEY}"]}),
    ("bedrock", BEDROCK | {"requestMetadata": CONTENT}),
    ("vertex", VERTEX | {"full_request": {"labels": CONTENT}}),
    ("azure-apim", GATEWAY | {"RequestMessages": CANARY, "ResponseMessages": CANARY}),
    ("langfuse", LANGFUSE | {"metadata": CONTENT | {"attributes": {"gen_ai.prompt.0.content": CANARY}}}),
    ("helicone", HELICONE | {"request_properties": CONTENT, "request_body": CANARY}),
    ("openrouter", OPENROUTER | CONTENT),
    (
        "otlp",
        document(
            chat(
                1,
                **{
                    "gen_ai.prompt.0.content": CANARY,
                    "gen_ai.input.messages": CANARY,
                    "input.value": CANARY,
                    "llm.input_messages.0.message.content": CANARY,
                    "traceloop.entity.output": CANARY,
                    "http.request.header.authorization": f"Bearer {CANARY}",
                    "exception.message": CANARY,
                    "url.full": f"https://x/?key={CANARY}",
                    "acme.user_prompt": CANARY,
                    "acme.payload": json.dumps({"q": CANARY}),
                    "acme.note": "A long text that somebody wrote to a model about " + CANARY + " and more",
                    "metadata": json.dumps(CONTENT),
                },
            )
            | {"name": CANARY, "events": [{"name": CANARY}], "status": {"message": CANARY}}
        ),
    ),
]


def everything(kind: str, folder: Path, line: Any) -> str:
    path = folder / "log.jsonl"
    path.write_text(line if isinstance(line, str) else json.dumps(line))
    file = FileRef(path, path.name, NOW, NOW)
    return repr(list(read(kind, file))) + repr(file.notes)


@pytest.mark.parametrize(("kind", "line"), CASES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(CASES)])
def test_no_canary_survives_a_reader(tmp_path: Path, kind: str, line: dict[str, Any]) -> None:
    assert CANARY in json.dumps(line)
    found = everything(kind, tmp_path, line)
    assert "Quarantined" not in found
    assert CANARY not in found


@pytest.mark.parametrize(("kind", "line"), CASES, ids=[f"{n}-{kind}" for n, (kind, _) in enumerate(CASES)])
def test_no_canary_survives_a_refusal(tmp_path: Path, kind: str, line: dict[str, Any]) -> None:
    written = json.dumps(line)
    spoiled = [
        written[:-1],
        "[" + written,
        written.replace('"time"', '"tmie"').replace("UnixNano", "UnixNone"),
    ]
    spoiled += [json.dumps(CONTENT), json.dumps({"data": [CONTENT]}), json.dumps({"observations": [CONTENT]})]
    for text in spoiled:
        assert CANARY not in everything(kind, tmp_path, text)


def test_a_line_that_cannot_be_parsed_is_shown_by_its_shape() -> None:
    assert excerpt(b'{"prompt": "caf\xc3\xa9 42') == '{"xxxxxx": "xxxx 99'
    assert excerpt("Bearer sk-abc\x1b[31m 7") == "Xxxxxx xx-xxx [99x 9".replace("X", "x")


def test_an_excerpt_shows_ids_and_numbers_and_masks_texts() -> None:
    shown = excerpt({"request_id": "r1", "prompt": CANARY, "input_tokens": -1, "units": [1, 2], "ok": True, "n": None})
    assert shown == '{"request_id":"r1","prompt":"***","input_tokens":-1,"units":[2],"ok":true,"n":nu'
    assert len(shown) == LENGTH
    assert excerpt({"request_id": KEY}) == '{"request_id":"***"}'
    assert excerpt({KEY: 1}) == '{"***":1}'


def test_what_was_dropped_is_counted_by_why_and_never_by_value(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps(CALL | CONTENT | {"long": "x" * 257, "deep": {"a": 1}}))
    file = FileRef(path, path.name, None, NOW)
    list(read("requests", file))
    assert file.notes.dropped == {"content": 8, "secret": 6, "long": 1, "nested": 1}


def test_reading_is_counted_line_by_line(tmp_path: Path) -> None:
    assert [line for line, _ in read_lines("requests", tmp_path, [CALL, "x", CALL])] == [1, 2, 3]
