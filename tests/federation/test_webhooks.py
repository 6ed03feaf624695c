"""From an act to an event that a stock library verifies: who is told, and who never is."""

import msgspec
import pytest
from standardwebhooks import Webhook as Library
from standardwebhooks.webhooks import WebhookVerificationError

from federation.clock import system_clock
from federation.values.party import HUB
from tests.federation.harness import resumed
from tests.federation.webhook_acts import SUBSCRIBE, buy
from tests.webhooks.receivers import receiving


@pytest.fixture
async def small(any_backend, opened_past):
    """A federation whose clock is the receivers': they refuse what is older than five minutes."""
    async with resumed(any_backend, opened_past) as found:
        found.set_clock(system_clock())
        yield found


async def test_an_invoice_is_told_to_its_lab_and_a_stock_library_verifies_it(small):
    async with receiving() as receiver:
        given = await small.lab("lab-one").ask(
            SUBSCRIBE, url=receiver.url, types=["INVOICE_ISSUED"], key="k"
        )
        number = await buy(small, HUB, "lab-one")
        [(headers, body)] = await receiver.count(1)

    found = Library(given["secret"]).verify(body, headers)
    assert found == {
        "type": "invoice.issued",
        "timestamp": msgspec.to_builtins(small.clock.instant),
        "data": {"server": "HUB", "document": "INV-HUB-000003", "licence": number},
    }
    assert headers["Content-Type"] == "application/json"
    for changed in (body + b" ", body.replace(b"HUB", b"HUC")):
        with pytest.raises(WebhookVerificationError):
            Library(given["secret"]).verify(changed, headers)
