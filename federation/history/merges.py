"""What a thing is where it was merged into another: at an instant, and over a period."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from federation.history import store
from federation.history.kinds import Body, Found, Kind, Moment
from federation.history.spans import Span
from federation.store.sessions import ReadSession


async def as_merged(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], moment: Moment
) -> dict[str, Found[Body]]:
    """Return {id asked: what it is at a moment}: the one that stays, where it was merged.

    Left out is what is not there then, or was merged into what is not there any more.
    """
    found, asked = dict[str, Found[Body]](), set(things)
    while asked:
        more = await store.find(session, kind, sorted(asked), moment)
        found |= more
        asked = {one.merged_into for one in more.values() if one.merged_into} - found.keys()
    stay = ((thing, _last(found, thing)) for thing in things)
    return {thing: one for thing, one in stay if one is not None}


async def find_as_merged(
    session: ReadSession, kind: Kind[Body], things: Sequence[str], moment: Moment
) -> list[Found[Body]]:
    """Return things as they were, in the order asked, each once: of those merged what stays."""
    found = await as_merged(session, kind, things, moment)
    unique = {found[thing].thing: found[thing] for thing in things if thing in found}
    return list(unique.values())


async def became(
    session: ReadSession, kind: Kind[Body], things: Collection[str], moment: Moment
) -> dict[str, list[Found[Body]]]:
    """Return {id: what it had merged into it at a moment}, also by way of others."""
    found, stay = dict[str, list[Found[Body]]](), {thing: thing for thing in things}
    asked = sorted(stay)
    while asked:
        more = await store.merged_at(session, kind, asked, moment)
        for one in more:
            stay[one.thing] = stay[one.merged_into or one.thing]
            found.setdefault(stay[one.thing], []).append(one)
        asked = sorted(one.thing for one in more)
    return found


def _last(found: Mapping[str, Found[Body]], thing: str) -> Found[Body] | None:
    """Follow merges to the end: no chain of them comes back (`acts.judge_merge`)."""
    one = found.get(thing)
    while one is not None and one.merged_into is not None:
        one = found.get(one.merged_into)
    return one


async def over_period(
    session: ReadSession, kind: Kind[Body], things: Collection[str], period: Span
) -> dict[str, list[Found[Body]]]:
    """Return {id asked: what it is over a period, part by part}, as is known now.

    Each part is a version of the one that stays, over the time for which that is so; over time for
    which there is none, nothing is there.
    """
    known, asked = dict[str, list[Found[Body]]](), set(things)
    while asked:
        more = await store.versions_over(session, kind, sorted(asked), period)
        known |= {thing: more.get(thing, []) for thing in asked}
        others = {one.merged_into for versions in more.values() for one in versions}
        asked = {name for name in others if name is not None} - known.keys()
    return {thing: list(_parts(known, thing, period)) for thing in things}


def _parts(
    known: Mapping[str, Sequence[Found[Body]]], thing: str, period: Span
) -> Iterator[Found[Body]]:
    waiting = [(thing, period)]
    while waiting:
        name, over = waiting.pop()
        for version in known[name]:
            part = version.period.common(over)
            if part is None:
                continue
            if version.merged_into is None:
                yield replace(version, period=part)
            else:
                waiting.append((version.merged_into, part))
