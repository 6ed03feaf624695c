"""Where the hub finds the nodes it asks."""

from datetime import UTC, datetime

from federation.trust.store import trusted_nodes, trusted_places
from federation.trust.tables import Party
from federation.values.party import HUB

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def a_party(code, suspended_at=None):
    return Party(
        code=code,
        entity_id=f"https://{code}.example",
        url=f"https://{code}.example/api",
        name=code,
        jwk="{}",
        admitted_at=NOON,
        suspended_at=suspended_at,
    )


async def test_every_admitted_node_that_is_not_suspended_is_asked(database):
    async with database.write("test") as session:
        session.add_all([a_party("GB"), a_party(HUB), a_party("FR", NOON), a_party("DE")])
    async with database.read() as session:
        places = await trusted_places(session)
        nodes = await trusted_nodes(session)

    assert places == [
        (code, f"https://{code}.example", f"https://{code}.example/api") for code in ("DE", "GB")
    ]
    assert [code for code, *_ in places] == [node.code for node in nodes]
