"""A dry run: what a real one would say to each row of a file, found out beside the registry.

A dry run has a stage, a database of its own. What of the registry bears on the rows of a batch is
said again there, then the batch is judged and written there as it would be in the registry. So a
row sees what all rows before it said, and nobody waits for a dry run: it only reads the registry.
"""

from collections.abc import Sequence

from federation.history.store import ever_merged_into, known_of
from federation.registryimports.staging import say_again
from federation.registryimports.subjects import ReadRow, Subject
from federation.store.sessions import ReadSession, WriteSession


async def bring(
    registry: ReadSession, stage: WriteSession, subject: Subject, rows: Sequence[ReadRow]
) -> None:
    """Bring onto a stage all that is registered and may bear on some rows.

    That is what they name, whatever was merged into it, and who has an identifier of these.
    """
    kind, numbers_of = subject.kind, subject.numbering.numbers_of
    said = [row for row in rows if row.body is not None]
    named = {row.thing for row in said}
    named.update(thing for row in said for thing in subject.refers(row.body))
    merged = await ever_merged_into(registry, kind, named)
    numbers = {text for row in said for text in numbers_of(row.body)}
    for versions in (await known_of(registry, kind, sorted(merged))).values():
        numbers.update(
            text for one in versions.values() for text in numbers_of(kind.decode(one.body))
        )
    holders = await subject.numbering.holders_of(registry, sorted(numbers))
    things = named | merged | {name for names in holders.values() for name in names}
    bodies = [row.body for row in said]
    things |= await subject.bring(registry, stage, bodies, named | merged)
    await say_again(registry, stage, kind, subject.record, things)
