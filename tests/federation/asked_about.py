"""Addresses of the shop that is asked what may be done with them, and a server that is down."""

from contextlib import asynccontextmanager

DE_OWN, FR_OWN, GB_OWN = (f"https://news.example/{name}/1" for name in ("de", "fr", "gb"))
WITHHELD = "https://news.example/de/private/1"
WILDCARD = "https://x.y.bild.example/1?q=1"
LATE, CONTESTED, TWINS = (f"https://{name}.example/1" for name in ("late", "both", "twins"))
JOURNAL, COPY = "https://journal.example/a", "https://press.example/copy/1"
NOBODYS, MALFORMED = "https://nowhere.example/", "mailto:de@news.example"


@asynccontextmanager
async def down(small, code):
    await small.stop(code)
    try:
        yield
    finally:
        await small.start(code)
