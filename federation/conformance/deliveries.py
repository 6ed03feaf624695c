"""Rules of messages of the hub: each taken once, in order, from the hub alone; else nothing kept.

Each rule has a licence of its own, hence a stream: what is refused in one holds up no other.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec

from federation.clock import system_clock
from federation.conformance.hub import Message
from federation.conformance.licences import KIND, issued, licence, number_of
from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import BrokenError, Rules
from federation.conformance.wire import OK, Exchange
from federation.signing.keys import SigningKey

RULES: Final = Rules()
SOURCE: Final = "decision 0012"
REGISTERED: Final = "licence.registered"
HEARD_SECONDS: Final = 60.0
ANOTHER: Final = "ZZ"  # a code that the trial's hub has told nobody of


@dataclass(slots=True)
class Stream:
    """The stream of one licence; `number` is drawn for it."""

    trial: Trial
    number: str = field(default_factory=number_of)

    @property
    def name(self) -> str:
        """Return the stream of the licence."""
        return f"licence/{self.number}"

    def envelope(
        self, sequence: int, *, version: int = 1, key: SigningKey | None = None, licensor: str = ""
    ) -> dict[str, Any]:
        """Return a message with a version of the licence, at a place in the stream."""
        named = {"licensor": licensor} if licensor else {}
        claims = licence(self.number, version=version, use=USE, **named)
        body = issued(claims, key or self.trial.hub.key)
        return {"stream": self.name, "sequence": sequence, "kind": KIND, "body": body}

    async def require_taken(self, answer: Exchange, sequence: int) -> None:
        """Require that the stream was taken up to a message."""
        up_to = answer.json().get("up_to", {}) if answer.status == OK else {}
        if up_to.get(self.name) != sequence:
            raise answer.broken(f"message {sequence} of the stream was not taken")

    async def require_refused(self, answer: Exchange, code: str) -> None:
        """Require that nothing of the stream was taken, for one reason."""
        answer.expect(OK)
        said = answer.json()
        if self.name in said.get("up_to", {}):
            raise answer.broken(f"the message was taken, {code} was expected")
        found = said.get("not_taken", {}).get(self.name, {}).get("code")
        if found != code:
            raise answer.broken(f"{found} came, {code} was expected")

    async def require_registered(self, *versions: int) -> None:
        """Require that the hub hears of these versions of the licence, of each once."""
        last = versions[-1]
        if await self.trial.hub.hear(lambda one: self._of(one) == last, HEARD_SECONDS) is None:
            raise BrokenError(
                f"the hub did not hear within {HEARD_SECONDS:.0f} seconds that version {last} of "
                f"{self.number} is registered"
            )
        if (found := self.registered()) != list(versions):
            raise BrokenError(f"the hub heard of versions {found} of {self.number}")

    def registered(self) -> list[int]:
        """Return the versions that the hub has heard are registered, as often as it has."""
        found = [self._of(message) for message in self.trial.hub.heard]
        return [version for version in found if version]

    def _of(self, message: Message) -> int:
        if message.kind != REGISTERED or message.stream != self.name:
            return 0
        said = msgspec.json.decode(message.body)
        return int(said["version"]) if said.get("state") == "REGISTERED" else 0


async def deliver(trial: Trial, *envelopes: dict[str, Any], **token: Any) -> Exchange:
    """Deliver messages as the hub does, or with a token that is not good."""
    await trial.joined()
    headers = {
        "Authorization": f"Bearer {trial.hub.token(**token)}",
        "Content-Type": "application/json",
    }
    body = msgspec.json.encode(list(envelopes))
    return await trial.wire.send("POST", "/federation/inbox", body, headers)


@RULES.rule("messages.once", SOURCE)
async def once(trial: Trial) -> None:
    """A message that is delivered twice is taken as often, and has its effect once."""
    stream = Stream(trial)
    envelope = stream.envelope(1)
    for _ in range(2):
        await stream.require_taken(await deliver(trial, envelope), 1)
    later = stream.envelope(2, version=2)  # what it causes comes behind what those before caused
    await stream.require_taken(await deliver(trial, later), 2)
    await stream.require_registered(1, 2)


@RULES.rule("messages.other", SOURCE)
async def other(trial: Trial) -> None:
    """Another message under a number that was used is refused (MESSAGE_CONFLICT)."""
    stream = Stream(trial)
    await stream.require_taken(await deliver(trial, stream.envelope(1)), 1)
    answer = await deliver(trial, stream.envelope(1, version=2))
    await stream.require_refused(answer, "MESSAGE_CONFLICT")
    await stream.require_registered(1)


@RULES.rule("messages.order", SOURCE)
async def order(trial: Trial) -> None:
    """A message that comes too early is refused (OUT_OF_ORDER), and taken once the first came."""
    stream = Stream(trial)
    second = stream.envelope(2, version=2)
    await stream.require_refused(await deliver(trial, second), "OUT_OF_ORDER")
    await stream.require_taken(await deliver(trial, stream.envelope(1)), 1)
    await stream.require_taken(await deliver(trial, second), 2)
    await stream.require_registered(1, 2)


async def _not_taken(trial: Trial, *statuses: int, **token: Any) -> None:
    """Require that a delivery under a token is refused, and that nothing of it was kept."""
    stream = Stream(trial)
    refused = await deliver(trial, stream.envelope(1, version=2), **token)
    refused.expect(*statuses)
    await stream.require_taken(await deliver(trial, stream.envelope(1)), 1)
    await stream.require_registered(1)


@RULES.rule("messages.signature", "federation/signing/README.md; decision 0026")
async def signature(trial: Trial) -> None:
    """A delivery in the hub's name that another key signed is refused (401), and nothing kept."""
    await _not_taken(trial, 401, key=SigningKey.generate())


@RULES.rule("messages.audience", "federation/signing/README.md")
async def audience(trial: Trial) -> None:
    """A delivery that the hub signed for another server is refused (401), and nothing kept."""
    await _not_taken(trial, 401, callee="https://another.example")


@RULES.rule("messages.stale", "federation/signing/README.md")
async def stale(trial: Trial) -> None:
    """A delivery under a call that was signed an hour ago is refused (401), and nothing kept."""
    await _not_taken(trial, 401, at=system_clock() - timedelta(hours=1))


@RULES.rule("messages.kind", "decision 0012; docs/tour.md, a message kind")
async def kind(trial: Trial) -> None:
    """A delivery with an unknown kind is refused whole: what stands beside it is not kept."""
    stream, beside = Stream(trial), Stream(trial)
    unknown = {**beside.envelope(1), "kind": "no.such.kind"}
    refused = await deliver(trial, stream.envelope(1, version=2), unknown)
    refused.expect(400, 422)
    await stream.require_taken(await deliver(trial, stream.envelope(1)), 1)
    await stream.require_registered(1)


@RULES.rule("messages.licensor", "decisions 0012 and 0019")
async def licensor(trial: Trial) -> None:
    """A licence that its licensor did not sign is registered nowhere, whoever delivers it."""
    own = (await trial.joined()).code
    wrong: list[tuple[Stream, dict[str, Any]]] = [
        (Stream(trial), {"key": SigningKey.generate()}),
        (Stream(trial, number_of(ANOTHER)), {"licensor": ANOTHER}),
        (Stream(trial, number_of(own)), {"licensor": own}),
    ]
    for stream, said in wrong:
        answer = await deliver(trial, stream.envelope(1, **said))
        if answer.status != OK and answer.status // 100 != 4:  # noqa: PLR2004 - refused
            raise answer.broken("it was neither taken in to be looked at nor refused")
    honest = Stream(trial)
    await honest.require_taken(await deliver(trial, honest.envelope(1)), 1)
    await honest.require_registered(1)
    for stream, _ in wrong:
        if stream.registered():
            raise BrokenError(f"{stream.number}, which its licensor did not sign, is registered")
