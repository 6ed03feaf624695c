"""Addresses of the shop that is asked what may be done with them, and a server that is down."""

from contextlib import asynccontextmanager, contextmanager

from federation.edge.peers import PeerClient

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


@contextmanager
def counted(monkeypatch):
    """Count the questions that are sent to servers: who is asked, for each."""
    sent, post = [], PeerClient.post

    async def counting(self, entity_id, url, *rest, **more):
        if url.endswith("/graphql"):
            sent.append(entity_id.partition("//")[2].partition(".")[0].upper())
        return await post(self, entity_id, url, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(PeerClient, "post", counting)
        yield sent
