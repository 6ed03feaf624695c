"""Rows changed behind a server's back, in a transaction that is never committed."""

from federation.cli.check import ALL_INVARIANTS
from federation.proof.invariants.checks import examine_server

TRIGGERS = {
    True: "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'",
    False: "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
}


class _NotCommitted(Exception):  # noqa: N818 - no error: it only takes everything back
    pass


async def found_after(database, code, *statements):
    """Return {invariant: violations} that a check finds after some statements; undo them."""
    found = {}
    try:
        async with database.write("test") as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(TRIGGERS[database.is_sqlite])
            for trigger, table in rows.fetchall():
                on_table = "" if database.is_sqlite else f" ON {table}"
                await connection.exec_driver_sql(f"DROP TRIGGER {trigger}{on_table}")
            for statement in statements:
                await connection.exec_driver_sql(statement)
            for finding in await examine_server(session, code, ALL_INVARIANTS):
                if finding.wrong:
                    found[finding.invariant.name] = finding.wrong
            raise _NotCommitted  # noqa: TRY301
    except _NotCommitted:
        return found
