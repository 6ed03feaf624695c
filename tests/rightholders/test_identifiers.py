"""A number of a rightholder is of one at a time, and what was merged is the one that stays."""

from datetime import UTC, datetime, timedelta

import pytest

from federation.errors import RefusalError
from federation.history.acts import AlreadyRegisteredError
from federation.history.feed_store import last_change
from federation.history.kinds import Moment, Saying
from federation.history.merges import find_as_merged
from federation.identifiers.schemes import IdentifierTakenError
from federation.registry.service import UnknownMemberError
from federation.rightholders import service
from federation.rightholders.rightholder import DraftRightholder
from federation.rightholders.store import RIGHTHOLDERS

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
IPI = "IPI:00014107338"
SAYING = Saying("anna", "a letter", NOW)


async def register(database, name, *, at=NOW, **draft):
    async with database.write("register") as session:
        await service.ACTS.register(
            session, name, DraftRightholder(name, **draft), starts_at=at, saying=SAYING
        )


async def change(database, name, *, at, ends_at=None, **draft):
    async with database.write("change") as session:
        body = DraftRightholder(name, **draft)
        await service.ACTS.change(session, name, body, starts_at=at, ends_at=ends_at, saying=SAYING)


async def merge(database, name, into, at=NOW):
    async with database.write("merge") as session:
        return await service.ACTS.merge(session, name, into, at=at, saying=SAYING)


async def refused(database, act, refusal):
    """Expect a refusal that leaves no change; return why."""
    async with database.read() as session:
        before = await last_change(session)
    with pytest.raises(refusal) as raised:
        await act
    async with database.read() as session:
        assert await last_change(session) == before
    return raised.value.detail


async def names(database, *asked, at=NOW):
    async with database.read() as session:
        return [one.thing for one in await find_as_merged(session, RIGHTHOLDERS, asked, Moment(at))]


async def test_a_number_is_of_one_rightholder_for_all_the_time_of_a_statement(database):
    await register(database, "R-1", at=NOW + 5 * DAY, identifiers=[IPI])

    early = register(database, "R-2", identifiers=[IPI])
    assert await refused(database, early, IdentifierTakenError) == f"{IPI} is of R-1"
    await register(database, "R-2")
    over = change(database, "R-2", at=NOW, ends_at=NOW + 6 * DAY, identifiers=[IPI])
    assert await refused(database, over, IdentifierTakenError) == f"{IPI} is of R-1"
    await change(database, "R-2", at=NOW, ends_at=NOW + 5 * DAY, identifiers=[IPI])


async def test_the_number_of_a_merged_rightholder_is_of_the_one_that_stays(database):
    await register(database, "R-1", identifiers=[IPI])
    await register(database, "R-2")

    found = await merge(database, "R-1", "R-2", at=NOW + DAY)

    assert found.thing == "R-2"
    again = register(database, "R-3", at=NOW + 2 * DAY, identifiers=[IPI])
    assert await refused(database, again, IdentifierTakenError) == f"{IPI} is of R-2"
    await change(database, "R-2", at=NOW + 2 * DAY, identifiers=[IPI])
    assert await names(database, "R-1", "R-2", at=NOW + 2 * DAY) == ["R-2"]
    assert await names(database, "R-1", "R-2") == ["R-1", "R-2"]


async def test_one_that_is_registered_anew_has_no_number_that_another_got_meanwhile(database):
    await register(database, "R-1", identifiers=[IPI])
    await register(database, "R-2")
    await merge(database, "R-1", "R-2")
    async with database.write("end") as session:
        await service.ACTS.end(session, "R-2", at=NOW + DAY, saying=SAYING)
    await register(database, "R-3", at=NOW + DAY, identifiers=[IPI])

    again = register(database, "R-2", at=NOW + 2 * DAY)
    assert await refused(database, again, IdentifierTakenError) == f"{IPI} is of R-3"


async def test_a_demerged_rightholder_has_no_number_that_another_has_meanwhile(database):
    await register(database, "R-1", identifiers=[IPI])
    await register(database, "R-2")
    await merge(database, "R-1", "R-2", at=NOW + DAY)
    await change(database, "R-2", at=NOW + 2 * DAY, identifiers=[IPI])

    async def demerge(at):
        async with database.write("demerge") as session:
            return await service.ACTS.demerge(session, "R-1", at=at, saying=SAYING)

    detail = await refused(database, demerge(NOW + 3 * DAY), IdentifierTakenError)

    assert detail == f"{IPI} is of R-2"
    await change(database, "R-2", at=NOW + 3 * DAY)
    assert (await demerge(NOW + 3 * DAY)).body.identifiers == (IPI,)


async def test_a_rightholder_is_no_member_that_there_is_not(database):
    unknown = register(database, "R-1", member="M-9")

    assert await refused(database, unknown, UnknownMemberError) == "M-9"


async def test_an_id_stands_without_a_code_and_is_registered_once(database):
    await register(database, "R-1")

    for name in ("GB:R-1", "a/b", ""):
        await refused(database, register(database, name), RefusalError)
    await refused(database, register(database, "R-1"), AlreadyRegisteredError)
