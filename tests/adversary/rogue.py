"""An admitted collective with its own code: it signs whatever it likes, well formed or not."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Self

import msgspec

from federation.clock import SettableClock
from federation.licensing.objects import (
    SIGNED_TYPE,
    Acceptance,
    ComponentTerms,
    Fee,
    Grant,
    LicenceObject,
    Licensee,
    Licensor,
    Reporting,
    Term,
    TermsReference,
)
from federation.signing.entity_statements import ADDRESS, SERVER, sign_configuration
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.signing.tokens import mint_server_token
from tests.federation.harness import HUB, PERIOD, Small

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
NONE_SHA = "0" * 64


@dataclass
class Rogue:
    """Speaks with the key of a collective whose own server does not run."""

    small: Small
    code: str
    key: SigningKey
    numbers: dict[str, int] = field(default_factory=dict)  # of each stream, as the hub counts

    @classmethod
    async def instead_of(cls, small: Small, code: str, *, heard_by: str = HUB) -> Self:
        """Take the place of a server that has joined; it goes on where another has heard it."""
        await small.silence()
        await small.stop(code)
        rogue = cls(small, code, small.key(code))
        for stream, sequence in await rows(
            small,
            heard_by,
            "SELECT stream, MAX(sequence) FROM store_inbox WHERE sender = :kid GROUP BY stream",
            kid=rogue.key.kid,
        ):
            rogue.numbers[stream] = sequence
        return rogue

    @property
    def entity_id(self) -> str:
        return self.small.running[self.code].config.entity_id

    async def post(
        self,
        to: str,
        path: str,
        body: bytes,
        key: SigningKey | None = None,
        caller: str | None = None,
    ) -> Any:
        """POST as a server does; return (status, decoded answer)."""
        callee = self.small.running[to]
        clock: SettableClock = self.small.clock
        token = mint_server_token(
            key or self.key,
            caller=caller or self.entity_id,
            callee=callee.config.entity_id,
            now=clock(),
        )
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{callee.url}{path}"
        async with self.small.http.post(url, data=body, headers=headers) as response:
            return response.status, msgspec.json.decode(await response.read())

    async def send(self, kind: str, stream: str, body: Any, *, to: str = HUB) -> Any:
        """Send one message with the next number of its stream."""
        number = self.numbers.get(stream, 0) + 1
        envelope = {"stream": stream, "sequence": number, "kind": kind, "body": body}
        status, answer = await self.post(to, "/federation/inbox", encoded([envelope]))
        if status == 200 and stream in answer["up_to"]:
            self.numbers[stream] = number
        return status, answer

    def word(self, *, key: SigningKey | None = None, **changes: Any) -> str:
        """Return what this collective says of itself, changed at will, signed with a key."""
        said: dict[str, Any] = {
            "entity": self.entity_id,
            "jwks": [self.key.public_jwk()],
            "metadata": {SERVER: {ADDRESS: self.small.running[self.code].url}},
            "above": [self.small.running[HUB].config.entity_id],
            "now": self.small.clock(),
        } | changes
        entity = said.pop("entity")
        return sign_configuration(key or self.key, entity, **said).text

    def licence(self, number: str = "ZZ-000001", **changes: Any) -> dict[str, Any]:
        """Return a message with a licence that this collective signed, changed at will."""
        licence = LicenceObject(
            number=number,
            version=1,
            licensor=Licensor(self.code),
            licensee=Licensee("lab-one"),
            grant=Grant([ComponentTerms(uses=["TRAIN"], fee="1000")]),
            term=Term(date(2026, 9, 1), date(2027, 8, 31)),
            fee=Fee("EUR", "1000"),
            reporting=Reporting("site"),
            terms=TermsReference("https://zz.example/terms", NONE_SHA),
            acceptance=Acceptance("x", "lab", NOON),
        )
        return self.signed(number, merged(msgspec.to_builtins(licence), changes))

    def signed(self, number: str, claims: Any) -> dict[str, Any]:
        """Return a message with a licence of these claims, signed by this collective."""
        return {"number": number, "signed": sign(claims, typ=SIGNED_TYPE, key=self.key)}

    def report(self, **changes: Any) -> dict[str, Any]:
        """Return a usage report of this collective, changed at will."""
        report = {
            "format": 1,
            "party": self.code,
            "period": PERIOD,
            "sequence": 1,
            "supersedes": None,
            "classes": {"MATCHED": [1, "10"]},
            "weights": [],
            "held": [],
            "members_sha256": NONE_SHA,
        }
        return report | changes

    def routed(self, *lines: list[Any], **changes: Any) -> dict[str, Any]:
        """Return lines on their way from here to GB, changed at will."""
        message = {
            "origin": self.code,
            "owner": "GB",
            "period": PERIOD,
            "lines": list(lines) or [a_line()],
        }
        return message | changes


def a_line(event_id: str = "e-1", **changes: Any) -> list[Any]:
    """Return a line as it is routed: an address of GB's, used under L1."""
    line = {
        "reporter": "site:x",
        "event_id": event_id,
        "licence": "HUB-000001",
        "url": "https://press.example/a",
        "use": "TRAIN",
        "units": 10,
        "occurred_at": int(NOON.timestamp() * 1_000_000),
    }
    return list((line | changes).values())


def a_claim(**changes: Any) -> dict[str, Any]:
    """Return a claim as a registry tells the index of it."""
    claim = {
        "claim_id": "a" * 32,
        "holder_id": "b" * 32,
        "host": "zz.example",
        "path": "/",
        "wildcard": False,
        "counts_from": "2026-01-01",
        "counts_to": None,
        "content_tier": "standard",
        "canonical": None,
    }
    return claim | changes


def merged(value: Any, changes: dict[str, Any]) -> Any:
    """Return builtins with some members replaced, `fee__total` being the total in the fee."""
    found = json.loads(json.dumps(value))
    for path, new in changes.items():
        *parents, name = path.split("__")
        place = found
        for parent in parents:
            place = place[int(parent)] if parent.isdigit() else place[parent]
        place[name] = new
    return found


def encoded(envelopes: Any) -> bytes:
    return json.dumps(envelopes).encode()


def unsigned(signed: str) -> str:
    """Return a signed text with a signature of zeros."""
    header, payload, _ = signed.split(".")
    return f"{header}.{payload}.{base64.urlsafe_b64encode(bytes(64)).decode().rstrip('=')}"


async def rows(small: Small, code: str, query: str, **values: Any) -> list[Any]:
    from sqlalchemy import text  # noqa: PLC0415 - the tests' own look into a database

    async with small.databases[code].read() as session:
        return [tuple(row) for row in await session.execute(text(query), values)]
