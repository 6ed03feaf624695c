"""Nodes that break one law each: our own node, behind a proxy that changes what goes through it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from federation.conformance.hub import Message, TrialHub
from federation.signing.jose import sign
from federation.signing.keys import SigningKey

OWN_HEADERS = {"content-length", "transfer-encoding", "connection", "date", "server"}


@dataclass(frozen=True)
class Call:
    """A request on its way to the node."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """Return a body of GraphQL as it was read; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def variables(self) -> dict[str, Any]:
        found = self.said.get("variables")
        return found if isinstance(found, dict) else {}

    def asks_for(self, field_name: str) -> bool:
        """Tell whether it is a question for a root field."""
        return f"{field_name}(" in str(self.said.get("query"))

    def with_variables(self, **changes: Any) -> "Call":
        said = self.said | {"variables": self.variables | changes}
        return replace(self, body=json.dumps(said).encode())


@dataclass(frozen=True)
class Came:
    """What the node answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def saying(self, value: Any, status: int | None = None) -> "Came":
        return replace(self, body=json.dumps(value).encode(), status=status or self.status)


Ask = Any  # sends a call to the real node
Change = Callable[[Call, Ask], Any]


@dataclass
class Wrong:
    """A node that is wrong in one way: by its answers, or by what it tells its hub."""

    name: str
    breaks: frozenset[str]
    answers: Change | None = None
    tells: Callable[[Message], list[Message]] | None = None
    memory: dict[Any, Any] = field(default_factory=dict)


@asynccontextmanager
async def standing_in(wrong: Wrong, url: str, hub: TrialHub, port: int) -> AsyncIterator[str]:
    """Lend the address of a wrong node, which has the real one at `url` behind it."""
    async with aiohttp.ClientSession(auto_decompress=False) as http:

        async def ask(call: Call) -> Came:
            async with http.request(
                call.method,
                url + call.path,
                data=call.body,
                headers=call.headers,
                allow_redirects=False,
            ) as response:
                headers = {
                    name: value
                    for name, value in response.headers.items()
                    if name.lower() not in OWN_HEADERS
                }
                return Came(response.status, headers, await response.read())

        async def handler(request: web.Request) -> web.StreamResponse:
            headers = {k: v for k, v in request.headers.items() if k.lower() not in OWN_HEADERS}
            body = await request.read()
            call = Call(request.method, request.raw_path, headers, body)
            came = await (wrong.answers(call, ask) if wrong.answers else ask(call))
            if isinstance(came, Came):
                return web.Response(status=came.status, headers=came.headers, body=came.body)
            return await came(request)

        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        honest = hub.take
        if wrong.tells is not None:
            tells = wrong.tells
            hub.take = lambda messages: honest(  # type: ignore[method-assign]
                told for message in messages for told in tells(message)
            )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            hub.take = honest  # type: ignore[method-assign]
            await runner.cleanup()


def _edges(came: Came) -> list[Any] | None:
    data = came.json.get("data") or {}
    works = data.get("works")
    return works["edges"] if works and "edges" in works else None


def _with_edges(change: Callable[[Call, list[Any]], list[Any]]) -> Change:
    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if not call.asks_for("works") or not _edges(came):
            return came
        found = came.json
        found["data"]["works"]["edges"] = change(call, _edges(came) or [])
        return came.saying(found)

    return answers


def loses() -> Wrong:
    """The entry that a page after the first begins with is not shown."""
    change = _with_edges(lambda call, edges: edges[1:] if call.variables.get("after") else edges)
    return Wrong("loses an entry between pages", _of("paging.whole", "paging.stable"), change)


def doubles() -> Wrong:
    """A page that has room repeats its first entry."""

    def change(call: Call, edges: list[Any]) -> list[Any]:
        has_room = call.variables.get("after") and len(edges) < call.variables["first"]
        return [*edges, edges[0]] if has_room else edges

    return Wrong("doubles an entry", _of("paging.whole", "paging.stable"), _with_edges(change))


def reorders() -> Wrong:
    """A page is in the order of titles as they are written."""
    change = _with_edges(lambda _, edges: sorted(edges, key=lambda one: one["node"]["title"]))
    return Wrong("orders by letters as they are", _of("paging.order"), change)


def counts_rows() -> Wrong:
    """A cursor is a number of rows."""

    async def answers(call: Call, ask: Ask) -> Came:
        first, after = call.variables.get("first"), call.variables.get("after")
        start = str(after or "offset-0000").removeprefix("offset-")
        if not call.asks_for("works") or not start.isdigit() or first not in range(1, 101):
            return await ask(call)
        came = await ask(call.with_variables(first=100, after=None))
        if not (edges := _edges(came)):
            return came
        found, end = came.json, min(int(start) + first, len(edges))
        info = {"hasNextPage": end < len(edges), "endCursor": f"offset-{end:04}"}
        found["data"]["works"] = {"edges": edges[int(start) : end], "pageInfo": info}
        return came.saying(found)

    return Wrong("counts rows", _of("paging.stable"), answers)


def takes_any_first() -> Wrong:
    """A negative number is read as 1."""

    async def answers(call: Call, ask: Ask) -> Came:
        first = call.variables.get("first")
        return await ask(call.with_variables(first=1) if first in {0, -1} else call)

    return Wrong("accepts a negative first", _of("paging.first"), answers)


def begins_anew() -> Wrong:
    """A cursor that it does not know is left out."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return await ask(call.with_variables(after=None)) if b"BAD_CURSOR" in came.body else came

    breaks = _of("paging.cursors", "paging.foreign")
    return Wrong("answers with data on a wrong cursor", breaks, answers)


def _remembers(name: str, rule: str, key: Callable[[Call], Any]) -> Wrong:
    memory: dict[Any, Came] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        known = key(call)
        if known is None:
            return await ask(call)
        if known not in memory:
            memory[known] = await ask(call)
        return memory[known]

    return Wrong(name, _of(rule), answers)


def caches_rights() -> Wrong:
    """What was answered of an address is answered again."""

    def key(call: Call) -> Any:
        urls = call.variables.get("urls")
        if not call.asks_for("rights") or not isinstance(urls, list) or len(urls) != 1:
            return None
        return str(urls), call.variables.get("use"), str(call.said.get("documentId"))

    return _remembers("caches opt-outs", "optouts.rights", key)


def caches_tokens() -> Wrong:
    """A token that was good stays good."""

    def key(call: Call) -> Any:
        return call.said.get("url") if call.path == "/validate" else None

    return _remembers("caches tokens", "optouts.tokens", key)


def caches_policies() -> Wrong:
    """A policy is never made anew."""

    def key(call: Call) -> Any:
        is_policy = call.path.endswith("/policy") and "Authorization" in call.headers
        return call.path if is_policy else None

    return _remembers("caches policies", "optouts.policy", key)


def believes_any_key(hub: TrialHub) -> Wrong:
    """Whoever speaks in the hub's name is the hub."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        kid = json.loads(_decoded(call.headers.get("Authorization", ""))).get("kid")
        if call.path != "/federation/inbox" or came.status != 401 or kid == hub.key.kid:
            return came
        return await ask(replace(call, headers={**call.headers, **_as(hub)}))

    return Wrong("accepts a message that another signed", _of("messages.signature"), answers)


def believes_any_audience(hub: TrialHub) -> Wrong:
    """What the hub signed, for whomever, whenever, is taken."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        kid = json.loads(_decoded(call.headers.get("Authorization", ""))).get("kid")
        if call.path != "/federation/inbox" or came.status != 401 or kid != hub.key.kid:
            return came
        return await ask(replace(call, headers={**call.headers, **_as(hub)}))

    breaks = _of("messages.audience", "messages.stale")
    return Wrong("accepts messages for others", breaks, answers)


def takes_others_under_a_number() -> Wrong:
    """A number that was used is no reason to refuse."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if b"MESSAGE_CONFLICT" not in came.body:
            return came
        [envelope] = json.loads(call.body)
        return came.saying({"up_to": {envelope["stream"]: envelope["sequence"]}, "not_taken": {}})

    return Wrong("takes another message under a number", _of("messages.other"), answers)


def takes_twice() -> Wrong:
    """A message that comes again has its effect again."""
    seen: dict[bytes, int] = {}
    twice: set[str] = set()
    added: dict[str, int] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path == "/federation/inbox" and b'"not_taken":{}' in came.body:
            seen[call.body] = seen.get(call.body, 0) + 1
            if seen[call.body] > 1:
                twice.update(envelope["stream"] for envelope in json.loads(call.body))
        return came

    def tells(message: Message) -> list[Message]:
        body = json.loads(bytes(message.body))
        moved = msgspec.structs.replace(
            message, sequence=message.sequence + added.get(message.stream, 0)
        )
        if message.kind != "licence.registered" or message.stream not in twice or moved != message:
            return [moved]
        added[message.stream] = 1
        again = msgspec.Raw(json.dumps(body | {"version": body["version"] - 1}).encode())
        return [
            msgspec.structs.replace(message, body=again),
            msgspec.structs.replace(message, sequence=message.sequence + 1),
        ]

    return Wrong("takes a message twice", _of("messages.once"), answers, tells)


def takes_what_it_knows() -> Wrong:
    """Of a delivery with an unknown kind the rest is taken."""

    async def answers(call: Call, ask: Ask) -> Came:
        if call.path == "/federation/inbox" and b"no.such.kind" in call.body:
            known = [one for one in json.loads(call.body) if one["kind"] != "no.such.kind"]
            came = await ask(replace(call, body=json.dumps(known).encode()))
            return replace(came, status=422)
        return await ask(call)

    return Wrong("takes what stands beside an unknown kind", _of("messages.kind"), answers)


def takes_any_number_of_urls() -> Wrong:
    """A question that is too long is asked in two parts."""

    async def answers(call: Call, ask: Ask) -> Came:
        urls = call.variables.get("urls")
        if not isinstance(urls, list) or len(urls) <= 1_000:
            return await ask(call)
        first = await ask(call.with_variables(urls=urls[:1_000]))
        rest = await ask(call.with_variables(urls=urls[1_000:]))
        found = first.json
        found["data"]["rights"]["items"] += rest.json["data"]["rights"]["items"]
        return first.saying(found)

    return Wrong("takes any number of addresses", _of("limits.urls"), answers)


def tells_of_itself() -> Wrong:
    """A document that cannot be read is answered with a stack."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if came.status != 400 or b"noSuchField" not in call.body:
            return came
        found = came.json
        found["errors"][0]["extensions"] = {"trace": 'Traceback:\n  File "resolve.py", line 3'}
        return came.saying(found)

    return Wrong("leaks a stack trace", _of("refusals.masked"), answers)


def shows_partners_things() -> Wrong:
    """On whose behalf it is asked makes no difference."""

    async def answers(call: Call, ask: Ask) -> Came:
        if call.headers.get("Federation-On-Behalf-Of") != "signed-in":
            return await ask(call)
        partner = call.headers | {"Federation-On-Behalf-Of": "partner"}
        return await ask(replace(call, headers=partner))

    return Wrong("shows everybody what partners see", _of("questions.behalf"), answers)


def forgets_documents() -> Wrong:
    """A document that was sent with its id is not kept."""

    async def answers(call: Call, ask: Ask) -> Came:
        said = call.said
        if said.get("documentId") and said.get("query") and said["query"].startswith("# "):
            del said["documentId"]
            return await ask(replace(call, body=json.dumps(said).encode()))
        return await ask(call)

    return Wrong("forgets documents", _of("documents.kept"), answers)


def takes_other_batches() -> Wrong:
    """Another batch under a key is answered as if it were the first."""
    memory: dict[Any, Came] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/usage":
            return came
        key = call.headers.get("Idempotency-Key")
        return memory.get(key, came) if came.status == 409 else memory.setdefault(key, came)

    return Wrong("takes another batch under a key", _of("idempotency.other"), answers)


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

    return Wrong("lacks a field", _of("schema.fields", "schema.described"), answers)


def has_an_empty_filter() -> Wrong:
    """The filter it tells holds nothing, and says so in good form."""

    def tells(message: Message) -> list[Message]:
        if not message.kind.startswith("identifiers."):
            return [message]
        body = json.loads(bytes(message.body))
        if message.kind == "identifiers.added":
            body["keys"] = ""
        else:
            empty = bytes(8)
            data = msgspec.to_builtins(empty)
            body |= {"keys": 0, "data": data, "sha256": sha256(empty).hexdigest()}
        raw = msgspec.Raw(json.dumps(body).encode())
        return [msgspec.structs.replace(message, body=raw)]

    return Wrong("tells an empty filter", _of("holdings.held"), None, tells)


def has_a_filter_of_another_digest() -> Wrong:
    """The filter has not the digest that it names."""

    def tells(message: Message) -> list[Message]:
        if message.kind != "identifiers.filtered":
            return [message]
        body = json.loads(bytes(message.body)) | {"sha256": "0" * 64}
        raw = msgspec.Raw(json.dumps(body).encode())
        return [msgspec.structs.replace(message, body=raw)]

    return Wrong("tells a filter of another digest", _of("holdings.told"), None, tells)


def signs_with_another_key() -> Wrong:
    """Its status list is signed with a key that nobody knows."""
    key = SigningKey.generate()

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if not call.path.startswith("/statuslists/") or came.status != 200:
            return came
        claims = json.loads(_segment(came.body.decode(), 1))
        return replace(came, body=sign(claims, typ="statuslist+jwt", key=key).encode())

    return Wrong("signs with a key that is not published", _of("signed.statuses"), answers)


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

    return Wrong("sends without an end", _of("signed.statuses"), answers)


def answers_by_another_code(code: str, *rules: str) -> Wrong:
    """A refusal has another code than is agreed."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, body=came.body.replace(f'"{code}"'.encode(), b'"SOMETHING"'))

    return Wrong(f"does not say {code}", _of(*rules), answers)


def answers_by_another_status(status: int, other: int, mark: bytes, *rules: str) -> Wrong:
    """What holds a text, in its body or address, is answered with another status."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        is_it = mark in call.body or mark in call.path.encode()
        return replace(came, status=other) if is_it and came.status == status else came

    return Wrong(f"answers {other} for {status}", _of(*rules), answers)


def answers_in_another_type() -> Wrong:
    """The media type that was asked for makes no difference."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, headers=came.headers | {"Content-Type": "text/plain"})

    return Wrong("answers in plain text", _of("http.answers"), answers)


def runs_the_first_operation() -> Wrong:
    """`operationName` is not looked at."""

    async def answers(call: Call, ask: Ask) -> Came:
        said = call.said | {"operationName": "A"}
        is_named = "operationName" in call.said
        return await ask(replace(call, body=json.dumps(said).encode()) if is_named else call)

    return Wrong("runs the first operation", _of("http.operation"), answers)


def shows_policies_to_everybody(token: str) -> Wrong:
    """A site's policy is for whoever asks."""

    async def answers(call: Call, ask: Ask) -> Came:
        if not call.path.endswith("/policy"):
            return await ask(call)
        return await ask(replace(call, headers=call.headers | {"Authorization": f"Bearer {token}"}))

    return Wrong("shows policies to everybody", _of("signed.others"), answers)


def has_no(path: str, *rules: str) -> Wrong:
    """There is nothing at an address."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        return replace(came, status=404) if call.path == path and came.status == 200 else came

    return Wrong(f"has no {path}", _of(*rules), answers)


def counts_answers() -> Wrong:
    """The answer to a batch that comes again says how often it came."""
    seen: dict[bytes, int] = {}

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/usage" or came.status != 200:
            return came
        seen[call.body] = seen.get(call.body, 0) + 1
        return came.saying(came.json | {"came": seen[call.body]})

    return Wrong("counts answers", _of("idempotency.same", "idempotency.other"), answers)


def tells_no_registry() -> Wrong:
    """The hub does not hear of opt-outs."""

    def tells(message: Message) -> list[Message]:
        return [] if message.kind == "registry.delta" else [message]

    return Wrong("tells no registry", _of("optouts.told", "optouts.index"), None, tells)


def leaves_gaps() -> Wrong:
    """The versions of its registry are numbered with gaps."""

    def tells(message: Message) -> list[Message]:
        if message.kind != "registry.delta":
            return [message]
        body = json.loads(bytes(message.body))
        raw = msgspec.Raw(json.dumps(body | {"version": body["version"] * 2}).encode())
        return [msgspec.structs.replace(message, body=raw)]

    return Wrong("leaves gaps", _of("optouts.index"), None, tells)


def registers_anything() -> Wrong:
    """A licence is registered whoever signed it."""
    waiting: list[str] = []

    async def answers(call: Call, ask: Ask) -> Came:
        if call.path == "/federation/inbox" and b"licence/ZZ-" in call.body:
            waiting.extend(one["stream"] for one in json.loads(call.body))
        return await ask(call)

    def tells(message: Message) -> list[Message]:
        if message.kind != "licence.registered" or not waiting:
            return [message]
        stream = waiting.pop()
        said = {"number": stream.removeprefix("licence/"), "version": 1, "state": "REGISTERED"}
        body = msgspec.Raw(json.dumps(said).encode())
        return [Message(stream, 1, "licence.registered", body), message]

    return Wrong("registers anything", _of("messages.licensor"), answers, tells)


def _of(*rules: str) -> frozenset[str]:
    return frozenset(rules)


def _as(hub: TrialHub) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.token()}"}


def _decoded(authorization: str) -> bytes:
    return _segment(authorization.removeprefix("Bearer "), 0)


def _segment(token: str, number: int) -> bytes:
    from base64 import urlsafe_b64decode  # noqa: PLC0415

    part = token.split(".")[number]
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4)) or b"{}"
    except ValueError:
        return b"{}"
