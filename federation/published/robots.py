"""A robots.txt as reservations: what each AI crawler is refused, and what its signals say.

Each crawler has a list of its own, the rules of all its groups; crawlers of equal rules share one.
What is refused to any crawler (`*`) is refused for every use. A group is read in both ways that
are in use where they differ: the longest name that a crawler's holds, and the name before a `/`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from federation.addresses.urls import MalformedUrlError, normalise_url
from federation.published import agents as table
from federation.published.labels import LABELS, Said, read_labels
from federation.published.lines import (
    ANYBODY,
    READ_BYTES,
    Field,
    Group,
    Line,
    by_best_match,
    by_product,
    groups_of,
    lines_of,
    rules_by_agent,
    splits_of,
)
from federation.published.rules import (
    EVERY_USE,
    BadSourceError,
    Kind,
    Notes,
    Reading,
    RuleList,
    listed,
)
from federation.published.weighing import Written, lists_of

AGENTS_MAX: Final = 20_000
SAYINGS_MAX: Final = 20_000
_NAMES_SHOWN: Final = 8
# What a server says where there is no such file, saved under its name: it may begin with its head.
_PAGE: Final = re.compile(
    rb"^[ \t]*(<(?:!doctype[ \t]+html|html|head|body)\b)", re.IGNORECASE | re.MULTILINE
)
_RULES: Final = (Field.ALLOW, Field.DISALLOW)
_SIGNALS: Final = (Field.SIGNAL, Field.USAGE)
_NOT_READ: Final = f"beyond the first {READ_BYTES} bytes, which are all that crawlers have to read"


def read_robots(data: bytes, host: str, ours: Collection[str] = ()) -> Reading:
    """Return what a robots.txt says; `ours` are hosts of whom a `License:` is ours to sell."""
    return _read(Kind.ROBOTS, data, host, frozenset(ours), None)


def read_ai_txt(data: bytes, host: str, ours: Collection[str] = ()) -> Reading:
    """Return what an ai.txt says, which is about AI alone."""
    return _read(Kind.AI_TXT, data, host, frozenset(ours), table.AI_USES)


def _read(
    kind: Kind, data: bytes, host: str, ours: frozenset[str], within: tuple[str, ...] | None
) -> Reading:
    notes = Notes()
    lists = [
        each
        for split in splits_of(_text(data, notes))
        for each in _lists(list(lines_of(split)), ours, within, notes)
    ]
    return Reading(kind, host, listed(lists, notes), notes.all())


def _lists(
    lines: Sequence[Line], ours: frozenset[str], within: tuple[str, ...] | None, notes: Notes
) -> list[RuleList]:
    """Return the lists that some lines say."""
    groups = groups_of(line for line in lines if line.field is not Field.LICENCE)
    by_agent = rules_by_agent(groups)
    if len(by_agent) > AGENTS_MAX:
        raise BadSourceError(f"more than {AGENTS_MAX} agents")
    lists = list[RuleList]()
    for voice in _voices(by_agent, within):
        lists += lists_of(voice.name, voice.uses, _written(voice.lines), notes)
    sold = _pointers(lines, ours, notes)
    for signal in _signals(groups):
        lists += _list_of_signal(signal, sold, notes)
    _note_the_rest(lines, groups, by_agent, notes)
    return lists


def _text(data: bytes, notes: Notes) -> str:
    """Return as much of a file as is read, in whole lines."""
    read = data.removeprefix(b"\xef\xbb\xbf")
    if len(read) > READ_BYTES:
        head = read[: READ_BYTES + 1]
        end = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
        notes.add(f"byte {end + 1}", f"{len(read) - end} bytes", _NOT_READ)
        read = read[:end]
    if b"\x00" in read or read.lstrip()[:1] == b"<":
        raise BadSourceError("byte 1: a page or something else, no text of rules")
    if page := _PAGE.search(read):
        line = read.count(b"\n", 0, page.start(1)) + 1
        tag = page[1].decode("ascii")
        raise BadSourceError(f"line {line}: {tag} begins a page of HTML, no text of rules")
    return read.decode("utf-8", errors="replace")


class _Voice(NamedTuple):
    """What some crawlers are told, and what they fetch for."""

    name: str
    uses: tuple[str, ...]
    lines: tuple[Line, ...]


def _voices(by_agent: Mapping[str, list[Line]], within: tuple[str, ...] | None) -> list[_Voice]:
    names: dict[tuple[Line, ...], list[str]] = {}
    for crawler in (*table.AGENT_USES, ANYBODY):
        for lines in _lines_for(by_agent, crawler):
            told = names.setdefault(lines, [])
            told += [] if crawler in told else [crawler]
    found = list[_Voice]()
    for lines, told in names.items():
        uses = tuple(use for name in told for use in table.AGENT_USES.get(name, ()))
        is_anybody = ANYBODY in told
        every = within or (EVERY_USE,)
        found.append(_Voice(_named(told), every if is_anybody else table.in_order(uses), lines))
    return found


def _lines_for(by_agent: Mapping[str, list[Line]], crawler: str) -> list[tuple[Line, ...]]:
    """Return what a crawler is told, in each way to find it."""
    if crawler == ANYBODY:
        return [tuple(by_agent.get(ANYBODY, ()))]
    best = by_best_match(by_agent, crawler)
    named = by_product(tuple(by_agent), crawler)
    found = [tuple(by_agent[best])] if best is not None else []
    if named and named != (best,):
        found.append(tuple(sorted({line for name in named for line in by_agent[name]})))
    return found


def _named(names: Sequence[str]) -> str:
    """Return how a list of crawlers is called."""
    shown = [ANYBODY] if ANYBODY in names else [*names[:_NAMES_SHOWN]]
    more = len(names) - len(shown) if ANYBODY not in names else 0
    return "User-agent: " + ", ".join(shown) + (f" and {more} more" if more else "")


def _written(lines: Iterable[Line]) -> list[Written]:
    found = list[Written]()
    for line in lines:
        if line.field in _RULES and line.value:
            allow = line.field is Field.ALLOW
            found.append(Written(line.value, allow, line.place, line.text))
            if allow and line.value.endswith("/index.html"):  # so is its folder, to crawlers in use
                folder = line.value.removesuffix("index.html") + "$"
                found.append(Written(folder, allow, line.place, line.text))
    return found


class _Signal(NamedTuple):
    """What one label says to the agents of some groups, at each path."""

    name: str
    label: str
    said: tuple[tuple[str, Said, Line], ...]


def _signals(groups: Iterable[Group]) -> list[_Signal]:
    found: dict[tuple[str, str, str], list[tuple[str, Said, Line]]] = {}
    many = 0
    for group in groups:
        for line in group.lines:
            if line.field in _SIGNALS:
                path, said = _path_and_labels(line.value)
                agents = list(dict.fromkeys(group.agents)) or [""]
                many += len(said) * len(agents)
                if many > SAYINGS_MAX:
                    what = f"{SAYINGS_MAX} labels, each counted for each agent it is told"
                    raise BadSourceError(f"{line.place}: more than {what}")
                for each in said:
                    for agent in agents:
                        key = (line.field.value, agent, each.label)
                        found.setdefault(key, []).append((path, each, line))
    return [
        _Signal(f"{field}: {label}" + (f", for {agent}" if agent else ""), label, tuple(said))
        for (field, agent, label), said in found.items()
    ]


def _path_and_labels(value: str) -> tuple[str, list[Said]]:
    """Return the path that a signal is about, the whole site if it names none, and its labels."""
    if value[:1] not in ("/", "*"):
        return "/", read_labels(value)
    path, _, labels = value.partition(" ")
    return path, read_labels(labels)


def _pointers(lines: Iterable[Line], ours: frozenset[str], notes: Notes) -> Line | None:
    """Note where terms are to be found; return the line that names a licence of our own."""
    sold = None
    for line in lines:
        if line.field is Field.LICENCE and line.value:
            if _host_of(line.value) in ours:
                sold = sold or line
            else:
                why = "it points to terms, which are a source of their own: hand them over as well"
                notes.add(line.place, line.text, why)
    return sold


def _host_of(url: str) -> str | None:
    try:
        return normalise_url(url).host
    except MalformedUrlError:
        return None


def _list_of_signal(signal: _Signal, sold: Line | None, notes: Notes) -> list[RuleList]:
    written = list[Written]()
    for path, said, line in signal.said:
        if said.allow is None:
            notes.add(line.place, line.text, f"{said.label}: {said.why}")
        elif not said.allow and sold is not None:
            why = (
                f"refused without a licence; {sold.place} names ours, and this is no more than that"
            )
            notes.add(line.place, line.text, f"{said.label}: {why}")
        else:
            written.append(Written(path, said.allow, line.place, line.text))
    uses = LABELS.get(signal.label, ())
    return lists_of(signal.name, uses, written, notes, is_strict=True) if uses else []


def _note_the_rest(
    lines: Iterable[Line], groups: Iterable[Group], by_agent: Mapping[str, list[Line]], notes: Notes
) -> None:
    """Note lines that are of nobody, or of a crawler that is not known for AI, or of no kind."""
    for group in groups:
        for line in group.lines if not group.agents else ():
            if line.field in _RULES and line.value:
                notes.add(line.place, line.text, "no User-agent stands before it")
    for line in lines:
        if line.field in (Field.OTHER, Field.NOISE):
            notes.add(line.place, line.text, "a line that nobody knows")
    known = _known(tuple(by_agent))
    for line in lines:
        token = line.value.lower()
        if line.field is Field.AGENT and token in by_agent and token not in known:
            refused = any(each.field is Field.DISALLOW and each.value for each in by_agent[token])
            if refused:
                purpose = table.purpose_of(token)
                what = f"a crawler for {purpose}" if purpose else "a crawler that nobody here knows"
                notes.add(line.place, line.text, f"{what}, as of {table.AS_OF}: not for AI")


def _known(agents: Sequence[str]) -> set[str]:
    """Return the agents of a file that some crawler on the list takes for itself."""
    known = {ANYBODY}
    for crawler in table.AGENT_USES:
        best = by_best_match(agents, crawler)
        known |= {best} if best else set()
        known |= set(by_product(agents, crawler))
    return known
