"""The nodes that a run names: those that had been admitted when its month was calculated."""

from federation.settlement.run_document import RunDocument
from federation.store.sessions import ReadSession
from federation.trust.store import node_parties
from federation.trust.tables import Party


async def nodes_of(session: ReadSession, document: RunDocument) -> list[Party]:
    """Return the collectives of a run by code; who joined since has no part in it."""
    parties = await node_parties(session)
    return [party for party in parties if party.code in document.collectives]
