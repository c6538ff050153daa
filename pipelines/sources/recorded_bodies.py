"""Responses as a recorder kept them: a body as it is or as text, or the events of a stream, folded into that body.

A stream is folded into the body that the same call would have answered at once. Counts in streams are
cumulative, so the last usage wins and nothing is summed:

- Anthropic: `message_start` holds the message and its input, each `message_delta` what was counted up to it;
- OpenAI Responses: the last event that carries a response with usage (completed, incomplete, failed);
- chat and text completions: the last chunk with usage (only with `stream_options.include_usage`; Groq writes it
  under `x_groq`, some gateways into every chunk);
- Gemini: `usageMetadata` of the last chunk that has one.

A stream that broke off keeps what had been counted by then, flagged `incomplete_stream`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.sources import documents
from pipelines.sources.attributes import TABLES
from pipelines.sources.values import Reject

#: Bodies of one provider family each, told apart by fields that the others don't have.
OPENAI, ANTHROPIC, GEMINI = "openai", "anthropic", "vertex"
_OBJECTS = frozenset({"chat.completion", "text_completion", "text.completion", "response"})
_CHUNKS = {"chat.completion.chunk": "chat.completion", "text_completion": "text_completion"}
_STREAM_STARTS = ("data:", "event:", "id:", "retry:", ":")
_END = "[DONE]"
#: Fields of a generation's own; what else stands on the line of a bare one is a tag or its time.
_GENERATION = frozenset(TABLES["vertex"]["body"])


def shape(body: Any) -> str | None:
    """The request kind whose body this is; None for every other JSON."""
    if type(body) is not dict:
        return None
    if body.get("type") == "message" and "object" not in body:
        return ANTHROPIC
    if body.get("object") in _OBJECTS:
        return OPENAI
    if "usageMetadata" in body or ("candidates" in body and "modelVersion" in body):
        return GEMINI
    return None


def body_of(response: Any) -> tuple[dict[str, Any] | None, bool]:
    """The body of a recorded response, and whether it is whole. None where it is no response of a known provider."""
    if type(response) is str:
        text = response.lstrip("\ufeff \r\n\t")
        if text.startswith(_STREAM_STARTS):
            return _folded(events(text))
        response = documents.parse(text.encode("utf-8", "replace")) if text[:1] in ("{", "[") else None
    if type(response) is list:  # Gemini streams an array of chunks where no SSE was asked for
        return _folded(response)
    return (response, True) if type(response) is dict else (None, True)


def events(text: str) -> Iterator[Any]:
    """The JSON data of each server-sent event; None for data that is cut off or no JSON."""
    data: list[str] = []
    for line in [*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""]:
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            joined = "\n".join(data).strip()
            data = []
            if joined and joined != _END:
                found = documents.parse(joined.encode("utf-8", "replace"))
                yield found if type(found) is dict else None


def _folded(chunks: Iterable[Any]) -> tuple[dict[str, Any] | None, bool]:
    fold: _Fold | None = None
    whole = True
    for chunk in chunks:
        if type(chunk) is not dict:
            whole = False
            continue
        if fold is None:
            fold = next((kind() for kind in _FOLDS if kind.begins(chunk)), None)
        if fold is not None:
            fold.take(chunk)
    if fold is None:
        return None, whole
    return fold.body, whole and fold.ended


class _Fold:
    """The body that a stream's chunks add up to, and whether its last word was heard."""

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.ended = False

    @staticmethod
    def begins(chunk: dict[str, Any]) -> bool:
        raise NotImplementedError

    def take(self, chunk: dict[str, Any]) -> None:
        raise NotImplementedError


class _Messages(_Fold):
    @staticmethod
    def begins(chunk: dict[str, Any]) -> bool:
        return chunk.get("type") == "message_start"

    def take(self, chunk: dict[str, Any]) -> None:
        kind = chunk.get("type")
        message = chunk.get("message")
        counted = chunk.get("usage")
        if kind == "message_start" and type(message) is dict:
            self.body = {name: field for name, field in message.items() if name != "content"}
        elif kind == "message_delta" and type(counted) is dict:
            before = self.body.get("usage")
            told = {name: count for name, count in counted.items() if count is not None}
            self.body["usage"] = {**(before if type(before) is dict else {}), **told}
            self.ended = True


class _Responses(_Fold):
    @staticmethod
    def begins(chunk: dict[str, Any]) -> bool:
        return str(chunk.get("type")).startswith("response.")

    def take(self, chunk: dict[str, Any]) -> None:
        response = chunk.get("response")
        if type(response) is dict and (response.get("usage") or not self.body.get("usage")):
            self.body = response
            self.ended = bool(response.get("usage"))


class _Completions(_Fold):
    @staticmethod
    def begins(chunk: dict[str, Any]) -> bool:
        return chunk.get("object") in _CHUNKS

    def take(self, chunk: dict[str, Any]) -> None:
        for name in ("id", "created", "model", "service_tier", "provider", "prompt_filter_results", "x_groq"):
            if chunk.get(name):  # Azure's first chunk has an empty id and model
                self.body[name] = chunk[name]
        self.body["object"] = _CHUNKS.get(str(chunk.get("object")), self.body.get("object"))
        counted = chunk.get("usage")
        beside = chunk.get("x_groq")
        counted = counted or (beside.get("usage") if type(beside) is dict else None)
        if type(counted) is dict:
            self.body["usage"] = counted
            self.ended = True


class _Generations(_Fold):
    @staticmethod
    def begins(chunk: dict[str, Any]) -> bool:
        return shape(chunk) == GEMINI or "candidates" in chunk

    def take(self, chunk: dict[str, Any]) -> None:
        for name in ("responseId", "modelVersion", "createTime", "usageMetadata", "error"):
            if chunk.get(name):
                self.body[name] = chunk[name]
        candidates = chunk.get("candidates")
        finished = [c for c in candidates if type(c) is dict] if type(candidates) is list else []
        self.ended = self.ended or any(candidate.get("finishReason") for candidate in finished)


_FOLDS: tuple[type[_Fold], ...] = (_Messages, _Responses, _Completions, _Generations)


def recorded(line: Any) -> tuple[dict[str, Any], dict[str, Any], bool] | None:
    """Body, fields beside it, and whether the body is whole, of a line `{"time", "response", …tags}`.

    A bare generation is read likewise: kind `vertex` knows no other line that holds one. None for every other line. Raises `Reject` for a response of which no provider's body can be made.
    """
    if type(line) is not dict:
        return None
    if shape(line) == GEMINI:
        return line, {name: field for name, field in line.items() if name not in _GENERATION}, True
    if type(line.get("response")) not in (str, dict, list):
        return None
    response = line["response"]
    if type(response) is dict and shape(response) is None:
        return None
    if type(response) is str and not response.lstrip("\ufeff \r\n\t").startswith((*_STREAM_STARTS, "{", "[")):
        return None  # a field of a body that happens to be called so
    body, whole = body_of(response)
    if body is None or shape(body) is None:
        raise Reject("response: expected the body or the events of a chat completion, Response, message or generation")
    return body, {name: field for name, field in line.items() if name != "response"}, whole
