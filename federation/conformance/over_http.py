"""Rules of GraphQL over HTTP, as far as hub and labs rely on it."""

from typing import Any, Final

import msgspec

from federation.conformance.trial import Trial
from federation.conformance.verdicts import Rules
from federation.conformance.wire import GRAPHQL_JSON, OK

RULES: Final = Rules()
SOURCE: Final = "GraphQL over HTTP"
JSON: Final = "application/json"
TYPENAME: Final = b'{"query": "{ __typename }"}'
MUTATION: Final = "/graphql?query=mutation%7B__typename%7D"


@RULES.rule("http.answers", SOURCE)
async def answers(trial: Trial) -> None:
    """A query by POST is answered in the media type that was asked for, with 200 and its data."""
    for accept in (JSON, GRAPHQL_JSON):
        headers = {"Content-Type": JSON, "Accept": accept}
        answer = await trial.wire.send("POST", "/graphql", TYPENAME, headers)
        answer.expect(OK)
        came = answer.headers.get("content-type", "").partition(";")[0].strip()
        if came != accept:
            raise answer.broken(f"{came or 'no media type'} came, {accept} was asked for")
        if answer.json() != {"data": {"__typename": "Query"}}:
            raise answer.broken("the answer is not the data alone")


@RULES.rule("http.errors", SOURCE)
async def errors(trial: Trial) -> None:
    """What is no valid document is answered with 400, errors and no data."""
    for document in ("{", "{ noSuchField }", "query A { __typename } query B { __typename }", ""):
        answer = await trial.wire.graphql(document)
        answer.expect(400)
        found: Any = answer.json()
        if not found.get("errors") or "data" in found:
            raise answer.broken("errors without data were expected")


@RULES.rule("http.bodies", SOURCE)
async def bodies(trial: Trial) -> None:
    """A body that is no request is answered with 400, one of another type with 415."""
    wrong = (b"{", b"5", b'{"query": 5}', b"{}", b'{"query": "{ __typename }", "variables": 5}')
    for body in wrong:
        answer = await trial.wire.send("POST", "/graphql", body, {"Content-Type": JSON})
        answer.expect(400)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await trial.wire.send("POST", "/graphql", b"query=%7B__typename%7D", form)
    answer.expect(415)


@RULES.rule("http.get", SOURCE)
async def get(trial: Trial) -> None:
    """A mutation by GET is refused (405)."""
    answer = await trial.wire.send("GET", MUTATION, headers={"Accept": GRAPHQL_JSON})
    answer.expect(405)


@RULES.rule("http.operation", SOURCE)
async def operation(trial: Trial) -> None:
    """Of several operations the one that is named runs, and `extensions` are let be."""
    said = {
        "query": "query A { a: __typename } query B { b: __typename }",
        "operationName": "B",
        "extensions": {"x": 1},
    }
    headers = {"Content-Type": JSON, "Accept": GRAPHQL_JSON}
    answer = await trial.wire.send("POST", "/graphql", msgspec.json.encode(said), headers)
    if answer.data() != {"b": "Query"}:
        raise answer.broken("operation B was expected")
