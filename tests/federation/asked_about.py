"""Addresses of the shop that is asked what may be done with them, and a server that is down."""

from contextlib import asynccontextmanager, contextmanager

from federation.federated.wire import ON_BEHALF_OF_HEADER
from federation.messaging.peers import PeerClient, PeerGoneError

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
    """Count the questions that servers put on behalf of somebody: who is asked, for each.

    One that is put again because the connection had been idle too long is one.
    """
    sent, post = [], PeerClient.post

    async def counting(self, entity_id, url, *rest, **more):
        is_gone = False
        try:
            return await post(self, entity_id, url, *rest, **more)
        except PeerGoneError:
            is_gone = True
            raise
        finally:
            if ON_BEHALF_OF_HEADER in more.get("headers", {}) and not is_gone:
                sent.append(entity_id.partition("//")[2].partition(".")[0].upper())

    with monkeypatch.context() as patched:
        patched.setattr(PeerClient, "post", counting)
        yield sent
