"""What each member of a node gets for a month and why: `members.csv`, some members at a time."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import groupby

from federation.distribution import store
from federation.documents.member_csv import MemberRow, members_head, members_lines, place_of
from federation.registry import store as registry
from federation.store.sessions import ReadSession
from federation.values.month import Month

AT_A_TIME = 200  # members whose lines are in memory


async def member_parts(session: ReadSession, period: Month, currency: str) -> AsyncIterator[bytes]:
    """Yield the file of a distributed month part by part, its lines sorted column after column.

    A line is payable as its member is: the whole balance, or nothing with the reason.
    """
    yield members_head()
    for members in _together(await store.members_of_month(session, period)):
        names = await registry.names_of(session, members)
        reasons = await store.reasons_of(session, period, members)
        amounts = await store.amounts_of(session, period, members)
        rows = [
            MemberRow(
                member_id=row.member_id,
                name=names.get(row.member_id, ""),
                licence=row.licence,
                use=row.use,
                units=row.units,
                source=row.source,
                attributed=row.amount,
                payable=row.amount if reasons.get(row.member_id) is None else 0,
                outstanding=0 if reasons.get(row.member_id) is None else row.amount,
                reason=reasons.get(row.member_id),
            )
            for row in amounts
        ]
        yield members_lines(rows, currency)


def _together(members: Sequence[str]) -> Iterator[list[str]]:
    """Yield members in the order of their lines; who would stand in one place is in one part."""
    part: list[str] = []
    for _, alike in groupby(sorted(members, key=place_of), key=place_of):
        part += alike
        if len(part) >= AT_A_TIME:
            yield part
            part = []
    if part:
        yield part
