"""May a page be put to a use, from records and where their subjects are: written from SETTLEMENT.

Where works and claims are at an instant, and who rightholders are, is asked of the registry; which
record applies there, and what several say together, is found here once more. It knows no rulings.
"""

from datetime import UTC
from types import SimpleNamespace

from sqlalchemy import select

from federation.history.kinds import Moment
from federation.history.merges import as_merged, find_as_merged
from federation.registry.store import all_joined_on
from federation.registry.tables import Claim
from federation.rightholders.store import RIGHTHOLDERS
from federation.works.store import WORKS
from tests.consent.oracle import is_open


class Oracle:
    """What a registry knows now of claims, and of works and rightholders at some instants."""

    @classmethod
    async def at_work(cls, session, names, rightholders, instants):
        """Read it."""
        found = cls()
        found.joined = await all_joined_on(session)
        found.claims = {row.claim_id: row for row in await session.scalars(select(Claim))}
        found.pages = {}
        for name in names:
            for at in instants:
                one = await find_as_merged(session, WORKS, [name], Moment(at))
                found.pages[f"work:{name}", at] = {a for w in one for a in w.body.addresses}
        found.members, found.theirs = {}, {}
        for at in instants:
            works = await find_as_merged(session, WORKS, names, Moment(at))
            are = await as_merged(session, RIGHTHOLDERS, rightholders, Moment(at))
            for name, one in are.items():
                found.members[f"rightholder:{name}", at] = one.body.member
                found.theirs[f"rightholder:{name}", at] = {
                    address
                    for work in works
                    for address in work.body.addresses
                    if one.body.member is None
                    and work.body.rightholder in are
                    and are[work.body.rightholder].thing == one.thing
                }
        return found

    def opens(self, records, opt_outs, page, use, at):
        """Tell whether nothing refuses a page (`host/path`) a use at an instant.

        `records` are (subject, state, use, effective_at, ends_at) as they are known, `opt_outs`
        (subject, use, effective_at); a claim's subject names it as it was first registered.
        """
        held = self._held(page, at)
        groups = [[one for one in records if page in self.pages.get((one[0], at), ())]]
        for path in _upwards(page):
            ids = {f"claim:{self._first(row)}" for row, address in held if address == path}
            groups.append([one for one in records if one[0] in ids or one[0] == path])
        longest = max((address for _, address in held), key=len, default=None)
        members = {row.member_id for row, address in held if address == longest}
        names = {f"member:{member}" for member in members}
        names |= {one for (one, then), who in self.members.items() if then == at and who in members}
        names |= {one for (one, then), has in self.theirs.items() if then == at and page in has}
        groups.append([one for one in records if one[0] in names])
        said = [[_said(*one) for one in group] for group in groups]
        bearing = {*_upwards(page), *(f"member:{member}" for member in members)}
        withheld = [_said(s, "OPT_OUT", of, at_, None) for s, of, at_ in opt_outs if s in bearing]
        return is_open([*said, withheld], use, at)

    def _held(self, page, at):
        """(claim, address) of those that are known, count then and hold the page."""
        day = at.astimezone(UTC).date()
        return [
            (row, f"{row.host}{row.path}")
            for row in self.claims.values()
            if row.superseded_at is None
            and max(self.joined[row.member_id], row.valid_from or day) <= day
            and (row.valid_to is None or day < row.valid_to)
            and f"{row.host}{row.path}" in _upwards(page)
        ]

    def _first(self, row):
        while row.replaces is not None:
            row = self.claims[row.replaces]
        return row.claim_id


def _said(subject, state, use, effective_at, ends_at):
    return SimpleNamespace(
        state=state,
        use=use,
        effective_at=effective_at,
        ends_at=ends_at,
        since=None,
        source=subject,
        length=0,
    )


def _upwards(page):
    """The page, and what it lies in."""
    host, _, path = page.partition("/")
    parts = path.split("/") if path else []
    return [f"{host}/{'/'.join(parts[:count])}" for count in range(len(parts), -1, -1)]
