"""Rules of refusals: stable codes, and defects that tell nothing of what is inside."""

import re
from typing import Any, Final

from federation.conformance.optouts import RIGHTS
from federation.conformance.paging import WORKS
from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import OK, Exchange

RULES: Final = Rules()
SOURCE: Final = "docs/tour.md, a refusal code"
WORK: Final = "query($identifier: String!) { work(identifier: $identifier) { id } }"
INSIDE: Final = re.compile(
    r"Traceback|File \\?\"|\.(?:py|rb|php|java|js|go|rs)[:\"(]|\bat [\w.$]+\([\w.]+:\d+\)"
    r"|\bpanic:|goroutine \d|\bSELECT\b.+\bFROM\b|\bINSERT INTO\b|sqlalchemy|psycopg|asyncpg"
    r"|/(?:usr|home|opt|var|srv|root)/"
)
"""What shows that an answer tells of the program behind it: stacks, statements, paths."""


@RULES.rule("refusals.use", SOURCE)
async def use(trial: Trial) -> None:
    """`rights` for a use that nobody has named is refused with UNKNOWN_USE, without data."""
    answer = await trial.ask(RIGHTS, {"urls": [f"https://{trial.host}/"], "use": "NO_SUCH_USE"})
    answer.expect_code("UNKNOWN_USE")


@RULES.rule("refusals.strangers", SOURCE)
async def strangers(trial: Trial) -> None:
    """A stranger, and who shows a token that is not good, is told NOT_AUTHENTICATED."""
    asked = {"first": 1, "text": trial.word}
    (await trial.wire.graphql(WORKS, asked)).expect_code("NOT_AUTHENTICATED")
    for token in ("Bearer x", "Bearer a.b.c", "Basic eDp5", "Bearer"):
        answer = await trial.wire.graphql(WORKS, asked, {"Authorization": token})
        answer.expect_code("NOT_AUTHENTICATED")
    forged = await trial.as_hub(callee="https://another.example")
    (await trial.wire.graphql(WORKS, asked, forged)).expect_code("NOT_AUTHENTICATED")


@RULES.rule("refusals.labs", "decision 0043")
async def labs(trial: Trial) -> None:
    """A lab is not shown what is for partners and staff: NOT_ALLOWED, without data."""
    await trial.works()
    headers = trial.bearer("lab")
    for document in (
        "{ registryChanges(first: 1) { pageInfo { hasNextPage } } }",
        "{ rightholders(first: 1) { pageInfo { hasNextPage } } }",
        "{ members(first: 1) { pageInfo { hasNextPage } } }",
    ):
        (await trial.wire.graphql(document, None, headers)).expect_code("NOT_ALLOWED")
    shown = await trial.wire.graphql(WORKS, {"first": 1, "text": trial.word}, headers)
    if not shown.data()["works"]["edges"]:
        raise shown.broken("a lab does not find a work that is published")


@RULES.rule("refusals.identifier", SOURCE)
async def identifier(trial: Trial) -> None:
    """`work` finds a work by its identifier, and refuses what is none (BAD_IDENTIFIER)."""
    work = (await trial.works())[0]
    found = await trial.ask(WORK, {"identifier": work.identifier})
    if found.data()["work"] != {"id": work.id}:
        raise found.broken(f"{work.id} was expected")
    for text in ("ISBN:979-8-00-000000-0x", "no identifier", ""):
        (await trial.ask(WORK, {"identifier": text})).expect_code("BAD_IDENTIFIER")


@RULES.rule("refusals.urls", SOURCE)
async def urls(trial: Trial) -> None:
    """An address that cannot be read is MALFORMED, one that nobody claims is NOT_REPRESENTED."""
    nobodys = f"https://nobody.{trial.word}x.example/"
    asked = ["http://[", "ftp://" + trial.host, nobodys]
    answer = await trial.ask(RIGHTS, {"urls": asked, "use": USE})
    found = [(one["url"], one["status"]) for one in answer.data()["rights"]["items"]]
    wanted = ["MALFORMED", "MALFORMED", "NOT_REPRESENTED"]
    if found != list(zip(asked, wanted, strict=True)):
        raise answer.broken(f"{', '.join(wanted)} were expected, in the order of the question")


def _odd(trial: Trial) -> list[tuple[str, dict[str, Any]]]:
    """Return questions of which each has tripped a server somewhere."""
    return [
        (WORKS, {"first": 1, "text": "\0"}),
        (WORKS, {"first": 1, "text": "'; DROP TABLE work; --"}),
        (WORKS, {"first": 1, "text": "%_\\" * 1_000}),
        (WORKS, {"first": 1, "text": "\ud7ff\U0010ffff" * 200}),
        (WORKS, {"first": "1", "text": trial.word}),
        (WORKS, {"first": 2**31, "text": trial.word}),
        (WORKS, {"first": 1, "text": ["a"], "after": {}}),
        (RIGHTS, {"urls": [None], "use": USE}),
        (RIGHTS, {"urls": ["http://" + "a" * 5_000], "use": USE}),
        (RIGHTS, {"urls": ["https://\0/", "https://xn--a/", "//"], "use": "\0"}),
        (WORK, {"identifier": "\0"}),
        (WORK, {"identifier": "ISBN:" + "9" * 5_000}),
        ("query { work(id: 5) { id } }", {}),
        ('query { works(first: 1, at: "0000-00-00T99:99:99Z") { edges { cursor } } }', {}),
        ('query { works(first: 1, at: "9999-12-31T23:59:59+14:00") { edges { cursor } } }', {}),
        ("query { noSuchField }", {}),
        ("query {", {}),
    ]


@RULES.rule("refusals.masked", "CONTRIBUTING.md; federation/schema/guards.py")
async def masked(trial: Trial) -> None:
    """Whatever is asked, no answer tells of the program: no stack, statement or path, no 500."""
    await trial.joined()
    for document, variables in _odd(trial):
        _require_plain(await trial.ask(document, variables))
    for path in ("/no/such/path", "/statuslists/x", "/sites/%00/policy", "/graphql?query={"):
        _require_plain(await trial.wire.send("GET", path))


def _require_plain(answer: Exchange) -> None:
    text = answer.body.decode("utf-8", "replace")
    if found := INSIDE.search(text):
        raise answer.broken(f"the answer tells of the program: {found[0]}")
    if answer.status // 100 == 5:  # noqa: PLR2004 - its own fault
        raise answer.broken(f"HTTP {answer.status}: wrong input is no fault of the server")
    if answer.status == OK and answer.code() == "UNEXPECTED":
        raise answer.broken("a defect answers: wrong input is to be refused")
