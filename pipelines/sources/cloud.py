"""Objects in buckets, through fsspec: `s3://`, `gs://`, `az://` (`abfs://`).

Credentials, endpoints and regions come from the environment alone, as each client documents it; nothing of them is
kept, and `masked` takes them out of every text that leaves here. The clients are the optional extra `cloud`.
A failure of the store is an `OutlayError`, so that a run stops and changes nothing: what can't be reached today is
not what must never be stored.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from pipelines.sources.files import Refused
from pipelines.sources.quarantine import SECRET
from pipelines.workspace.errors import OutlayError

#: scheme -> the package that reads it
CLIENTS = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
#: A refusal that is no property of the content: the object is looked at again by the next run.
ARCHIVED = "archived in cold storage: restore it and run again"
PARALLEL = 48  #: objects under way at once
_BLOCK = 8 << 20
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_WILD = re.compile(r"[*?\[\]]")
_SIGNED = re.compile(r"(?i)[?&](sig|signature|token|x-amz-[a-z-]+|x-goog-[a-z-]+|awsaccesskeyid)=")
#: variables whose value may never be shown
_HELD_BACK = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CONNECTION_STRING|CREDENTIAL|SIGNATURE")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@|(?i:(?<=accountkey=)|(?<=sig=)|(?<=signature=))[^;&\s]+")


def is_cloud(path: str) -> bool:
    """Whether a source's path is a URL."""
    return _SCHEME.match(path) is not None


def split(path: str) -> tuple[str, str, str]:
    """Scheme, bucket (or container) and key pattern."""
    scheme, _, rest = path.partition("://")
    bucket, _, key = rest.partition("/")
    return scheme, bucket, key


def fault(path: str) -> str | None:
    """What is wrong with a source's path that is a URL, in words that repeat no secret; None where nothing is."""
    scheme, bucket, key = split(path)
    if scheme not in CLIENTS:
        return f"scheme {scheme}:// is not read; expected {', '.join(f'{s}://' for s in CLIENTS)} or a local path"
    if "@" in bucket or _SIGNED.search(path) or SECRET.search(path):
        return "holds a credential; expected scheme://bucket/pattern, with credentials from the environment only"
    if not bucket or _WILD.search(bucket):
        return f"expected the name of one bucket or container after {scheme}://, found {repr(bucket) if bucket else 'nothing'}"
    if not key or key.endswith("/"):
        return f"expected a pattern of keys such as {scheme}://{bucket}/logs/**/*.jsonl"
    return None


def masked(text: str) -> str:
    """One line, without the value of any variable of the environment that may be a credential."""
    for name, value in os.environ.items():
        if _HELD_BACK.search(name.upper()) and len(value) >= 4:
            text = text.replace(value, "***")
    line = next(iter(text.strip().splitlines()), "")[:300]
    return SECRET.sub("***", _USERINFO.sub("***", line))


def filesystem(scheme: str) -> Any:
    """The client of a scheme, made anew from the environment. Raises OutlayError where its package is missing."""
    why = None
    try:
        import fsspec

        if (
            scheme == "gs"
        ):  # the plain client: the one that fsspec would take asks over gRPC too, which no emulator speaks
            from gcsfs.core import GCSFileSystem

            return GCSFileSystem(**_options(scheme))
        return fsspec.filesystem(scheme, **_options(scheme))
    except ImportError:
        why = f"{scheme}:// needs the package {CLIENTS[scheme]}, which is not installed: pip install 'outlay[cloud]'"
    except Exception as error:  # each client has its own kinds of these
        why = f"{scheme}:// can't be opened: {masked(str(error) or type(error).__name__)}"
    raise OutlayError(why)


def _options(scheme: str) -> dict[str, Any]:
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if scheme == "s3":
        options["config_kwargs"] = {
            "max_pool_connections": PARALLEL,
            "retries": {"mode": "standard", "max_attempts": 5},
        }
    elif scheme == "gs" and os.environ.get("STORAGE_EMULATOR_HOST"):
        options["token"] = "anon"  # an emulator knows no credentials
    return options


@contextmanager
def told(url: str) -> Generator[None]:
    """Turns a client's failure into an OutlayError that names the URL and no secret; Refused for an archived object."""
    try:
        yield
    except OutlayError:
        raise
    except Exception as error:  # each client has its own kinds of these
        raise failure(url, error) from None


def failure(url: str, error: BaseException) -> Exception:
    """What to raise for a client's error: nothing of it but its masked text, not even as a cause."""
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None)
    if isinstance(response, dict) and response.get("Error", {}).get("Code") == "InvalidObjectState":
        return Refused(ARCHIVED)
    return OutlayError(f"{url}: {_why(error)}")


def _why(error: BaseException) -> str:
    text = masked(str(error)) or type(error).__name__
    if isinstance(error, PermissionError):
        return f"access denied ({text}); expected credentials that may list and read it, from the environment"
    if isinstance(error, FileNotFoundError):
        return f"not found ({text})"
    return f"can't be read ({text})"


@dataclass(slots=True)
class CloudObject:
    """One object as its bucket lists it. Its content is hashed while it is read."""

    fs: Any = field(repr=False)
    key: str  #: with the bucket, as the client names it
    url: str
    size: int
    signs: str  #: size and ETag: changes whenever the content may have changed
    refused: str | None = None
    hashing: Hashing | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]

    def opened(self) -> IO[bytes]:
        """A stream in blocks of some megabytes, whatever the size."""
        with told(self.url):
            raw = self.fs.open(self.key, "rb", block_size=_BLOCK)
        self.hashing = Hashing(raw, self.url)
        return self.hashing  # ty: ignore[invalid-explicit-return]

    def digest(self) -> str:
        """SHA-256 of the content: from the reading that was just done where that came to the end, else from another."""
        done = self.hashing.whole() if self.hashing else None
        self.hashing = None
        if done is not None:
            return done
        stream = self.opened()
        with stream:
            while stream.read(1 << 20):
                pass
        return self.digest()


class Hashing(io.RawIOBase):
    """A stream that hashes what passes, as long as it is read from front to back."""

    def __init__(self, raw: Any, url: str) -> None:
        self._raw, self._url = raw, url
        self._sha256 = hashlib.sha256()
        self._place = self._hashed = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with told(self._url):
            data = self._raw.read(len(buffer))
        buffer[: len(data)] = data
        start, self._place = self._place, self._place + len(data)
        if start <= self._hashed < self._place:
            self._sha256.update(data[self._hashed - start :])
            self._hashed = self._place
        self._ended = self._ended or (not data and len(buffer) > 0 and self._place == self._hashed)
        return len(data)

    def seek(self, place: int, whence: int = 0, /) -> int:
        with told(self._url):
            self._place = self._raw.seek(place, whence)
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        self._raw.close()
        super().close()

    def whole(self) -> str | None:
        """The content's SHA-256 if all of it passed."""
        return self._sha256.hexdigest() if self._ended else None


def fetch(objects: Iterable[CloudObject], limit: int) -> list[bytes | Exception]:
    """The first `limit` bytes of each object, many at once; what a client raised for one stands in its place."""
    wanted = list(objects)
    full = [item for item in wanted if item.size]
    got: dict[str, Any] = {}
    for fs in {id(item.fs): item.fs for item in full}.values():
        keys = [item.key for item in full if item.fs is fs]
        many = {"batch_size": PARALLEL} if getattr(fs, "async_impl", False) else {}
        got |= zip(keys, fs.cat_ranges(keys, 0, limit, on_error="return", **many), strict=True)
    return [got[item.key] if item.size else b"" for item in wanted]
