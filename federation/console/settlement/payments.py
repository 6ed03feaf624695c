"""Payments: what is to be paid, approved by another person, exported, and what the bank said."""

from collections.abc import Mapping
from typing import Any, Final

from federation.console import words
from federation.console.page import N_, Act, Asked, Data, Document, Page, Said
from federation.console.settlement.words import PAYMENT_KINDS, PAYMENT_STATES, TONES
from federation.console.steps import shown_steps
from federation.values.roles import MAY_APPROVE, MAY_PREPARE, MAY_READ_BOOKS

REFUND: Final = "REFUND-"  # a payment that gives back what came: there is nothing to explain


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the page of payments, and what may be done with them in this office."""
    return {
        "found": data["payments"],
        "states": PAYMENT_STATES,
        "kinds": PAYMENT_KINDS,
        "tones": TONES,
        "approves": asked.may(MAY_APPROVE),
        "exports": asked.may(MAY_PREPARE),
        "today": asked.today.isoformat(),
    }


def one(page: Page, asked: Asked) -> Mapping[str, Any]:
    """Ask for what happened to a payment, and why its amount is what it is."""
    del page
    name = asked.query.get("id", "")
    return {"id": name, "payment": name, "explained": not name.startswith(REFUND)}


def view_one(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the life of a payment and the steps of its amount, each below what it explains."""
    events = data["paymentEvents"]
    why, left = shown_steps(data.get("whyAmount") or [])
    return {
        "id": asked.query.get("id", ""),
        "events": events,
        "state": events[-1]["state"] if events else None,
        "why": why,
        "why_left": left,
        "states": PAYMENT_STATES,
        "tones": TONES,
        "exports": asked.may(MAY_PREPARE),
    }


def named_account(form: Said, asked: Asked) -> Mapping[str, Any]:
    """Return the account that was typed for a payment, by its owner's name."""
    del asked
    account = {"account": form.get("account", ""), "scheme": form.get("scheme", "IBAN")}
    if form.get("bic"):
        account["bic"] = form["bic"]
    return {"id": form.get("id", ""), "name": form.get("name", ""), "account": account}


PAYMENTS_PAGE = Page(
    path="/payments",
    title=N_("Payments"),
    group=words.SETTLEMENT,
    shown_to=MAY_READ_BOOKS.roles,
    template="settlement/payments.html",
    document=Document("settlement/payments.graphql"),
    view=view,
    acts=(
        Act(
            "approve-payments",
            Document("settlement/approve_payments.graphql"),
            N_("Approved: a settlement officer exports them for the bank."),
        ),
        Act(
            "export-payments",
            Document("settlement/export_payments.graphql"),
            N_("Exported: the file for the bank is here."),
            then=lambda *_: "/documents?series=PAY",
        ),
    ),
)
PAYMENT_PAGE = Page(
    path="/payment",
    title=N_("Payment"),
    template="settlement/payment.html",
    document=Document("settlement/payment.graphql"),
    variables=one,
    view=view_one,
    acts=(
        Act(
            "cancel-payment",
            Document("settlement/cancel_payment.graphql"),
            N_("Cancelled: what it was for is owed still."),
        ),
        Act(
            "name-payee-account",
            Document("settlement/name_payee_account.graphql"),
            N_("The account is named: another person approves the payment."),
            variables=named_account,
        ),
        Act(
            "propose-payment-again",
            Document("settlement/propose_payment_again.graphql"),
            N_("Proposed again: another person approves it."),
            then=lambda *_: "/payments?state=PROPOSED",
        ),
    ),
)
