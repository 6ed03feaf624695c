"""Let the npm package `standardwebhooks` judge what is sent to webhooks: by the page's receiver.

The JavaScript of `docs/webhooks.md` runs as it stands there. It has to take each event that is sent
to it as it is delivered, under the secret and under the one before it, and to refuse what was
changed, is old, or is signed with another secret.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from federation.clock import system_clock
from federation.messaging.addresses import networks
from federation.messaging.webhook_calls import WebhookCalls
from federation.webhooks.attempts import Attempt, Outcome
from federation.webhooks.signing import headers, new_secret

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "webhooks.md"
BODIES = [
    b'{"type":"ping","timestamp":"2026-12-01T12:00:00Z","data":{}}',
    '{"type":"opt_out.recorded","data":{"server":"DE","words":"Übersetzung, 翻訳"}}'.encode(),
    b'{"type":"invoice.issued","data":{"document":"INV-HUB-000003","licence":"HUB-000001"}}',
]
TAKEN, REFUSED = Outcome(204), Outcome(400)


@contextmanager
def receiver(secret: str) -> Iterator[str]:
    """Run the receiver of the page and give its URL."""
    [code] = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": "0"}
    # Beside the packages, where Node looks for them.
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=HERE) as script:
        script.write(code)
        script.flush()
        with subprocess.Popen(
            ["node", script.name], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            try:
                words = process.stdout.readline().split()
                yield f"http://127.0.0.1:{words[-1]}/hooks"
            finally:
                process.kill()


async def judge() -> list[tuple[str, Outcome, Outcome]]:
    """Return (what, expected, answered) of everything that was sent."""
    secret, other, found = new_secret(), new_secret(), list[tuple[str, Outcome, Outcome]]()
    now = system_clock()
    calls = WebhookCalls(networks(["127.0.0.0/8"]))

    async def send(what: str, body: bytes, signed: dict[str, str], expected: Outcome) -> None:
        found.append((what, expected, await calls.call(Attempt(1, 1, now, url, body, signed))))

    try:
        with receiver(secret) as url:
            for body in BODIES:
                for secrets in ([secret], [secret, other], [other, secret]):
                    await send("signed", body, headers("evt_1", now, body, secrets), TAKEN)
                signed = headers("evt_1", now, body, [secret])
                await send("another body", body + b" ", signed, REFUSED)
                await send("another id", body, signed | {"webhook-id": "evt_2"}, REFUSED)
                old = headers("evt_1", now - timedelta(minutes=6), body, [secret])
                await send("old", body, old, REFUSED)
                await send("another secret", body, headers("evt_1", now, body, [other]), REFUSED)
                await send("no signature", body, {"webhook-id": "evt_1"}, REFUSED)
    finally:
        await calls.close()
    return found


def main() -> int:
    """Judge; answer 1 unless all that was signed is taken and all else refused."""
    found = asyncio.run(judge())
    wrong = [(what, answered) for what, expected, answered in found if expected != answered]
    taken = sum(answered == TAKEN for _, _, answered in found)
    said = f"{taken} events taken, {len(found) - taken} refused, {len(wrong)} of them wrongly"
    print(f"standardwebhooks: {said}", *wrong, sep="\n  ")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
