"""Rules of limits: whatever is asked, an answer costs little and comes soon."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from federation.conformance.optouts import RIGHTS
from federation.conformance.trial import USE, Trial
from federation.conformance.verdicts import BrokenError, Rules
from federation.conformance.wire import Exchange

RULES: Final = Rules()
SOURCE: Final = "federation/schema/limits.py"
URLS_MAX: Final = 1_000
STRANGERS_BYTES: Final = 64 * 1024
KNOWN_BYTES: Final = 512 * 1024
BODY_SECONDS: Final = 10
SOON_SECONDS: Final = 5.0
JSON: Final = {"Content-Type": "application/json"}


@RULES.rule("limits.urls", "federation/addresses; docs/labs.md")
async def urls(trial: Trial) -> None:
    """`rights` takes 1,000 addresses in a question, and refuses 1,001 (TOO_MANY_URLS)."""
    asked = [f"https://{trial.word}.example/{number}" for number in range(URLS_MAX + 1)]
    full = await trial.ask(RIGHTS, {"urls": asked[:URLS_MAX], "use": USE})
    found = [item["url"] for item in full.data()["rights"]["items"]]
    if found != asked[:URLS_MAX]:
        raise full.broken(f"{len(found)} items came for {URLS_MAX} addresses, or in another order")
    answer = await trial.ask(RIGHTS, {"urls": asked, "use": USE})
    answer.expect_code("TOO_MANY_URLS")


@RULES.rule("limits.body", "federation/edge/context.py")
async def body(trial: Trial) -> None:
    """A body of a stranger beyond 64 KiB is refused (413), of the hub one beyond 512 KiB."""
    asked = await trial.as_hub()
    for size, headers in ((STRANGERS_BYTES, {}), (KNOWN_BYTES, asked)):
        padded = b'{"query": "{ __typename }"' + b" " * size + b"}"
        answer = await trial.wire.send(
            "POST", "/graphql", padded, {**JSON, **headers}, shown=f"{size} bytes"
        )
        answer.expect(413)


async def _slowly() -> AsyncIterator[bytes]:
    """Send a beginning, and nothing more for as long as the request is open."""
    yield b'{"query": '
    await asyncio.sleep(10 * BODY_SECONDS)
    yield b'"{ __typename }"}'


@RULES.rule("limits.slow", "federation/edge/bodies.py")
async def slow(trial: Trial) -> None:
    """A body that does not come is given up within ten seconds (408), or its connection closed."""
    began = time.monotonic()
    seconds = BODY_SECONDS + SOON_SECONDS
    try:
        answer = await trial.wire.send(
            "POST", "/graphql", _slowly(), JSON, seconds=seconds, shown="a body that stalls"
        )
    except BrokenError as error:
        if time.monotonic() - began >= seconds - 1:
            raise BrokenError("a body that stalls is waited for", error.sent) from error
        return  # it hung up
    answer.expect(408)


def _bomb(levels: int) -> str:
    """Return a small document that is huge where its fragments are written out."""
    spread = (f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    last = f"fragment F{levels} on Query {{ __typename }}"
    return f"query {{ ...F0 }} {' '.join(spread)} {last}"


def _deep(levels: int) -> str:
    """Return a document in which selections are nested so deeply."""
    return f"{{ __typename {'... { __typename ' * levels}{'}' * levels} }}"


async def _refused_soon(trial: Trial, document: str, headers: Any = None) -> Exchange:
    """Require that a document is refused before anything runs, and soon."""
    answer = await trial.wire.graphql(document, None, headers, seconds=SOON_SECONDS)
    answer.expect(400)
    if "data" in answer.json():
        raise answer.broken("data came beside the refusal")
    return answer


@RULES.rule("limits.depth", SOURCE)
async def depth(trial: Trial) -> None:
    """A document that is nested deeply is refused (400), of strangers and of the hub."""
    for headers in (None, await trial.as_hub()):
        await _refused_soon(trial, _deep(200), headers)


@RULES.rule("limits.fragments", SOURCE)
async def fragments(trial: Trial) -> None:
    """A bomb of fragments is refused at once (400): its cost is counted, not paid."""
    for headers in (None, await trial.as_hub()):
        await _refused_soon(trial, _bomb(60), headers)


@RULES.rule("limits.aliases", SOURCE)
async def aliases(trial: Trial) -> None:
    """A document that asks the same under 200 aliases is refused (400)."""
    many = " ".join(f"a{number}: __typename" for number in range(200))
    for headers in (None, await trial.as_hub()):
        await _refused_soon(trial, f"{{ {many} }}", headers)


@RULES.rule("limits.batches", "federation/schema/controller.py")
async def batches(trial: Trial) -> None:
    """Several documents in one request are refused (400)."""
    batch = b'[{"query": "{ __typename }"}, {"query": "{ __typename }"}]'
    answer = await trial.wire.send("POST", "/graphql", batch, JSON)
    answer.expect(400)
