"""Invoices and what is open, and whom they name."""

from collections.abc import Mapping
from typing import Any

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, Said, connection
from federation.values.roles import MAY_BUY, MAY_READ_BILLING

HEADS = {
    "net": N_("Net"),
    "credited": N_("Credited"),
    "vat": N_("VAT"),
    "withheld": N_("Tax withheld"),
    "paid": N_("Paid"),
    "open": N_("Open"),
}
DETAILS = ("name", "street", "postcode", "city", "country", "registration", "vatId")


def stating(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Put what was typed into the one input; what is missing the server says."""
    del asked
    needed = {name: form.get(name, "") for name in ("name", "street", "city", "country")}
    return {"details": {**{name: form[name] for name in DETAILS if name in form}, **needed}}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Add up what is open on this page, by currency; what nobody has needs no column."""
    rows = connection(data["invoices"])
    due: dict[str, int] = {}
    for row in rows:
        currency = row["net"]["currency"]
        due[currency] = due.get(currency, 0) + int(row["open"]["minor"])
    also = [
        part
        for part in ("credited", "vat", "withheld")
        if any(row[part]["minor"] != "0" for row in rows)
    ]
    stated = connection(data["billingDetails"])
    return {
        "found": data["invoices"],
        "rows": rows,
        "due": sorted(due.items()),
        "parts_shown": ["net", *also, "paid", "open"],
        "heads": HEADS,
        "server": asked.server,
        "stated": stated,
        "now": next((each for each in stated if each["supersededAt"] is None), {}),
        "states": asked.may(MAY_BUY),
    }


INVOICES_PAGE = Page(
    path="/labs/invoices",
    title=N_("Invoices"),
    group=words.LICENSING,
    shown_to=MAY_READ_BILLING.roles,
    template="labs/invoices.html",
    document=Document("labs/invoices.graphql"),
    view=view,
    acts=(
        Act(
            name="state-billing-details",
            document=Document("labs/state_billing_details.graphql"),
            done=N_("Stated: invoices name it from now on."),
            variables=stating,
        ),
    ),
)
