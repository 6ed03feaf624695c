"""That what is noted of shares beyond the whole is what nodes told, added up again."""

from federation.addresses.urls import ClaimKey
from federation.claimindex import share_store
from federation.claimindex.messages import Over
from federation.claimindex.shares import over
from federation.store.invariants import Check
from federation.store.sessions import ReadSession
from federation.values.party import HUB


async def shares_over_as_told(session: ReadSession, here: str) -> Check:
    """At the hub: each place is added up again; at a node: what it was told names it.

    Each is more than the whole, or it could not be read.
    """
    noted = await share_store.every_over(session)
    if here != HUB:
        return len(noted), [place.text for place in noted if _is_foreign(noted[place], here)]
    places = {*noted, *await share_store.places_of_several(session)}
    shares = await share_store.shares_on(session, places)
    wrong = [place for place in places if over(shares[place]) != noted.get(place, [])]
    return len(places), sorted(map(_text, wrong))


def _is_foreign(found: list[Over], here: str) -> bool:
    return any(here not in one.parts for one in found)


def _text(place: ClaimKey) -> str:
    return place.text
