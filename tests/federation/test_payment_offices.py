"""Who proposes, releases and sends money: two offices, never one person, nobody else."""

import pytest

from federation.values.party import HUB
from tests.federation.harness import nothing_changes, tell

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = "... on Refused { code message }"

PROPOSING = {
    "proposeMemberPayments": f'proposeMemberPayments(period: "2026-09") {{ {REFUSED} }}',
    "exportPayments": f'exportPayments(currency: "EUR", valueOn: "2026-10-06") {{ {REFUSED} }}',
    "cancelPayment": f'cancelPayment(id: "P", reason: "x") {{ {REFUSED} }}',
    "proposePaymentAgain": f'proposePaymentAgain(id: "P") {{ {REFUSED} }}',
    "namePayeeAccount": (
        f'namePayeeAccount(id: "P", name: "Lab", account: {{ account: "1" }}) {{ {REFUSED} }}'
    ),
    "recordConversion": (
        'recordConversion(deal: { deal: "D", sold: "1", soldCurrency: "EUR", squaresSold: "1",'
        ' bought: "1", boughtCurrency: "GBP", squaresBought: "1", valueOn: "2026-10-06" })'
        f" {{ {REFUSED} }}"
    ),
}

RELEASING = {"approvePayments": f'approvePayments(ids: ["P"]) {{ {REFUSED} }}'}

AT_THE_HUB = {
    "excludeDebtor": (f'excludeDebtor(period: "2026-09", node: "FR", reason: "x") {{ {REFUSED} }}'),
    "confirmExclusion": f'confirmExclusion(period: "2026-09", node: "FR") {{ {REFUSED} }}',
}

READING = [
    "{ payments { edges { node { id } } } }",
    '{ paymentEvents(id: "P") { state } }',
    '{ paymentFile(number: "PAY-FR-000001") { number } }',
    '{ incomingRemittances(period: "2026-09") { id } }',
]

OTHERS = [
    ("auditor", "auditor"),
    ("member@fr-a", "member"),
    ("site@fr-a", "site"),
    ("registry", "registry_officer"),
    ("licensing", "licensing_officer"),
]


@pytest.mark.parametrize(("subject", "role"), [*OTHERS, ("clerk", "settlement_approver")])
async def test_only_the_officer_proposes_and_sends(shop, subject, role):
    async with nothing_changes(shop, "FR"):
        for field in PROPOSING.values():
            person = shop.at("FR", subject, role)
            answer = await tell(shop, "FR", person, f"mutation {{ {field} }}")

            assert answer.code in {"NOT_ALLOWED", "NOT_AUTHENTICATED"}, field


@pytest.mark.parametrize(("subject", "role"), [*OTHERS, ("clerk", "settlement_officer")])
async def test_only_the_approver_releases(shop, subject, role):
    async with nothing_changes(shop, "FR"):
        person = shop.at("FR", subject, role)
        answer = await tell(shop, "FR", person, f"mutation {{ {RELEASING['approvePayments']} }}")

    assert answer.code in {"NOT_ALLOWED", "NOT_AUTHENTICATED"}


@pytest.mark.parametrize(
    ("field", "role"),
    [
        ("excludeDebtor", "settlement_approver"),
        ("confirmExclusion", "settlement_officer"),
    ],
)
async def test_a_debtor_is_excluded_by_the_two_offices(shop, field, role):
    async with nothing_changes(shop, HUB):
        person = shop.at(HUB, "clerk", role)
        answer = await tell(shop, HUB, person, f"mutation {{ {AT_THE_HUB[field]} }}")

    assert answer.code == "NOT_ALLOWED"


@pytest.mark.parametrize("document", READING)
async def test_members_labs_and_sites_read_no_payments(shop, document):
    for person in (
        shop.member("FR", "fr-a"),
        shop.lab("lab-one", "FR"),
        shop.at("FR", "site@fr-a", "site"),
    ):
        assert (await tell(shop, "FR", person, document)).code == "NOT_ALLOWED"
