"""A collective that sends by chance whatever is wrong, for as long as it likes.

Every step is one delivery: a listed wrong message, a right one spoiled in one place, a wrong
stream, number or signature, or bytes that are no delivery. Whatever comes, the hub answers with a
refusal or parks it; nothing of anybody else changes.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from federation.cli.check import check_server
from federation.scenario import documents as ask
from federation.settlement.run import compute
from federation.settlement.run_document import decode
from federation.signing.keys import SigningKey
from federation.values.month import last_day
from tests.adversary.four import all_have_forwarded_but, settle_without
from tests.adversary.rogue import NONE_SHA, Rogue, a_claim, a_line, encoded, rows
from tests.adversary.staff import IDS, drop, retry
from tests.adversary.wrong_messages import (
    AFTER_CUT_OFF,
    ANY_TIME,
    FILTER,
    HELD,
    PAID,
    RUN,
    USAGE,
    opt_out,
    share,
)
from tests.databases import contents
from tests.federation.harness import HUB, PERIOD, Small, month_over

# Messages, and who of the staff dropped them.
OF_MESSAGES = {
    "store_inbox",
    "store_parked",
    "store_parked_part",
    "store_outbox",
    "store_lease",
    "people_act",
}
REFUSALS = {400, 401, 403, 404, 413, 422}
LOOK_EVERY = 50
PARKED_KEPT = 40  # messages; beyond it two operators drop one at each step

# Too early is not wrong for ever: parked before the cut-off, it is right after it.
FOR_EVER_WRONG = [item for item in ANY_TIME if item.code not in {"MONTH_STATE", "COUNT_MISMATCH"}]

# No field of any message takes one of these.
NEVER_RIGHT = [
    "x\u0000y",
    "x" * 5_000,
    "",
    -1,
    2**63,
    10**400,
    1.5,
    True,
    [],
    [[]],
    {},
    {"a": {"b": None}},
]


class Walk:
    """One random walk against a hub; `counts` says what was sent and what came of it."""

    def __init__(self, small: Small, rogue: Rogue, random: Random) -> None:
        self.small, self.rogue, self.random = small, rogue, random
        self.counts = Counter[str]()
        self.is_cut_off = False
        self._sent: list[dict[str, Any]] = []
        self._stranger = SigningKey.generate()
        self._others: Any = None

    async def steps(self, count: int) -> None:
        """Take steps, looking at what is not this collective's now and then."""
        self._others = await self._of_others()
        for number in range(1, count + 1):
            await self._step()
            if number % LOOK_EVERY == 0 or number == count:
                await self._look()

    async def through_the_month(self, count: int) -> dict[str, dict[str, int]]:
        """Take so many steps before the cut-off and as many after it; return the month's shares.

        They are {licence key: {party: minor units}} of all licences but this collective's own.
        """
        await self.steps(count)
        month_over(self.small)
        await self.small.story()._record_receipts(last_day(PERIOD))
        await self.small.at(HUB, "settlement").ask(ask.CUT_OFF, period=PERIOD)
        await all_have_forwarded_but(self.small, self.rogue.code)
        self.is_cut_off = True
        await self.steps(count)
        await self._drop_everything()
        await settle_without(self.small, self.rogue.code)
        [(document,)] = await rows(self.small, HUB, "SELECT document FROM settlement_run")
        result = compute(decode(document))
        return {
            key: dict(licence.shares)
            for key, licence in result.licences.items()
            if not key.startswith(self.rogue.code)
        }

    async def _step(self) -> None:
        moves: list[Callable[[], Any]] = [
            self._listed,
            self._spoiled,
            self._spoiled,
            self._elsewhere,
            self._numbered,
            self._several,
            self._unauthorised,
            self._noise,
            self._tried_again,
        ]
        move = self.random.choice(moves)
        self.counts[move.__name__.strip("_")] += 1
        await move()
        parked = await self.small.at(HUB, "operator").rows(IDS)
        if len(parked) > PARKED_KEPT:
            await drop(self.small)

    async def _listed(self) -> None:
        wrong = self.random.choice([*FOR_EVER_WRONG, *(AFTER_CUT_OFF if self.is_cut_off else [])])
        await self._deliver([self._envelope(wrong.kind, wrong.stream, wrong.body(self.rogue))])

    async def _spoiled(self) -> None:
        kind, stream, body = self._right()
        await self._deliver([self._envelope(kind, stream, self._spoil(kind, body))])

    def _spoil(self, kind: str, body: Any) -> Any:
        """Spoil a message, or what it signs."""
        if kind != "licence.issued" or self.random.random() < 0.2:
            return spoiled(self.random, body)
        terms = payload(body["signed"])
        return self.rogue.signed(body["number"], spoiled(self.random, terms))

    async def _elsewhere(self) -> None:
        """Send a right message in a stream that is not its own, or as another kind."""
        (kind, stream, body), (other, place, _) = self._right(), self._right()
        if self.random.random() < 0.5:
            stream = place if place != stream else f"x/{place}"
        else:
            kind = other if other != kind else "run.approved"
        await self._deliver([self._envelope(kind, stream, body)])

    async def _numbered(self) -> None:
        """Use a number again for something else, or leave numbers out."""
        kind, stream, body = self._right()
        envelope = self._envelope(kind, stream, self._spoil(kind, body))
        if self._sent and self.random.random() < 0.5:
            earlier = self.random.choice(self._sent)
            envelope |= {"stream": earlier["stream"], "sequence": earlier["sequence"]}
        else:
            envelope["sequence"] += self.random.choice([-2, -1, 1, 2, 10**9, 2**70])
        await self._deliver([envelope])

    async def _several(self) -> None:
        """Send several at once, some twice, in any order."""
        several = []
        for _ in range(self.random.randint(2, 6)):
            kind, stream, body = self._right()
            several.append(self._envelope(kind, stream, self._spoil(kind, body)))
        several.append(self.random.choice(several))
        self.random.shuffle(several)
        await self._deliver(several)

    async def _unauthorised(self) -> None:
        """Speak with a stranger's key, or to a collective instead of the hub."""
        kind, stream, body = self._right()
        delivery = encoded([self._envelope(kind, stream, body)])
        to, key = self.random.choice([(HUB, self._stranger), ("DE", None), ("GB", self._stranger)])
        status, _ = await self.rogue.post(to, "/federation/inbox", delivery, key=key)
        assert status in {401, 403}
        self.counts["refused"] += 1

    async def _noise(self) -> None:
        """Send bytes that are no delivery, to the inbox or another door of servers."""
        kind, stream, body = self._right()
        whole = encoded([self._envelope(kind, stream, body)])
        cut = self.random.randrange(len(whole))
        noise = self.random.choice(
            [
                whole[:cut],
                whole[:cut] + bytes([self.random.randrange(256)]) + whole[cut:] + b"}",
                b"[" * self.random.randint(1, 50_000),
                b'{"a":' * 5_000,
                b"\xff\xfe" + whole,
                b"NaN",
                b"",
                encoded([[]]),
                encoded({"stream": NONE_SHA}),
            ]
        )
        path = self.random.choice(["/federation/inbox", "/federation/admission"])
        status, answer = await self.rogue.post(HUB, path, noise)
        assert status in REFUSALS, (path, noise[:200], status, answer)
        self.counts["refused"] += 1

    async def _tried_again(self) -> None:
        parked = await self.small.at(HUB, "operator").rows(IDS)
        heads = [row for row in parked if row["state"] == "PARKED"]
        if heads:
            await retry(self.small, self.random.choice(heads)["id"])

    def _right(self) -> tuple[str, str, Any]:
        """Return a message that would be right, or nearly: what each kind looks like."""
        rogue, number = self.rogue, f"ZZ-{self.random.randint(1, 30):06d}"
        delta = {
            "version": 2,
            "claims": [a_claim()],
            "reservations": [opt_out()],
            "shares": [share()],
        }
        held = {"url_key": "zz.example/", "claim_id": "a" * 32, "evidence": "mine", "filed_by": "x"}
        receipt = {"licence": number, "received_on": "2026-09-01", "amount": "1"}
        rows = [["HUB-000001", "TRAIN", "ZZ", None, "1000", "10"]]
        kinds: list[tuple[str, str, Any]] = [
            ("licence.issued", f"licence/{number}", rogue.licence(number)),
            ("licence.registered", "licence/HUB-000001",
             {"number": "HUB-000001", "version": 1, "state": "REGISTERED"}),
            ("receipt.recorded", f"licence/{number}", {"id": "r-1", **receipt}),
            ("keys.published", "keys", {"jwks": [rogue.key.public_jwk()]}),
            ("entity.changed", "roster", {"code": "ZZ", "statement": rogue.word()}),
            ("registry.delta", "registry", delta),
            ("identifiers.filtered", "identifiers", FILTER),
            ("identifiers.added", "identifiers",
             {"node": "ZZ", "epoch": 1, "number": 1, "as_of": FILTER["as_of"], "keys": ""}),
            ("usage.routed", USAGE, rogue.routed(a_line())),
            ("usage.report", USAGE, rogue.report(weights=rows)),
            ("usage.forwarded", USAGE, {"period": PERIOD, "lines": 0}),
            ("run.answered", RUN, {"run_id": NONE_SHA, "answer": "CONCURRED", "reason": None}),
            ("held.claimed", "claim/HC-ZZ-000001", {"id": "HC-ZZ-000001", **held}),
            ("held.stated", "held", {"period": PERIOD, "run_id": NONE_SHA, "items": [HELD]}),
            ("held.done", "claim/HC-DE-000001", {"id": "HC-DE-000001", "payments": [PAID]}),
            ("held.not_released", "claim/HC-DE-000001", {"id": "HC-DE-000001", "reason": "no"}),
        ]  # fmt: skip
        return self.random.choice(kinds)

    def _envelope(self, kind: str, stream: str, body: Any) -> dict[str, Any]:
        number = self.rogue.numbers.get(stream, 0) + 1
        return {"stream": stream, "sequence": number, "kind": kind, "body": body}

    async def _deliver(self, envelopes: list[dict[str, Any]]) -> None:
        status, answer = await self.rogue.post(HUB, "/federation/inbox", encoded(envelopes))
        if status != 200:
            assert status in REFUSALS, (envelopes, status, answer)
            assert answer["code"], answer
            self.counts["refused"] += 1
            return
        for stream, number in answer["up_to"].items():
            if number > self.rogue.numbers.get(stream, 0):
                self.rogue.numbers[stream] = number
                self.counts["taken"] += 1
                self._sent += [item for item in envelopes if item["stream"] == stream]
        self.counts["not taken"] += len(answer["not_taken"])

    async def _look(self) -> None:
        """See that nothing changed that is not this collective's, and that the books are right."""
        now = await self._of_others()
        for code, tables in self._others.items():
            for table in tables.keys() | now[code].keys():
                before, after = tables.get(table, []), now[code].get(table, [])
                assert (code, table, after) == (code, table, before)
        for code in self.small.codes:
            if code != self.rogue.code:
                found = await check_server(self.small.keepers[code].config)
                assert found.violations == [], code

    async def _of_others(self) -> dict[str, dict[str, list[Any]]]:
        """Return every row of every other server that does not name this collective."""
        found: dict[str, dict[str, list[Any]]] = {}
        for code in self.small.codes:
            if code == self.rogue.code:
                continue
            tables = await contents(self.small.databases[code])
            found[code] = {
                table: kept
                for table, rows in tables.items()
                if table not in OF_MESSAGES
                and (kept := [row for row in rows if not self._is_own(row)])
            }
        return found

    def _is_own(self, row: tuple[Any, ...]) -> bool:
        code, entity = self.rogue.code, self.rogue.entity_id
        return any(
            isinstance(cell, str) and (cell in {code, entity} or cell.startswith(f"{code}-"))
            for cell in row
        )

    async def _drop_everything(self) -> None:
        """Drop all that is parked, as two people; what waits behind is handled."""
        while await self.small.at(HUB, "operator").rows(IDS):
            await drop(self.small)
        assert await self.small.at(HUB, "auditor").rows(ask.PARKED) == []


def spoiled(random: Random, body: Any) -> Any:
    """Return a message with one of its leaves replaced by what cannot stand there."""
    found = json.loads(json.dumps(body))
    place = found
    while True:
        key = random.choice(list(place) if isinstance(place, dict) else range(len(place)))
        if not isinstance(place[key], dict | list) or not place[key]:
            place[key] = random.choice([value for value in NEVER_RIGHT if value != place[key]])
            return found
        place = place[key]


def payload(signed: str) -> Any:
    """Return what a signed text says, whoever signed it."""
    part = signed.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
