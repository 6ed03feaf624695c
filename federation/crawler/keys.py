"""The key of a crawler in a file of its own: made once, read from then on."""

import os
from pathlib import Path
from typing import Final

from federation.signing.crawl_keys import CrawlKey

_MODE: Final = 0o600


def crawl_key(path: Path) -> CrawlKey:
    """Return the Ed25519 key in a file; where there is none, make one that only its owner may read.

    Raises INVALID_KEY for a file that others may read, or that holds something else.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        return CrawlKey.load(path)
    key = CrawlKey.generate()
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_pem())
    return key
