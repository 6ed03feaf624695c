"""What is said to have happened to consent records: they came, hold otherwise, or have an end."""

from federation.proposals import acts
from federation.store.happened import what_happened
from federation.values.event import Event, EventType
from tests.mandates.recording import DAY, HOUR, NOON, carried_out, recorded


def said(what, *numbers):
    return Event(what, {}, numbers=numbers)


async def test_a_record_that_comes_and_one_that_gets_an_end_or_is_withdrawn(registry):
    found = []

    async def follow(session):
        found.extend(one for one in what_happened(session) if one.type.startswith("consent."))

    registry.follow(follow)
    first = await recorded(registry)
    assert found == [said(EventType.CONSENT_RECORDED, first)]

    ended = await carried_out(registry, acts.EndConsent(first, NOON + DAY), now=NOON + HOUR)
    assert ended not in {None, first}
    assert found[1:] == [said(EventType.CONSENT_ENDED, ended)]

    second = await recorded(registry, "member:m1", now=NOON + HOUR)
    assert await carried_out(registry, acts.WithdrawConsent(second), now=NOON + 2 * HOUR) is None
    assert found[2:] == [
        said(EventType.CONSENT_RECORDED, second),
        said(EventType.CONSENT_ENDED, second),
    ]
