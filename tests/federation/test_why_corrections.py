"""What a correction changed is explained to the member that is paid it, by licence and use."""

from federation.values.party import HUB
from tests.federation.correcting import NOVEMBER, SEPTEMBER, correct, settle
from tests.payments.month import every_payment_is_explained, why

GB_A = "PAY-2026-11-GB-000001"
MEMBERS = """mutation($period: String!) { proposeMemberPayments(period: $period) {
  ... on ProposedPayments { proposed } ... on Refused { code message } } }"""


async def test_a_members_payment_says_what_a_correction_changed_by_licence_and_use(two_months):
    small = two_months
    await correct(small, SEPTEMBER)
    await settle(small, small.story(), NOVEMBER)
    for code in small.scenario.codes:
        await small.at(code, "settlement").ask(MEMBERS, period=NOVEMBER)

    found = await every_payment_is_explained(small)
    assert found["GB", GB_A] == [
        ("Attributed to gb-a in 2026-11", 70_902),
        ("Correction of 2026-09", 16_100),
        ("Correction of 2026-10", -57_906),
    ]
    assert found[HUB, "PAY-2026-11-HUB-GB"] == [("received", 85_158), ("Set off", -49_378)]
    steps = {step["path"]: step for step in await why(small, "GB", GB_A)}
    assert {
        path: (step["label"], int(step["amount"]["minor"]))
        for path, step in steps.items()
        if path.startswith("0.1.")
    } == {
        "0.1.0": ("DE-000001 TRAIN", -3_531),
        "0.1.0.0": ("As computed again", 13_617),
        "0.1.0.1": ("As attributed before", -17_148),
        "0.1.1": ("HUB-000001 TRAIN", 19_631),
        "0.1.1.0": ("As computed again", 19_631),
    }
    said = {ref["name"]: ref["value"] for ref in steps["0.1.0"]["refs"]}
    assert (said["share before"], said["share after"]) == ("23733 EUR", "18847 EUR")
    assert said["rate"] == "0.85 2026-09-30"
    assert "§7b" in steps["0.1.0"]["rule"]
