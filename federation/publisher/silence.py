"""Pages that were granted and of which nginx's log says nothing: nobody would be paid for them.

A wrong path of the log, or a `location` whose `access_log` is another one, looks well from outside:
licensed pages go out, and none is counted. So it is said in the log, and in a file for the doctor.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from federation.gate.whole_files import replace_whole

NOTE: Final = "served.silent"
"""In the site's directory, for as long as the log is silent."""
SILENT_SECONDS: Final = 60
ADVICE: Final = (
    "is it the path of access_log in federation-site-location.conf, included in each protected"
    " location? A page that is still being sent has no line yet"
)
_log = logging.getLogger(__name__)


class Silence:
    """Compares what was granted with what came in the log of nginx."""

    def __init__(
        self, log: Path, directory: Path, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._log, self._note, self._monotonic = log, directory / NOTE, monotonic
        self._lock = threading.Lock()
        self._granted = 0
        self._since: float | None = None
        self._is_told = False

    def granted(self) -> None:
        """Note that nginx was told to serve a page under a licence."""
        with self._lock:
            self._granted += 1
            if self._since is None:
                self._since = self._monotonic()

    def heard(self) -> None:
        """Note that lines came, or that the endpoint has just begun."""
        with self._lock:
            self._granted, self._since, self._is_told = 0, None, False
            self._note.unlink(missing_ok=True)

    def round(self) -> None:
        """Say it once, where no line has come for a minute after a page was granted."""
        with self._lock:
            is_silent = (
                self._since is not None and self._monotonic() - self._since >= SILENT_SECONDS
            )
            if not is_silent or self._is_told:
                return
            pages = f"{self._granted} page{'s were' if self._granted > 1 else ' was'} granted"
            told = f"LOG_SILENT: {pages} and {self._log} has no line of it"
            replace_whole(self._note, told.encode())
            self._is_told = True
        _log.warning("%s - %s", told, ADVICE)


def told_silent(directory: Path) -> str | None:
    """Return what the endpoint of a site said of a silent log, None where nothing is wrong."""
    try:
        return (directory / NOTE).read_text(encoding="utf-8")
    except OSError:
        return None
