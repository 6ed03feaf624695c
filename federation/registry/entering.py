"""Registering what a file held, and members of whom no history was kept."""

from typing import Final

from federation.history import acts
from federation.history import store as history
from federation.history.kinds import EVER, Saying, Statement
from federation.registry import edit_store
from federation.registry.edits import Edit, Written, write
from federation.registry.membership import MEMBERS, MemberDetails, midnight
from federation.registry.service import ReadTable
from federation.store.sessions import WriteSession

AT_A_TIME: Final = 5_000


async def enter_table(
    session: WriteSession, table: ReadTable, *, node: str, saying: Saying
) -> tuple[int, Written]:
    """Register what a file held and tell the claim index; return how many rows, and what came."""
    edit = Edit(
        joining=table.members,
        claims=[(claim, None) for claim in table.claims],
        opt_outs=[(opt_out, None, None) for opt_out in table.opt_outs],
    )
    written = await write(session, node, edit, saying)
    return len(table.members) + len(table.claims) + len(table.opt_outs), written


async def keep_history(session: WriteSession) -> int:
    """Begin the history of members that an earlier version registered; return of how many.

    It was not written down when: they count as known for ever.
    """
    saying = Saying("", "registered before its history was kept", EVER)
    count, after = 0, ""
    while rows := await edit_store.members_without_versions(session, after, AT_A_TIME):
        statements = [
            Statement(
                row.member_id,
                acts.REGISTERED,
                midnight(row.joined_on),
                None if row.left_on is None else midnight(row.left_on),
                MemberDetails(row.name, row.country, row.suspended_on is not None),
            )
            for row in rows
        ]
        await history.record(session, MEMBERS, statements, saying)
        count, after = count + len(rows), rows[-1].member_id
    return count
