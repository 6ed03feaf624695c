"""What was noted of people's acts."""

from federation.people import store


async def logged(database):
    async with database.read() as session:
        rows = await store.acts(session, before=None, subject=None, act=None, limit=100)
    return [(row.actor, row.act, row.subject, row.detail) for row in reversed(rows)]
