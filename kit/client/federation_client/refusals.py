"""What a program of a lab has to expect: what the hub refuses, and what did not come about."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from federation.errors import RefusalError

_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_MESSAGE_MAX: Final = 2_000


class RefusedError(Exception):
    """The hub refused, and did nothing.

    Unless the code is `HTTP_5..`: then whatever answered has failed, and what was asked may have
    been done; it was one that the same key, or the same question, asks again.

    `code` is stable and for programs (docs name them), `message` is a sentence for people.
    `retry_after` says in how many seconds the same may be asked again; 0 where the hub did not say.
    """

    def __init__(self, code: str, message: str, *, retry_after: int = 0) -> None:
        self.code = code if _CODE.fullmatch(code) else "REFUSED"
        shown = message[:_MESSAGE_MAX]
        self.message = "".join(letter if letter.isprintable() else " " for letter in shown)
        self.retry_after = retry_after
        super().__init__(f"{self.code}: {self.message}")


class NotUnderstoodError(RefusalError):
    """What answered is no hub that this client understands."""

    code: ClassVar[str] = "NOT_UNDERSTOOD"


class OutcomeUnknownError(RefusalError):
    """The answer was lost, and what was asked must not be sent twice: it may have been done."""

    code: ClassVar[str] = "OUTCOME_UNKNOWN"


class IncompleteError(RefusalError):
    """The list is over, and not every collective has answered.

    `missing` are their codes. The list goes on from its `cursor`, also later.
    """

    code: ClassVar[str] = "INCOMPLETE"

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(", ".join(missing))


class NotRegisteredInTimeError(RefusalError):
    """Not every node has said that it honours the licence."""

    code: ClassVar[str] = "NOT_REGISTERED_IN_TIME"


class ReportStoppedError(RefusalError):
    """A report of usage stopped on its way; what was taken stays taken.

    `receipts` are those of the batches taken by this call, `done` how many of the report's are
    taken in all: the same report with `done` goes on behind them. `__cause__` says why.
    """

    code: ClassVar[str] = "REPORT_STOPPED"

    def __init__(self, detail: str, *, receipts: Sequence[Any], done: int) -> None:
        self.receipts = tuple(receipts)
        self.done = done
        super().__init__(detail)
