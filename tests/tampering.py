"""Rows changed behind a server's back, in a transaction that is never committed."""

from federation.edge.check import ALL_INVARIANTS
from federation.settlement.invariants.checks import examine_server

GUARDED = ("settlement_entry", "settlement_posting", "settlement_ledger_head")
VERBS = ("update", "delete")


class _NotCommitted(Exception):  # noqa: N818 - no error: it only takes everything back
    pass


async def found_after(database, code, *statements):
    """Return {invariant: violations} that a check finds after some statements; undo them."""
    found = {}
    try:
        async with database.write("test") as session:
            connection = await session.connection()
            unguarded = [_unguard(database, name, v) for name in GUARDED for v in VERBS]
            for statement in [*unguarded, *statements]:
                await connection.exec_driver_sql(statement)
            for finding in await examine_server(session, code, ALL_INVARIANTS):
                if finding.wrong:
                    found[finding.invariant.name] = finding.wrong
            raise _NotCommitted  # noqa: TRY301
    except _NotCommitted:
        return found


def _unguard(database, table, verb):
    on_table = "" if database.is_sqlite else f" ON {table}"
    return f"DROP TRIGGER {table}_no_{verb}{on_table}"
