"""Nodes that break one law each of what the hub tells them, or of what they tell the hub."""

import json
from dataclasses import replace
from hashlib import sha256

import msgspec

from federation.conformance.hub import Message, TrialHub
from tests.conformance.standing_in import Ask, Call, Came, Wrong, of, segment


def believes_any_key(hub: TrialHub) -> Wrong:
    """Whoever speaks in the hub's name is the hub."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/federation/inbox" or came.status != 401:
            return came
        if _key_of(call) == hub.key.kid:
            return came
        return await ask(replace(call, headers={**call.headers, **_as(hub)}))

    return Wrong("accepts a message that another signed", of("messages.signature"), answers)


def believes_any_audience(hub: TrialHub) -> Wrong:
    """What the hub signed, for whomever, whenever, is taken."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/federation/inbox" or came.status != 401:
            return came
        if _key_of(call) != hub.key.kid:
            return came
        return await ask(replace(call, headers={**call.headers, **_as(hub)}))

    breaks = of("messages.audience", "messages.stale")
    return Wrong("accepts messages for others", breaks, answers)


def takes_others_under_a_number() -> Wrong:
    """A number that was used is no reason to refuse."""

    async def answers(call: Call, ask: Ask) -> Came:
        came = await ask(call)
        if call.path != "/federation/inbox" or b"MESSAGE_CONFLICT" not in came.body:
            return came
        up_to = {each["stream"]: each["sequence"] for each in json.loads(call.body)}
        return came.saying({"up_to": up_to, "not_taken": {}})

    return Wrong("takes another message under a number", of("messages.other"), answers)


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

    return Wrong("takes a message twice", of("messages.once"), answers, tells)


def takes_what_it_knows() -> Wrong:
    """Of a delivery with an unknown kind the rest is taken."""

    async def answers(call: Call, ask: Ask) -> Came:
        if call.path == "/federation/inbox" and b"no.such.kind" in call.body:
            known = [one for one in json.loads(call.body) if one["kind"] != "no.such.kind"]
            came = await ask(replace(call, body=json.dumps(known).encode()))
            return replace(came, status=422)
        return await ask(call)

    return Wrong("takes what stands beside an unknown kind", of("messages.kind"), answers)


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

    return Wrong("tells an empty filter", of("holdings.held", "holdings.signed"), None, tells)


def has_a_filter_of_another_digest() -> Wrong:
    """The filter has not the digest that it names."""

    def tells(message: Message) -> list[Message]:
        if message.kind != "identifiers.filtered":
            return [message]
        body = json.loads(bytes(message.body)) | {"sha256": "0" * 64}
        raw = msgspec.Raw(json.dumps(body).encode())
        return [msgspec.structs.replace(message, body=raw)]

    return Wrong("tells a filter of another digest", of("holdings.told"), None, tells)


def tells_no_registry() -> Wrong:
    """The hub does not hear of opt-outs."""

    def tells(message: Message) -> list[Message]:
        return [] if message.kind == "registry.delta" else [message]

    return Wrong("tells no registry", of("optouts.told", "optouts.index"), None, tells)


def leaves_gaps() -> Wrong:
    """The versions of its registry are numbered with gaps."""

    def tells(message: Message) -> list[Message]:
        if message.kind != "registry.delta":
            return [message]
        body = json.loads(bytes(message.body))
        raw = msgspec.Raw(json.dumps(body | {"version": body["version"] * 2}).encode())
        return [msgspec.structs.replace(message, body=raw)]

    return Wrong("leaves gaps", of("optouts.index"), None, tells)


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

    return Wrong("registers anything", of("messages.licensor"), answers, tells)


def _as(hub: TrialHub) -> dict[str, str]:
    return {"Authorization": f"Bearer {hub.token()}"}


def _key_of(call: Call) -> str:
    """Return which key a call says it is signed with."""
    token = call.headers["Authorization"].removeprefix("Bearer ")
    return str(json.loads(segment(token, 0))["kid"])
