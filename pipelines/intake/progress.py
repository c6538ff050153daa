"""How far a run is with reading: what it tells whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Reading:
    """Files and packed bytes read so far, and how many there are."""

    file: str = ""  #: the one that is being read; empty before the first and after the last
    files: int = 0
    of_files: int = 0
    bytes: int = 0
    of_bytes: int = 0


Progress = Callable[[Reading], None]


class Told:
    """Tells `progress` of files that begin and end, and of the bytes of one that is long."""

    #: Bytes between two tellings within one file.
    STEP = 4 << 20

    def __init__(self, progress: Progress | None, files: int, size: int) -> None:
        self._progress = progress
        self._at = Reading(of_files=files, of_bytes=size)
        self._within = 0
        self._told = 0

    def begins(self, file: str) -> None:
        self._within = self._told = 0
        self._tell(replace(self._at, file=file))

    def seen(self, size: int) -> None:
        """Some bytes of the file that was begun were read."""
        self._within += size
        if self._within - self._told >= self.STEP:
            self._told = self._within
            if self._progress is not None:
                self._progress(replace(self._at, bytes=min(self._at.bytes + self._within, self._at.of_bytes)))

    def ended(self, size: int, files: int = 1) -> None:
        """Files of that size are done with, however much of them was read."""
        self._tell(replace(self._at, file="", files=self._at.files + files, bytes=self._at.bytes + size))

    def finished(self) -> None:
        """All is read, also what turned out to be known."""
        if self._at.of_files:
            self._tell(replace(self._at, file="", files=self._at.of_files, bytes=self._at.of_bytes))

    def _tell(self, now: Reading) -> None:
        self._at = now
        if self._progress is not None:
            self._progress(now)
