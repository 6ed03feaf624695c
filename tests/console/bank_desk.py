"""A hub that has sold licences, and what its bank says: what tests of the bank desk start from."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from federation.config import StaffMember
from federation.edge.sessions import SESSION_COOKIE, place_of
from tests.banking.bank import IBAN, Ntry, Tx, statement
from tests.banking.counter import sell
from tests.oauth.conftest import PEOPLE, running

OFFICER, APPROVER = "settlement_officer", "settlement_approver"
DESK = [
    *PEOPLE,
    StaffMember("alice", [OFFICER]),
    StaffMember("otto", [OFFICER]),
    StaffMember("ben", [APPROVER]),
]
TODAY = datetime(2026, 10, 19, 9, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script> "&\u202e=1+1'
FEES = ("100000", "250000", "40000", "700000", "90000", "55000")
# What the bank booked, by the numbers that entries get: 1 names its invoice and paid all, 2 lacks
# ten, 3 and 4 pay one together, 5 says nothing but hostile words, 6 lacks a third of what it names.
BOOKED = (
    Ntry("1000.00", txs=(Tx("1000.00", name="Lab One Ltd", text="HUB-000001"),)),
    Ntry("2490.00", txs=(Tx("2490.00", name="Lab One Ltd", text="HUB-000002"),)),
    Ntry("150.00", txs=(Tx("150.00", name="Lab One Ltd", text="HUB-000003 first"),)),
    Ntry("250.00", txs=(Tx("250.00", name="Lab One Ltd", text="HUB-000003 second"),)),
    Ntry("7000.01", txs=(Tx("7000.01", name=HOSTILE, text=HOSTILE),)),
    Ntry("600.00", txs=(Tx("600.00", name="Lab One Ltd", text="HUB-000005"),)),
)
FILE = statement(*BOOKED, closing="11490.01")
# Beyond doubt: settled as it comes in, as entry 7.
EXACT = statement(
    Ntry("550.00", txs=(Tx("550.00", e2e="HUB-000006"),)),
    opening="11490.01",
    closing="12040.01",
    statement_id="STM-2",
    sequence=2,
)
ACCOUNT = {"account": IBAN, "currency": "EUR", "name": "Main", "scheme": "IBAN"}


@asynccontextmanager
async def bank_house(backend, folder):
    """Run a hub with six open invoices, of 1,000.00 to 7,000.00 EUR, on 19 October."""
    async with running("hub", backend, folder, principal=DESK) as place:
        async with place.database.write("test.sold") as session:
            for number, fee in enumerate(FEES):
                await sell(session, fee, key=str(number))
        place.clock.instant = TODAY
        yield place


async def upload(visitor, data):
    """Upload a bank's file as the script of the page does; return status and answer."""
    page = await visitor.see("/reconciliation/files")
    place = place_of(visitor.server)
    answer = await visitor.http.post(
        f"{visitor.server.url}/banking/files",
        content=data,
        headers={
            "Cookie": f"{place.cookie(SESSION_COOKIE)}={visitor.secret}",
            "X-CSRF-Token": page.text.partition('data-proof="')[2].partition('"')[0],
            "Origin": visitor.server.url,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/xml",
        },
    )
    return answer.status_code, msgspec.json.decode(answer.content)


async def register(visitor):
    """Register the account by the form of the page."""
    page = await visitor.see("/reconciliation/files")
    return await visitor.send(page.form("open-account"), **ACCOUNT)


def chosen(*entries, **items):
    """Return checkboxes as a browser sends them: entries as (id, minor), items by invoice."""
    boxes = {f"entry.{number}": f"{minor} EUR" for number, minor in entries}
    return boxes | {
        f"item.INVOICE.HUB-00000{name[1:]}": f"{minor} EUR" for name, minor in items.items()
    }
