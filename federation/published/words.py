"""What header fields and `meta` elements say of one page, field by field."""

from collections.abc import Collection
from typing import Final, NamedTuple

from federation.published.agents import AGENT_USES, AI_USES, INDEXING, SEARCHING, in_order
from federation.published.labels import LABELS, read_labels
from federation.published.rules import (
    EVERY_USE,
    Kind,
    Notes,
    Reading,
    Rule,
    RuleList,
    listed,
    shortened,
)
from federation.published.tdmrep import POLICY, RESERVATION, is_of, is_reserved

SAYINGS_MAX: Final = 1_000
_DIRECTIVES: Final = {
    "noai": AI_USES,
    "noindex": (*INDEXING, *SEARCHING),
    "none": (*INDEXING, *SEARCHING),
}
_SILENT: Final = frozenset(
    {
        "",
        "all",
        "follow",
        "index",
        "indexifembedded",
        "max-image-preview",
        "max-snippet",
        "max-video-preview",
        "nofollow",
        "noodp",
        "notranslate",
        "noydir",
        "unavailable_after",
    }
)
_AGENTS: Final = {name.lower(): uses for name, uses in AGENT_USES.items()}


class Saying(NamedTuple):
    """One field: its name in small letters, its value, and where it stands."""

    name: str
    value: str
    place: str

    @property
    def text(self) -> str:
        """The field as it is shown."""
        return f"{self.name}: {self.value}"


class Page(NamedTuple):
    """A page that sayings are about: its host, and the subject that is it alone."""

    host: str
    path: str
    has_query: bool


def read_sayings(
    kind: Kind, sayings: Collection[Saying], page: Page, ours: Collection[str], notes: Notes
) -> Reading:
    """Return what some fields say of a page; `ours` are hosts that sell our licences."""
    found = _Found(page, frozenset(ours), notes)
    policies = [each.value.strip() for each in sayings if each.name == POLICY]
    for each in sayings:
        match each.name:
            case "tdm-reservation":
                found.mining(each, policies)
            case "content-usage" | "content-signal":
                found.labels(each)
            case "x-robots-tag" | "robots":
                found.directives(each)
            case name if name in _AGENTS:
                found.for_agent(each, _AGENTS[name], each.value)
            case "license" | "link":
                notes.add(
                    each.place, each.text, "it points to terms, which are a source of their own"
                )
            case _:
                pass  # no field of rights
    return Reading(kind, page.host, listed(found.lists, notes), notes.all())


class _Found:
    """Lists of one page, each of one refusal: what allows one page weighs against nothing else."""

    def __init__(self, page: Page, ours: frozenset[str], notes: Notes) -> None:
        self._page, self._ours, self._notes = page, ours, notes
        self.lists: list[RuleList] = []

    def refuse(self, said: Saying, uses: tuple[str, ...]) -> None:
        rule = Rule(self._page.path, allow=False, place=said.place, text=shortened(said.text))
        self.lists.append(RuleList(said.name, uses, (rule,)))
        if self._page.has_query:
            why = "of one query of a page, and addresses have none here"
            self._notes.add(said.place, said.text, why, (self._page.path,))

    def mining(self, said: Saying, policies: Collection[str]) -> None:
        """Take a `tdm-reservation`."""
        reserved = is_reserved(said.value)
        if reserved and policies and all(is_of(each, self._ours) for each in policies):
            self._note(said, "reserved, and its policy is a licence of ours")
        elif reserved:
            self.refuse(said, AI_USES)
        elif reserved is None:
            self._note(said, f"{RESERVATION} is neither 1 nor 0")

    def labels(self, said: Saying) -> None:
        """Take a dictionary of labels."""
        for label in read_labels(said.value):
            if label.allow is False:
                self.refuse(said, LABELS[label.label])
            elif label.allow is None:
                self._note(said, f"{label.label}: {label.why}")

    def directives(self, said: Saying) -> None:
        """Take directives for any robot, or for the one whose name stands before them."""
        name, colon, rest = said.value.partition(":")
        agent = name.strip().lower()
        if not colon or "," in agent or agent in _SILENT:
            self.for_agent(said, (EVERY_USE,), said.value)
        elif agent in _AGENTS:
            self.for_agent(said, _AGENTS[agent], rest)
        else:
            self._note(said, f"{agent}: not known as a crawler for AI")

    def for_agent(self, said: Saying, theirs: tuple[str, ...], value: str) -> None:
        """Take directives for a crawler that fetches for some uses."""
        for word in value.lower().replace(";", ",").split(","):
            directive = word.partition(":")[0].strip()
            uses = _DIRECTIVES.get(directive)
            if uses is not None:
                self.refuse(said, in_order(uses) if EVERY_USE in theirs else theirs)
            elif directive not in _SILENT:
                self._note(said, f"{directive}: no use of ours says this")

    def _note(self, said: Saying, why: str) -> None:
        self._notes.add(said.place, said.text, why)
