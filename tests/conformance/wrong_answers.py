"""Nodes that break one law each of how a question is answered."""

import json
from dataclasses import replace
from typing import Any

from aiohttp import web

from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from tests.conformance.standing_in import Ask, Call, Came, Wrong, of, segment


def tells_of_itself() -> Wrong:
    """A document that cannot be read is answered with a stack."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if came.status != 400 or b"noSuchField" not in call.body:
            return came
        found = came.json
        found["errors"][0]["extensions"] = {"trace": 'Traceback:\n  File "resolve.py", line 3'}
        return came.saying(found)

    return Wrong("leaks a stack trace", of("refusals.masked"), answers)


def shows_partners_things() -> Wrong:
    """On whose behalf it is asked makes no difference."""

    async def answers(call: Call, ask: Ask) -> Came:
        if call.headers.get("Federation-On-Behalf-Of") != "signed-in":
            return await ask(call)
        partner = call.headers | {"Federation-On-Behalf-Of": "partner"}
        return await ask(replace(call, headers=partner))

    return Wrong("shows everybody what partners see", of("questions.behalf"), answers)


def forgets_documents() -> Wrong:
    """A document that was sent with its id is not kept."""

    async def answers(call: Call, ask: Ask) -> Came:
        said = call.said
        if said.get("documentId") and said.get("query") and said["query"].startswith("# "):
            del said["documentId"]
            return await ask(replace(call, body=json.dumps(said).encode()))
        return await ask(call)

    return Wrong("forgets documents", of("documents.kept"), answers)


def takes_other_batches() -> Wrong:
    """Another batch under a key is answered as if it were the first."""
    memory: dict[Any, Came] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/usage":
            return came
        key = call.headers.get("Idempotency-Key")
        return memory.get(key, came) if came.status == 409 else memory.setdefault(key, came)

    return Wrong("takes another batch under a key", of("idempotency.other"), answers)


def has_another_schema() -> Wrong:
    """`title` of a work may be null, and `contentTier` is not there."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if "__schema" not in str(call.said.get("query")):
            return came
        found = came.json
        work = next(one for one in found["data"]["__schema"]["types"] if one["name"] == "Work")
        work["fields"] = [one for one in work["fields"] if one["name"] != "contentTier"]
        title = next(one for one in work["fields"] if one["name"] == "title")
        title["type"] = title["type"]["ofType"]
        return came.saying(found)

    return Wrong("lacks a field", of("schema.fields", "schema.described"), answers)


def signs_with_another_key() -> Wrong:
    """Its status list is signed with a key that nobody knows."""
    key = SigningKey.generate()

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if not call.path.startswith("/statuslists/") or came.status != 200:
            return came
        claims = json.loads(segment(came.body.decode(), 1))
        return replace(came, body=sign(claims, typ="statuslist+jwt", key=key).encode())

    return Wrong("signs with a key that is not published", of("signed.statuses"), answers)


def never_ends() -> Wrong:
    """Its status list has no end."""

    async def answers(call: Call, ask: Ask) -> Any:
        if not call.path.startswith("/statuslists/0"):
            return await ask(call)

        async def endless(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while True:
                    await response.write(bytes(65_536))
            except ConnectionError:
                return response

        return endless

    return Wrong("sends without an end", of("signed.statuses"), answers)


def answers_by_another_code(code: str, *rules: str) -> Wrong:
    """A refusal has another code than is agreed."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, body=came.body.replace(f'"{code}"'.encode(), b'"SOMETHING"'))

    return Wrong(f"does not say {code}", of(*rules), answers)


def answers_by_another_status(status: int, other: int, mark: bytes, *rules: str) -> Wrong:
    """What holds a text, in its body or address, is answered with another status."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        is_it = mark in call.body or mark in call.path.encode()
        return replace(came, status=other) if is_it and came.status == status else came

    return Wrong(f"answers {other} for {status}", of(*rules), answers)


def answers_in_another_type() -> Wrong:
    """The media type that was asked for makes no difference."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, headers=came.headers | {"Content-Type": "text/plain"})

    return Wrong("answers in plain text", of("http.answers"), answers)


def runs_the_first_operation() -> Wrong:
    """`operationName` is not looked at."""

    async def answers(call: Call, ask: Ask) -> Came:
        said = call.said | {"operationName": "A"}
        is_named = "operationName" in call.said
        return await ask(replace(call, body=json.dumps(said).encode()) if is_named else call)

    return Wrong("runs the first operation", of("http.operation"), answers)


def shows_policies_to_everybody(token: str) -> Wrong:
    """A site's policy is for whoever asks."""

    async def answers(call: Call, ask: Ask) -> Came:
        if not call.path.endswith("/policy"):
            return await ask(call)
        return await ask(replace(call, headers=call.headers | {"Authorization": f"Bearer {token}"}))

    return Wrong("shows policies to everybody", of("signed.others"), answers)


def has_no(path: str, *rules: str) -> Wrong:
    """There is nothing at an address."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, status=404) if call.path == path and came.status == 200 else came

    return Wrong(f"has no {path}", of(*rules), answers)


def counts_answers() -> Wrong:
    """The answer to a batch that comes again says how often it came."""
    seen: dict[bytes, int] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/usage" or came.status != 200:
            return came
        seen[call.body] = seen.get(call.body, 0) + 1
        return came.saying(came.json | {"came": seen[call.body]})

    return Wrong("counts answers", of("idempotency.same", "idempotency.other"), answers)
