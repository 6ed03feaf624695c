"""The blocking face of the client out of the one for event loops: the same text, nothing awaited.

Only spellings differ: `async` and `await` fall away, and a few names have a blocking twin. What a
spelling cannot say stands in one of the modules that both faces share.
"""

import re
from typing import Final

_PHRASES: Final = (  # in this order, each wherever it stands
    (r"async with ", "with "),
    (r"async for ", "for "),
    (r"async def ", "def "),
    (r"\bawait asyncio\.to_thread\(([\w.]+)\)", r"\1()"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z]\w*)", ""),
    (r"Awaitable\[([\w.|\[\] ]+?)\]\]", r"\1]"),
    (r"\b__a(enter|exit|iter)__\b", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bimport asyncio\b", "import time"),
    (r"\bfederation_client\.awaited\b", "federation_client.blocking"),
    (r"\b(self\._bound)\.headers\b", r"\1.blocking_headers"),
    (r"for programs with an event loop", "for programs without an event loop"),
)


def blocking(text: str) -> str:
    """Return a module of `federation_client/awaited` as its blocking twin."""
    for pattern, twin in _PHRASES:
        text = re.sub(pattern, twin, text)
    title, rest = text.split("\n", 1)
    return f"{title}\n\n# Written from `awaited` by `make client`, not by hand.\n{rest}"
