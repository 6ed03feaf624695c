"""Lists that go on from where they were left, and that say who did not answer: docs/client.md."""

from federation_client import AsyncLab, IncompleteError


async def look(lab: AsyncLab, seen: str | None) -> str | None:
    licences = lab.licences(after=seen)
    async for licence in licences:
        print(licence.number, licence.status)
    works = lab.works("reef")
    try:
        async for work in works:
            print(work.id, work.title)
    except IncompleteError as stopped:
        print("not all have answered:", *stopped.missing)
    return licences.cursor
