"""One writer at a time where several machines share a workspace's storage: a lease, renewed and fenced.

A lock of the operating system reaches one machine, so the holder also keeps a file under `.outlay/lease/`, named for its
**fencing token**: the number that follows the highest one there. Making it is one atomic step that one writer wins; the
highest number holds the lease. While it lives, the holder renews: it writes the file again with the next beat.

No clock of one machine is compared with another's. Who waits watches the beat, and takes over once it has stood still
for as long as the holder promised to renew it, by the waiter's own steady clock. A holder that was stopped meanwhile
(a suspended machine, a long swap) finds a higher token when it goes on, and `fence` refuses what it wanted to publish.

`fence` renews first and then looks for a higher token; who takes over makes the token first and then looks for a new
beat. Whichever order these four steps fall in, at most one of the two goes on.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pipelines.workspace.errors import OutlayError

#: environment variable: how long a holder that says nothing more keeps the lease
SECONDS, DEFAULT_SECONDS = "OUTLAY_LEASE_SECONDS", 60.0
_RENEWALS = 4  #: beats in the time that a holder promises
_WATCH_S = 0.05
_KEPT = 3  #: files of earlier tokens


@dataclass(frozen=True)
class Held:
    """What a lease file says. `expires_at` is for people: nothing is decided by it."""

    token: int
    machine: str
    owner: str
    seconds: float
    beat: int = 0
    expires_at: str = ""
    released: bool = False


class Lease:
    """A held lease. `fence` before every step that others will see."""

    def __init__(self, folder: Path, held: Held, *, from_silent: bool = False) -> None:
        self._folder, self._held = folder, held
        self.from_silent = from_silent  #: taken over from another machine's holder that may yet go on
        self._ended, self._writing = threading.Event(), threading.Lock()
        self._renewing = threading.Thread(target=self._renew, name="lease", daemon=True)

    @property
    def token(self) -> int:
        """Grows with every holder."""
        return self._held.token

    def fence(self) -> None:
        """Raises OutlayError when another writer has taken over: what this one made must not be published."""
        self._beat()
        newest = _newest(self._folder)
        if newest > self.token:
            taker = _read(self._folder, newest)
            raise OutlayError(
                f"this run was stopped for longer than {self._held.seconds:g} s and lost its lease on "
                f"{self._folder.parent} to {taker.owner if taker else 'another run'}: it published nothing and nothing "
                f"was changed. Run it again; {SECONDS} says how long a lease outlives its holder's silence"
            )

    def lost(self) -> bool:
        """Whether another writer has taken over."""
        return _newest(self._folder) > self.token

    def begin(self) -> None:
        """Start renewing."""
        self._renewing.start()

    def end(self) -> None:
        """Stop renewing and let the next one in at once."""
        self._ended.set()
        self._renewing.join()
        with suppress(OSError):  # who waits takes over when the beat has stood still
            self._beat(released=True)

    def _renew(self) -> None:
        while not self._ended.wait(self._held.seconds / _RENEWALS):
            with suppress(OSError):  # the storage may answer again by the next beat; `fence` does not suppress it
                self._beat()

    def _beat(self, *, released: bool = False) -> None:
        with self._writing:
            self._held = replace(
                self._held, beat=self._held.beat + 1, released=released, expires_at=_expiry(self._held.seconds)
            )
            _write(self._folder, self._held)


@contextmanager
def leased(home: Path, wait_s: float, *, machine: str | None = None) -> Generator[Lease]:
    """Hold the lease of a workspace's storage. The caller holds the machine's own lock already.

    A holder on this very machine is therefore dead, and its lease is taken over at once. Raises OutlayError when
    another machine's holder still renews after `wait_s` seconds.
    """
    folder = home / "lease"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lease = _acquired(folder, wait_s, machine or this_machine())
    except OSError as error:
        raise OutlayError(
            f"{folder}: {error.strerror or error}: nothing was changed, the last published set is still served"
        ) from error
    lease.begin()
    try:
        yield lease
    finally:
        lease.end()


@cache
def this_machine() -> str:
    """This kernel, since it was started: whoever shares it shares its locks."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname() if not boot else ''}{boot}"


def _acquired(folder: Path, wait_s: float, machine: str) -> Lease:
    seconds = _seconds()
    deadline = time.monotonic() + wait_s
    owner = f"process {os.getpid()} on {socket.gethostname()}"
    seen: tuple[int, int] | None = None
    since = time.monotonic()
    while True:
        newest = _newest(folder)
        holder = _read(folder, newest) if newest else None
        now = time.monotonic()
        if holder and (holder.token, holder.beat) != seen:
            seen, since = (holder.token, holder.beat), now
        if holder is None or holder.released or holder.machine == machine or now - since > holder.seconds:
            mine = Held(newest + 1, machine, owner, seconds, expires_at=_expiry(seconds))
            if _create(folder, mine):
                after = _read(folder, newest) if newest else None
                if holder is None or holder.released or after == holder:
                    _tidy(folder, mine.token)
                    silent = holder is not None and not holder.released and holder.machine != machine
                    return Lease(folder, mine, from_silent=silent)
                # it spoke after all: this token stands released, and the holder learns of it at its fence
                _write(folder, replace(mine, released=True))
        elif now >= deadline:
            raise OutlayError(
                f"another run ({holder.owner}) is writing {folder.parent}; it was not disturbed. "
                f"Waited {wait_s:.0f} s: try again when it is done"
            )
        time.sleep(_WATCH_S)


def _seconds() -> float:
    text = os.environ.get(SECONDS)
    try:
        seconds = float(text) if text else DEFAULT_SECONDS
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 86_400:
        raise OutlayError(f"{SECONDS}={text}: expected seconds from 0.1 to 86400")
    return seconds


def _expiry(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def _place(folder: Path, token: int) -> Path:
    return folder / f"{token:012}.json"


def _newest(folder: Path) -> int:
    return max((int(file.stem) for file in folder.glob("*.json")), default=0)


def _read(folder: Path, token: int) -> Held | None:
    """None where it is gone: a later holder tidied up. A file that says nothing is of a holder that never speaks."""
    try:
        return Held(**json.loads(_place(folder, token).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return Held(token, "", "unknown", _seconds())


def _fresh(folder: Path, held: Held) -> Path:
    """The file's content under a name of this process, for one atomic step into place."""
    fresh = folder / f"{held.token:012}.{os.getpid()}.{threading.get_ident()}.fresh"
    with open(fresh, "w", encoding="utf-8") as file:
        json.dump(asdict(held), file)
        file.flush()
        os.fsync(file.fileno())
    return fresh


def _create(folder: Path, held: Held) -> bool:
    """Make the token's file; False where another one was first. A link is atomic on network storage too."""
    fresh = _fresh(folder, held)
    try:
        os.link(fresh, _place(folder, held.token))
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    return True


def _write(folder: Path, held: Held) -> None:
    os.replace(_fresh(folder, held), _place(folder, held.token))


def _tidy(folder: Path, token: int) -> None:
    for file in folder.iterdir():
        number = file.name.partition(".")[0]
        if number.isdigit() and int(number) <= token - _KEPT:
            file.unlink(missing_ok=True)
