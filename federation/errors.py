"""The one kind of failure a caller may expect: a refusal with a stable code."""

import re
from typing import Any, ClassVar

import msgspec

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


class RefusalError(Exception):
    """The request is refused.

    Subclasses stand beside the rule they belong to. `code` is stable and public; the
    class docstring's first line is the message; `detail` names the place and the reason.
    Everything that is not a RefusalError is a defect: logged with an id, answered masked.
    """

    code: ClassVar[str] = "REFUSED"

    def __init__(self, detail: str = "") -> None:
        self.detail = detail
        super().__init__(self.message)

    @property
    def headline(self) -> str:
        """What was refused, and neither where nor why."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    @property
    def message(self) -> str:
        """The sentence a caller reads: what was refused, then where and why."""
        return f"{self.headline} ({self.detail})" if self.detail else self.headline


class LaterError(RefusalError):
    """Not now: the same request may be sent again after `retry_after` seconds."""

    code: ClassVar[str] = "LATER"

    def __init__(self, detail: str = "", *, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


def answered(status: int, body: bytes) -> str:
    """Say how another server refused: `HTTP 409 NOT_ADMITTED`, or `HTTP 409` without a code.

    Nothing else of an answer is repeated: whoever sent it chose its text.
    """
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    code = said.get("code") if isinstance(said, dict) else None
    is_code = isinstance(code, str) and _CODE.fullmatch(code) is not None
    return f"HTTP {status} {code}" if is_code else f"HTTP {status}"
