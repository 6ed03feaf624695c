"""Terms of RSL as reservations: a use is reserved where they let nobody have it.

What they offer, free or for money, they do not reserve: that is what licences are for. What they
say of addresses that they do not name is nothing.
"""

from collections.abc import Collection, Iterable
from typing import Final

from federation.addresses.urls import MalformedUrlError, normalise_url
from federation.published.rules import BadSourceError, Kind, Notes, Reading, RuleList, listed
from federation.published.weighing import Written, lists_of
from federation.rsl.document import Content, Document
from federation.rsl.evaluating import Asked, State, evaluate
from federation.rsl.reading import read
from federation.rsl.words import USAGES, uses_of
from federation.rsl.xml import BadTermsError

CONTENTS_MAX: Final = 500


def read_terms(data: bytes, host: str, ours: Collection[str] = ()) -> Reading:
    """Return what terms say of a host; an entity, a document type and endless XML are refused."""
    del ours  # what is sold is not reserved, whoever sells it
    try:
        document = read(data)
    except BadTermsError as error:
        raise BadSourceError(error.detail) from error
    notes = Notes()
    for defect in document.defects:
        notes.add("document", defect, "not understood, so it may be about anything", ("/",))
    paths = _paths(document.contents, host, notes)
    if len(paths) > CONTENTS_MAX:
        raise BadSourceError(f"terms for more than {CONTENTS_MAX} paths of one host")
    lists = list[RuleList]()
    for usage in USAGES:
        written = [
            _written(usage, host, path, contents, document) for path, contents in paths.items()
        ]
        if document.defects:
            written.append(Written("/", False, "document", document.defects[0]))
        uses = tuple(uses_of([usage]))
        lists += lists_of(usage, uses, written, notes, is_strict=True, do_stars_count=False)
    _note_conditions(document.contents, notes)
    return Reading(Kind.RSL, host, listed(lists, notes), notes.all())


def _paths(
    contents: Iterable[Content], host: str, notes: Notes
) -> dict[str, list[tuple[int, Content]]]:
    """Return {path of the host: its contents, numbered}; one at no address is of every path."""
    found: dict[str, list[tuple[int, Content]]] = {}
    for number, content in enumerate(contents, 1):
        url, place = content.url.partition("#")[0], f"content {number}"
        if url.startswith("/") and not url.startswith("//"):
            found.setdefault(url, []).append((number, content))
            continue
        scheme, _, rest = url.partition("://")
        named, slash, path = rest.partition("/")
        try:
            its = normalise_url(f"{scheme}://{named}/").host
        except MalformedUrlError as error:
            notes.add(place, content.url, f"at no address: {error.detail}", ("/",))
            found.setdefault("/", []).append((number, content))
            continue
        if its == host:
            found.setdefault(slash + path or "/", []).append((number, content))
        else:
            notes.add(place, content.url, f"of {its}, for which this source does not speak")
    return found


def _written(
    usage: str, host: str, path: str, contents: list[tuple[int, Content]], document: Document
) -> Written:
    """Return what some contents of one path together say of a usage."""
    origin = f"https://{host}/"
    here = tuple(
        Content("/", each.licences, each.server, each.terms, each.defects) for _, each in contents
    )
    profiles = {
        report.profile for each in here for licence in each.licences for report in licence.reporting
    }
    ruling = evaluate(
        Document(here, document.max_age), Asked(origin, usage, profiles=profiles, origin=origin)
    )
    place = ", ".join(f"content {number}" for number, _ in contents)
    return Written(path, ruling.state is not State.UNLICENSED, place, f"{usage}: {ruling.why}")


def _note_conditions(contents: Iterable[Content], notes: Notes) -> None:
    """Note licences that are for some users or places only: they are reserved for everybody."""
    for number, content in enumerate(contents, 1):
        place = f"content {number}"
        for defect in content.defects:
            notes.add(place, content.url, f"not understood: {defect}")
        for licence in content.licences:
            for rule in (*licence.permits, *licence.prohibits):
                if rule.kind != "usage":
                    text = f"{rule.kind}: {' '.join(rule.words)}"
                    notes.add(place, text, "for some users or places only, which no rule here says")
