"""A read transaction and a write transaction: what a function that takes one may do.

`Database.read` gives a `ReadSession`, `Database.write` a `WriteSession`. A function says by its
parameter which it needs, and the type checker refuses one that writes through what only reads;
the database refuses it as well. Resolvers, routes and workers open one; rooms below them are handed
it and never commit.
"""

from sqlalchemy.ext.asyncio import AsyncSession


class ReadSession(AsyncSession):
    """One consistent view of the committed rows; nothing can be written through it."""


class WriteSession(ReadSession):
    """A write transaction: it reads what it wrote, and is committed by who opened it."""
