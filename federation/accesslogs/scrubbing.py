"""Takes out of a log line what names a person's connection or account, and what opens a door."""

import re
from typing import Final

_IP4: Final = rb"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"
_IP6: Final = (
    rb"(?<![\w:./])(?:[0-9A-Fa-f]{0,4}:){2,7}"
    rb"(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?:%\w+)?(?![\w:])"
)
_ADDRESS: Final = re.compile(_IP4 + rb"|" + _IP6)
_CALLER: Final = re.compile(rb"\A[^\[\"{]*(?=\[)")
"""What stands before the time in a combined line: address, identity, account."""
_MEMBER: Final = re.compile(
    rb'("(?:remote_\w+|client_\w+|user_id|user|x_forwarded_for|X-Forwarded-For|'
    rb'Forwarded|X-Real-Ip|Cookie|addr|ip)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?)',
    re.IGNORECASE,
)
_WHOLE_TOKEN: Final = re.compile(rb"(eyJ[\w-]{4,}\.[\w-]{4,})\.[\w-]{8,}")


def scrubbed(line: bytes) -> bytes:
    """Return a log line without addresses, accounts, and signatures of tokens logged whole."""
    bare = _CALLER.sub(b"- - - ", line, count=1)
    bare = _WHOLE_TOKEN.sub(rb"\1.-", bare)
    return _ADDRESS.sub(b"-", _MEMBER.sub(rb'\1"-"', bare))
