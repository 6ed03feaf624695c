"""`federation registry reservations`: what sites publish goes to a node, is shown and ended."""

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
import rich_click as click

from federation.desk.client import Desk, at_desk, when_text
from federation.desk.printing import make_table

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
KINDS: Final = ("robots", "tdmrep", "ai_txt", "rsl", "headers", "page")
SOURCES: Final = """query($first: Int!, $host: String) {
  publishedSources(first: $first, host: $host) { edges { node { id kind host page } } } }"""
SOURCE: Final = """query($id: ID!) { publishedSource(id: $id) {
  source { id kind host page }
  versions { id seenAt fetchedFrom recordedAt recordedBy reason sha256 bytes
    notExpressed { place text why reserved } }
  lists { name uses version effectiveAt endsAt isMissing count
    rules { path allow place text } } } }"""
_DECIDED: Final = """{ __typename ... on ReservationEnding { lists source { id kind host page } }
  ... on Refused { code message } } }"""
END: Final = f"""mutation($version: ID!, $reason: String!) {{
  confirmReservationEnding(version: $version, reason: $reason) {_DECIDED}"""
KEEP: Final = f"""mutation($version: ID!, $reason: String!) {{
  refuseReservationEnding(version: $version, reason: $reason) {_DECIDED}"""


@click.group()
def reservations() -> None:
    """Hand over what sites publish about the use of their pages, and decide what ended."""


@reservations.command("hand-over")
@click.argument("file", type=FILE)
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--site", required=True, help="The address of the site; of a page, the page's.")
@click.option("--seen-at", help="When it was so (RFC 3339); now by default.")
@click.option("--fetched-from", help="Where it was found, unless its publisher handed it over.")
@click.option("--reason", required=True, help="Why; it is kept in the audit log.")
@at_desk
def hand_over(desk: Desk, file: Path, **said: str | None) -> None:
    """Hand over FILE as it is: a robots.txt, a tdmrep.json, the header fields of a page."""
    asked = {
        "kind": said["kind"],
        "site": said["site"],
        "seenAt": said["seen_at"],
        "fetchedFrom": said["fetched_from"],
        "reason": said["reason"],
    }
    path = f"/reservations?{urlencode({key: value for key, value in asked.items() if value})}"
    taken = msgspec.json.decode(desk.post(path, file.read_bytes(), "application/octet-stream"))
    desk.show(taken, lambda: [_taken(taken)])


@reservations.command("list")
@click.option("--host", help="Sources of one host; of all by default.")
@click.option("--first", type=click.IntRange(1, 100), default=20, show_default=True)
@at_desk
def list_sources(desk: Desk, host: str | None, first: int) -> None:
    """List published sources by number."""
    found = [edge["node"] for edge in desk.ask(SOURCES, first=first, host=host)["edges"]]
    rows = [[each["id"], each["kind"], _of(each)] for each in found]
    desk.show(found, lambda: [make_table("Published sources", ("source", "kind", "of"), rows)])


@reservations.command("show")
@click.argument("source")
@at_desk
def show_source(desk: Desk, source: str) -> None:
    """Show the versions of SOURCE (see `list`), its rules, and what no rule says exactly."""
    found = desk.ask(SOURCE, id=source)
    if found is None:
        raise click.UsageError(
            f"{source}: there is no such source; `list` names them, and `end` and `keep` take a"
            " version of one, which `show` names"
        )
    desk.show(found, lambda: [_versions(found), _rules(found), _notes(found)])


@reservations.command("end")
@click.argument("version")
@click.option("--reason", required=True, help="How you know that the site means it.")
@at_desk
def end(desk: Desk, version: str, reason: str) -> None:
    """End what VERSION (see `show`) left out, from when it was seen; not by who handed it over."""
    found = desk.ask(END, version=version, reason=reason)
    desk.show(found, lambda: [_decided("Ended", found)])


@reservations.command("keep")
@click.argument("version")
@click.option("--reason", required=True, help="Why it holds on.")
@at_desk
def keep(desk: Desk, version: str, reason: str) -> None:
    """Let what VERSION (see `show`) left out hold on; not by who handed it over."""
    found = desk.ask(KEEP, version=version, reason=reason)
    desk.show(found, lambda: [_decided("Held on", found)])


def _taken(taken: dict[str, Any]) -> Any:
    columns = ("source", "version", "lists that came", "ended", "wait", "not expressed")
    counts = ("listsThatCame", "listsThatEnded", "listsThatWait", "notExpressed")
    row = [taken["source"], taken["version"], *(f"{taken[count]:,}" for count in counts)]
    return make_table("Taken" if taken["isNew"] else "Known already", columns, [row])


def _of(source: dict[str, Any]) -> str:
    return f"{source['host']}{source['page'] or ''}"


def _versions(found: dict[str, Any]) -> Any:
    columns = ("version", "seen", "from", "recorded by", "because", "SHA-256")
    rows = [
        [
            each["id"],
            when_text(each["seenAt"]),
            each["fetchedFrom"] or "handed over",
            each["recordedBy"],
            each["reason"],
            each["sha256"][:16],
        ]
        for each in found["versions"]
    ]
    return make_table(f"{found['source']['kind']} {_of(found['source'])}", columns, rows)


def _rules(found: dict[str, Any]) -> Any:
    columns = ("list", "uses", "rule", "stands", "holds from", "to")
    rows = [
        [
            each["name"],
            " ".join(each["uses"]),
            f"{'allow' if rule['allow'] else 'disallow'} {rule['path']}",
            f"#{each['version']} {rule['place']}",
            when_text(each["effectiveAt"]),
            when_text(each["endsAt"]) if each["endsAt"] else "waits" if each["isMissing"] else "",
        ]
        for each in found["lists"]
        for rule in each["rules"]
    ]
    return make_table("Rules", columns, rows)


def _notes(found: dict[str, Any]) -> Any:
    last = found["versions"][0]["notExpressed"] if found["versions"] else []
    rows = [[each["place"], each["text"], each["why"], " ".join(each["reserved"])] for each in last]
    return make_table("Not expressed", ("stands", "text", "because", "reserved instead"), rows)


def _decided(title: str, found: dict[str, Any]) -> Any:
    source = found["source"]
    row = [source["id"], f"{source['kind']} {_of(source)}", f"{found['lists']:,}"]
    return make_table(title, ("source", "of", "lists"), [row])
