"""What a page is, what one of its acts is, and who looks at it: the words in which pages are made.

A page has no permission and no rule of its own. It says which document it asks, and how its answer
is shown; `shown_to` decides about the menu only, the server's own rules about the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from graphql import (
    ListTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    TypeNode,
    VariableDefinitionNode,
    parse,
)

from federation.edge.forms import BadFormError
from federation.trust.principals import Principal
from federation.values.party import HUB

FOLDER: Final = Path(__file__).parent
ROWS: Final = 50  # of a list on a page
NUMBER_LENGTH_MAX: Final = 9
TRAIL_MAX: Final = 12  # pages back that an address remembers
TRAIL_MARK: Final = "!"  # between the cursors of a trail; no cursor has one


def N_(text: str) -> str:  # noqa: N802 - what gettext's tools look for
    """Mark a text for the catalogues, and return it as it is: it is translated where shown."""
    return text


class Document:
    """A GraphQL document of one operation, read from a file beside the page that asks it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = (FOLDER / path).read_text(encoding="utf-8")
        [definition] = [
            each
            for each in parse(self.text).definitions
            if isinstance(each, OperationDefinitionNode)
        ]
        self.variables = {
            each.variable.name.value: each for each in definition.variable_definitions or ()
        }

    def filled(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the variables as a form or an address says them, by their names and types.

        What is left out is left to the server, which says in its words what is missing; only a
        number that is none is refused here (BAD_FORM). Entries of a list are fields `name.ENTRY`.
        """
        found = {name: _value(name, each, form) for name, each in self.variables.items()}
        return {name: value for name, value in found.items() if value is not None}


def _value(name: str, said: VariableDefinitionNode, form: Mapping[str, str]) -> Any:
    kind, is_needed = _bare(said.type)
    if isinstance(kind, ListTypeNode):
        prefix = f"{name}."
        return [key.removeprefix(prefix) for key in form if key.startswith(prefix)]
    text, word = form.get(name), kind.name.value
    if word == "Boolean":
        return text in {"true", "on"} if is_needed or text is not None else None
    if word == "Int" and text is not None:
        if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_LENGTH_MAX):
            raise BadFormError(f"{name}: {text[:40]!r} is no number")
        return int(text)
    has_default = said.default_value is not None
    return (
        "" if text is None and is_needed and not has_default and word in {"String", "ID"} else text
    )


def _bare(kind: TypeNode) -> tuple[Any, bool]:
    return (kind.type, True) if isinstance(kind, NonNullTypeNode) else (kind, False)


@dataclass(frozen=True)
class Asked:
    """A request for a page: where, by whom, in which words; `params` are the parts of its path.

    `today` is the day of business, in UTC.
    """

    here: str
    server: str
    name: str
    principal: Principal | None
    language: str
    today: date
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_hub(self) -> bool:
        """Tell whether this is the hub."""
        return self.server == HUB

    @property
    def said(self) -> dict[str, str]:
        """Return what the address says: the parts of its path before its query."""
        return {**self.query, **self.params}

    def may(self, roles: tuple[str, ...]) -> bool:
        """Tell whether who looks holds one of the roles, to leave out what would be refused."""
        return self.principal is not None and not self.principal.roles.isdisjoint(roles)

    def link(self, **changed: str | None) -> str:
        """Return the address of this page with some of its query changed; None takes a part out."""
        query = {**self.query, **changed}
        query.pop("said", None)
        pairs = [(name, value) for name, value in query.items() if value]
        return f"{self.here}?{urlencode(pairs)}" if pairs else self.here

    @property
    def trail(self) -> list[str]:
        """Return after which cursors the pages before this one began, the first one left out."""
        return [each for each in self.query.get("trail", "").split(TRAIL_MARK) if each]

    def onward(self, cursor: str) -> str:
        """Return the address of the page behind a cursor."""
        before = [*self.trail, *([self.query["after"]] if "after" in self.query else [])]
        return self.link(after=cursor, trail=TRAIL_MARK.join(before[-TRAIL_MAX:]))

    def backward(self) -> str:
        """Return the address of the page before this one."""
        before = self.trail
        if not before:
            return self.link(after=None, trail=None)
        return self.link(after=before[-1], trail=TRAIL_MARK.join(before[:-1]))


Said = Mapping[str, str]
Data = dict[str, Any]


def as_the_address_says(page: "Page", asked: Asked) -> dict[str, Any]:
    """Return the variables of a page by the names of its path and query, with a page of rows."""
    return page.document.filled({"first": str(ROWS), **asked.said})


@dataclass(frozen=True)
class Act:
    """What a page lets people do: one mutation, by a form of the page that names the act.

    `variables` makes them of the form, where names do not say it all; `then` is where the browser
    goes, else the page itself; `done` is said there. Where the answer holds a secret, `shows` is a
    template: it gets the `answer` and stands in the place of going there, once and never again.
    """

    name: str
    document: Document
    done: str
    variables: Callable[[Said, Asked], Mapping[str, Any]] | None = None
    then: Callable[[Data, Asked], str] | None = None
    shows: str | None = None

    def filled(self, form: Said, asked: Asked) -> Mapping[str, Any]:
        """Return the variables of the mutation; a one-time `key` is the form's own."""
        if self.variables is not None:
            return self.variables(form, asked)
        return self.document.filled({**form, **asked.params})


@dataclass(frozen=True)
class Page:
    """A page: its path and title, the document it asks, how the answer becomes what is shown.

    `group` is its place in the menu, None where one comes to it from another page. `shown_to` are
    the roles that the menu shows it to, None for everybody. `view` turns the answer's data into
    the values of the template. `at` are the servers that have it. Of a page that `is_a_question`
    what is typed into its address stays beside the refusal: `view` is then given what was answered,
    at the worst nothing. Where an answer `leads_to` another page, a browser goes there.
    """

    path: str
    title: str
    template: str
    document: Document
    group: str | None = None
    shown_to: tuple[str, ...] | None = None
    view: Callable[[Data, Asked], Mapping[str, Any]] = lambda data, _: data
    variables: Callable[["Page", Asked], Mapping[str, Any]] = as_the_address_says
    acts: tuple[Act, ...] = ()
    at: frozenset[str] = frozenset({"hub", "node"})
    is_a_question: bool = False
    leads_to: Callable[[Data, Asked], str | None] = lambda _data, _asked: None

    @cached_property
    def acts_by_name(self) -> Mapping[str, Act]:
        """Return the acts by their names."""
        return {act.name: act for act in self.acts}

    def is_in_menu_of(self, principal: Principal | None) -> bool:
        """Tell whether the menu of somebody has it."""
        if self.group is None:
            return False
        roles = frozenset[str]() if principal is None else principal.roles
        return self.shown_to is None or not roles.isdisjoint(self.shown_to)


def connection(found: Any) -> list[Any]:
    """Return the entries of a connection's page."""
    return [edge["node"] for edge in found["edges"]]
