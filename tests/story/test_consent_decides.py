"""A quarter in which consent changes in every way there is, and all who ask are told the same.

Anna's site is at DE, its original journal at FR. What the gate serves is what is paid; what it
refuses earns nothing. Money is held for what two claim, and a decision pays it out to the unit.
"""

from datetime import timedelta

import pytest

from federation.values.party import HUB
from tests.federation.correcting import correct, settle
from tests.federation.disputing import (
    ASK,
    CONFIRM,
    CONFLICTS,
    OPEN,
    released_to,
)
from tests.federation.disputing import (
    CONSENT as CONSENT_TO,
)
from tests.federation.disputing import (
    PROPOSE as PROPOSE_OUTCOME,
)
from tests.federation.harness import (
    open_for_business,
    report_lines,
    send,
    small_federation,
    write_scenario,
)
from tests.federation.holding import CLAIM, DISPUTE, code_of
from tests.federation.signed_rights import keys_of, opened
from tests.kit.javascript import javascript
from tests.story import consent, people
from tests.story.consent import Due, Line, Site, heard, minted, on

__all__ = ["javascript"]  # a fixture

pytestmark = pytest.mark.slow
SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"
ANNA, BERT, ALICE = ("DE", "de-a"), ("DE", "de-b"), ("FR", "fr-a")
TWO_AT_DE, TWO_NODES = ("DE", "~DISPUTED"), ("~DISPUTED", "")
NOBODY = {}
COPY = {ANNA: 7_000, ALICE: 3_000}  # syndicated: Alice's is the original
NEWS, PRIVATE, LETTERS = "news.example/1", "news.example/private/1", "news.example/letters/1"
DIARY, COPIED, JOURNAL = "news.example/diary/1", "news.example/copy/1", "journal.example/1"
OLD, BILD, TWINS, BOTH = (
    "journal.example/old/1",
    "bild.example/1",
    "twins.example/1",
    "both.example/1",
)
JOINING = (
    "member_id,name,country,joined_on,account\n"
    "de-estate,Estate of Anna,DE,2026-10-01,DE02120300000000202051\n"
)
SUCCESSION = {
    "subject": "member:de-a",
    "startsOn": "2026-10-15",
    "successors": [
        {"member": "de-estate", "shareBps": 6_667},
        {"member": "de-b", "shareBps": 3_333},
    ],
    "ground": "will of 3 May 2024",
    "declaredBy": "Ling & Co.",
    "capacity": "executor of the will",
    "papers": [{"kind": "probate", "reference": "AG Berlin 7/2026", "sha256": "0" * 64}],
}
SUCCEEDS = """mutation($succession: SuccessionInput!) {
  recordSuccession(succession: $succession, reason: "letter of her executor") {
    __typename ... on Proposal { id } ... on Refused { code message } } }"""
SEEN_BY_TWO = """mutation($id: ID!) { confirmProposal(id: $id) {
  __typename ... on RegistryDone { act } ... on Refused { code message } } }"""
PAYMENTS = """query($period: String!) { payments(period: $period) { edges { node {
  kind payee attributedTo amount { minor } state reason } } } }"""


def whole(who):
    return {who: 10_000}


class Quarter:
    """The federation, Anna's site, and what was used so far, for whom."""

    def __init__(self, small, site):
        self.small, self.site = small, site
        self.lines = []
        self.counted = 0
        self.adjusted = {}  # of earlier months, and released: both are November's

    @classmethod
    async def begin(cls, small, folder, javascript):
        origin = "https://news.example"
        return cls(small, await Site.of(small, folder, "DE", "de-a", origin, javascript))

    async def use(self, *lines):
        """Let a site report what was used."""
        rows = [line.row(len(self.lines) + number) for number, line in enumerate(lines)]
        self.lines += lines
        await report_lines(self.small.at("DE", "sites"), rows, f"batch-{len(self.lines)}")

    async def gate_reports(self, whose):
        """Let the gate report what it served, a unit for each page; `whose` are {page: whose}."""
        await self.site.report()
        for page, at, use in self.site.served[self.counted :]:
            self.lines.append(Line(page, 1, at, use, whose[page]))
        self.counted = len(self.site.served)

    def due(self, period):
        """Return what a month comes to."""
        year, month = map(int, period.split("-"))
        return Due.of(
            period, [one for one in self.lines if (one.at.year, one.at.month) == (year, month)]
        )

    async def all_say(self, page, use, reason):
        """Ask every server about a page; they say why it is reserved, or that it is for sale."""
        small, urls = self.small, [f"https://{page}"]
        for code in small.codes:
            found = await small.at(code, "auditor").ask(consent.RIGHTS, urls=urls, use=use)
            [item] = found["items"]
            status = "RESERVED" if reason else "LICENSABLE"
            assert (found["complete"], item) == (True, {"status": status, "reason": reason}), code
        for code in (HUB, "DE"):
            signed = await small.at(code, "auditor").ask(consent.STATEMENT, urls=urls, use=use)
            _, said = opened(signed["statement"], await keys_of(small, code))
            [right] = said["rights"]
            assert (right["status"], right.get("reason")) == (status, reason), code

    async def owner_says(self, code, page, use):
        """Return what `consent` says at the owner: (answer, reason, opt-out, record)."""
        urls = [f"https://{page}"]
        [found] = await self.small.at(code, "registry").ask(consent.CONSENT, urls=urls, use=use)
        return (
            found["answer"],
            found["reason"],
            found["optOut"],
            found["record"] and found["record"]["id"],
        )

    async def tokens(self, page, *uses):
        """Tell what becomes of one who asks hub and node for a token: the two say the same."""
        found = [await minted(self.small, code, f"https://{page}", *uses) for code in (HUB, "DE")]
        told = ["minted" if len(one) > 100 else one for one in found]
        assert told[0] == told[1]
        return told[0]

    async def stated(self, who, period):
        """Return what a member's statement of a month says."""
        code, member = who
        auditor = self.small.at(code, "auditor")
        found = await auditor.ask(consent.OF_MEMBER, period=period, member=member)
        return {
            name: int(found[name]["minor"]) for name in ("attributed", "adjusted", "payable")
        } | {
            "passedOn": {one["payee"]: int(one["amount"]["minor"]) for one in found["passedOn"]},
            "inherited": {
                one["attributedTo"]: int(one["amount"]["minor"]) for one in found["inherited"]
            },
        }

    async def settle(self, period):
        """Cut a month off, run and approve it, pay what is between servers, then the members."""
        small = self.small
        await settle(small, small.story(), period)
        due = self.due(period)
        for who, amount in due.members.items():
            if who[1] != "~DISPUTED":
                assert (await self.stated(who, period))["attributed"] == amount, (period, who)
        for code in ("DE", "FR"):
            await small.at(code, "settlement").ask(consent.PROPOSE, period=period)
        for code in small.codes:
            await people.release(small, code)
        return due

    async def paid(self, code, period):
        """Return {(payee, earned by another): minor units} of a month's payments to members."""
        rows = await self.small.at(code, "auditor").rows(PAYMENTS, period=period)
        assert {row["payee"]: row["reason"] for row in rows if row["reason"]} == {}
        return {
            (row["payee"].removeprefix("member:"), row["attributedTo"]): int(row["amount"]["minor"])
            for row in rows
            if row["kind"] == "MEMBER"
        }


@pytest.fixture
async def quarter(backend, tmp_path, javascript):
    scenario = write_scenario(
        tmp_path / "files",
        scenario_toml=consent.TOML,
        members_csv=consent.MEMBERS,
        works_csv=consent.WORKS,
        **consent.NOTHING,
    )
    async with small_federation(backend, scenario, tmp_path) as small:
        await open_for_business(small)
        for keeper in small.keepers.values():  # what nodes pull of the hub, they pull in that time
            keeper.service.server.monotonic = lambda: small.clock().timestamp()
        small.set_clock(on(9, 10))
        quarter = await Quarter.begin(small, tmp_path / "site", javascript)
        yield quarter
        await quarter.site.stop()


async def test_a_quarter_of_consent(quarter):
    await before_anything_is_said(quarter)
    await anna_opts_out_of_training(quarter)
    await her_letters_are_withdrawn_from_a_date(quarter)
    await september_is_settled(quarter)
    await anna_dies_and_her_estate_follows(quarter)
    await october_is_settled(quarter)
    await an_earlier_date_corrects_september(quarter)
    await two_members_of_one_node_end_their_dispute(quarter)
    await two_nodes_end_theirs(quarter)
    await an_original_is_withdrawn_and_with_it_its_copy(quarter)
    await november_is_settled(quarter)


async def before_anything_is_said(quarter):
    site = quarter.site
    await site.hear()
    for page in (NEWS, PRIVATE, LETTERS, COPIED):
        await quarter.all_say(page, "TRAIN", None)
        assert await quarter.tokens(page, "TRAIN") == "minted"
        assert await site.visit(page) == (200, None)
    at = on(9, 10)
    await quarter.use(
        Line(NEWS, 5_000, at, "TRAIN", whole(ANNA)),
        Line(PRIVATE, 700, at, "TRAIN", whole(ANNA)),
        Line(COPIED, 1_000, at, "TRAIN", COPY),
        Line(TWINS, 803, at, "TRAIN", whole(TWO_AT_DE)),
        Line(BOTH, 607, at, "TRAIN", whole(TWO_NODES)),
        Line(BILD, 1_100, at, "GROUND", whole(BERT)),
        Line(JOURNAL, 2_000, at, "GROUND", whole(ALICE)),
        Line(OLD, 1_501, at, "TRAIN", whole(ALICE)),
    )


async def anna_opts_out_of_training(quarter):
    small, site = quarter.small, quarter.site
    small.set_clock(on(9, 15))
    await site.hear()
    said = await small.member("DE", "de-a").ask(
        consent.OPT_OUT, subject="news.example/private/", use="TRAIN"
    )
    await small.silence()

    heard(small)
    await site.hear()
    assert await site.visit(PRIVATE) == (403, "WITHHELD")
    assert await site.visit(PRIVATE, "GROUND") == (200, None)
    assert await site.visit(NEWS) == (200, None)
    await quarter.all_say(PRIVATE, "TRAIN", "OPTED_OUT")
    await quarter.all_say(PRIVATE, "GROUND", None)
    [opt_out] = said["optOuts"]
    assert await quarter.owner_says("DE", PRIVATE, "TRAIN") == ("NO", "OPTED_OUT", opt_out, None)
    assert await quarter.tokens(PRIVATE, "TRAIN") == "NOT_OFFERED"
    assert await quarter.tokens(PRIVATE, "TRAIN", "GROUND") == "minted"
    at = on(9, 20)
    await quarter.use(
        Line(PRIVATE, 900, at, "TRAIN", NOBODY), Line(PRIVATE, 301, at, "GROUND", whole(ANNA))
    )


async def her_letters_are_withdrawn_from_a_date(quarter):
    small, site = quarter.small, quarter.site
    small.set_clock(on(9, 18))
    midnight = on(9, 25, 0)
    record = {
        "subject": "news.example/letters/",
        "state": "WITHDRAWN",
        "declaredBy": "Anna",
        "effectiveAt": midnight.isoformat(),
    }
    said = await small.at("DE", "registry").ask(consent.RECORD, record=record)
    await small.silence()
    [number] = said["consentRecords"]

    small.set_clock(midnight - timedelta(seconds=1))
    await site.hear()
    assert await site.visit(LETTERS) == (200, None)
    await quarter.all_say(LETTERS, "GROUND", None)
    small.set_clock(midnight)  # the gate knows it by the policy that it holds
    assert await site.visit(LETTERS) == (403, "WITHHELD")
    for use in ("TRAIN", "GROUND"):
        await quarter.all_say(LETTERS, use, "WITHDRAWN")
        assert await quarter.owner_says("DE", LETTERS, use) == ("NO", "WITHDRAWN", None, number)
    assert await quarter.tokens(LETTERS) == "NOT_OFFERED"
    await quarter.use(
        Line(LETTERS, 400, midnight - timedelta(seconds=1), "TRAIN", whole(ANNA)),
        Line(LETTERS, 450, midnight, "TRAIN", NOBODY),
    )


async def september_is_settled(quarter):
    await quarter.gate_reports(
        {NEWS: whole(ANNA), PRIVATE: whole(ANNA), LETTERS: whole(ANNA), COPIED: COPY}
    )
    assert [(page, use) for page, _, use in quarter.site.served] == [
        *((page, "TRAIN") for page in (NEWS, PRIVATE, LETTERS, COPIED)),
        (PRIVATE, "GROUND"),
        (NEWS, "TRAIN"),
        (LETTERS, "TRAIN"),
    ]
    due = await quarter.settle(SEPTEMBER)
    assert await quarter.paid("DE", SEPTEMBER) == {
        ("de-a", None): due.members[ANNA],
        ("de-b", None): due.members[BERT],
    }
    assert await quarter.paid("FR", SEPTEMBER) == {("fr-a", None): due.members[ALICE]}


async def anna_dies_and_her_estate_follows(quarter):
    small, site = quarter.small, quarter.site
    small.set_clock(on(10, 10))
    await quarter.use(
        Line(NEWS, 3_000, on(10, 9), "TRAIN", whole(ANNA)),
        Line(JOURNAL, 1_777, on(10, 9), "GROUND", whole(ALICE)),
    )
    rosa, ruth = small.at("DE", "registry"), small.at("DE", "second-registry", "registry_officer")
    headers = {"Content-Type": "text/csv"}
    await send(
        small, "DE", "/registry/members", JOINING.encode(), token=rosa._token(), headers=headers
    )
    proposed = await rosa.ask(SUCCEEDS, succession=SUCCESSION)
    assert (await ruth.ask(SEEN_BY_TWO, id=proposed["id"]))["act"] == "RECORD_SUCCESSION"

    small.set_clock(on(10, 15, 9))
    await site.hear()
    assert await site.visit(DIARY) == (200, None)
    small.set_clock(on(10, 15, 10))
    diary = {"subject": "news.example/diary/", "use": "*"}
    assert await code_of(small.member("DE", "de-a").ask(consent.OPT_OUT, **diary)) == "SUCCEEDED"
    await small.member("DE", "de-b").ask(consent.OPT_OUT, **diary)  # her heir
    await small.silence()
    heard(small)
    await site.hear()
    assert await site.visit(DIARY) == (403, "WITHHELD")
    assert await quarter.tokens(DIARY) == "NOT_OFFERED"
    await quarter.all_say(DIARY, "TRAIN", "OPTED_OUT")
    await quarter.use(
        Line(NEWS, 1_234, on(10, 20), "TRAIN", whole(ANNA)),
        Line(DIARY, 999, on(10, 20), "TRAIN", NOBODY),
        Line(BILD, 500, on(10, 20), "TRAIN", whole(BERT)),
    )


async def october_is_settled(quarter):
    await quarter.gate_reports({DIARY: whole(ANNA)})
    due = await quarter.settle(OCTOBER)
    parts = passed_on(due.members[ANNA])
    assert await quarter.paid("DE", OCTOBER) == {**parts, ("de-b", None): due.members[BERT]}
    stated = await quarter.stated(ANNA, OCTOBER)
    assert stated["passedOn"] == {payee: amount for (payee, _), amount in parts.items()}
    assert (await quarter.stated(("DE", "de-estate"), OCTOBER))["inherited"] == {
        "de-a": parts["de-estate", "de-a"]
    }


def passed_on(amount):
    """Return what Anna's successors get of what she earned: no two remainders are equal here."""
    parts = consent.split(amount, {"de-estate": 6_667, "de-b": 3_333}, "whoever's turn it is")
    return {(payee, "de-a"): part for payee, part in parts.items()}


async def an_earlier_date_corrects_september(quarter):
    small, before = quarter.small, quarter.due(SEPTEMBER)
    small.set_clock(on(11, 10))
    record = {
        "subject": "journal.example/old/",
        "state": "WITHDRAWN",
        "declaredBy": "Alice",
        "effectiveAt": on(9, 5).isoformat(),
    }
    said = await small.at("FR", "registry").ask(consent.RECORD, record=record)
    await small.silence()
    await quarter.all_say(OLD, "TRAIN", "WITHDRAWN")
    [number] = said["consentRecords"]
    assert await quarter.owner_says("FR", OLD, "TRAIN") == ("NO", "WITHDRAWN", None, number)
    quarter.lines = [
        Line(one.page, one.units, one.at, one.use, NOBODY) if one.page == OLD else one
        for one in quarter.lines
    ]

    await correct(small, SEPTEMBER)

    now = quarter.due(SEPTEMBER)
    for who in (ANNA, BERT, ALICE):
        quarter.adjusted[who] = now.members[who] - before.members[who]
        assert quarter.adjusted[who] != 0
        assert (await quarter.stated(who, SEPTEMBER))["attributed"] == before.members[who]


async def two_members_of_one_node_end_their_dispute(quarter):
    small = quarter.small
    rosa, sara = small.at("DE", "registry"), small.at("DE", "approver")
    page = await rosa.ask(CONFLICTS)
    [conflict] = [edge["node"] for edge in page["edges"] if "twins" in edge["node"]["claim"]]
    made = await rosa.ask(OPEN, id=conflict["id"])
    await rosa.ask(ASK, id=made["id"])
    outcome = {"kind": "WITHDRAWN", "inFavourOf": "de-b", "on": "2026-11-01"}
    await rosa.ask(PROPOSE_OUTCOME, id=made["id"], outcome=outcome)
    await rosa.ask(CONSENT_TO, id=made["id"], party="de-a")

    done = await sara.ask(CONFIRM, id=made["id"])

    held = quarter.due(SEPTEMBER).members[TWO_AT_DE]
    assert released_to(done) == {"de-b": held}
    quarter.adjusted[BERT] += held
    await small.silence()
    await quarter.all_say(TWINS, "TRAIN", None)


async def two_nodes_end_theirs(quarter):
    small = quarter.small
    sven, anton = small.at(HUB, "settlement"), small.at(HUB, "approver")
    theirs = await small.at("FR", "settlement").ask(CLAIM, url=f"https://{BOTH}", member="fr-a")
    await small.at("DE", "settlement").ask(CLAIM, url=f"https://{BOTH}", member="de-b")
    await small.silence()
    [conflict] = [edge["node"] for edge in (await sven.ask(CONFLICTS))["edges"]]
    made = await sven.ask(OPEN, id=conflict["id"])
    await sven.ask(ASK, id=made["id"])
    outcome = {"kind": "WITHDRAWN", "inFavourOf": "FR", "on": "2026-11-01"}
    await sven.ask(PROPOSE_OUTCOME, id=made["id"], outcome=outcome)
    await sven.ask(CONSENT_TO, id=made["id"], party="DE")
    await anton.ask(CONFIRM, id=made["id"])
    before = await people.trial_balance(small, "FR")

    accepted = await anton.ask(DISPUTE, url=f"https://{BOTH}", node="FR", claim=theirs["claimId"])

    await small.silence()
    assert accepted["state"] == "ACCEPTED"
    held = quarter.due(SEPTEMBER).shares["~DISPUTED"]
    after = await people.trial_balance(small, "FR")
    members, fees = (
        -after[account, "EUR"] + before[account, "EUR"]
        for account in ("Liabilities:FR:Members", "Income:FR:AdminFee")
    )
    assert (members, fees) == (held - held * 1_200 // 10_000, held * 1_200 // 10_000)
    quarter.adjusted[ALICE] += members


async def an_original_is_withdrawn_and_with_it_its_copy(quarter):
    small, site = quarter.small, quarter.site
    small.set_clock(on(11, 20))
    await site.hear()
    assert await site.visit(COPIED) == (200, None)
    small.set_clock(on(11, 20, 13))
    await small.member("FR", "fr-a").ask(consent.OPT_OUT, subject="journal.example/a", use="TRAIN")
    await small.silence()

    heard(small)
    await site.hear()
    await quarter.all_say(COPIED, "TRAIN", "OPTED_OUT")
    await quarter.all_say(COPIED, "GROUND", None)
    assert await site.visit(COPIED) == (403, "WITHHELD")
    assert await site.visit(COPIED, "GROUND") == (200, None)
    assert await site.visit(NEWS) == (200, None)
    await quarter.use(
        Line(COPIED, 600, on(11, 19), "TRAIN", COPY),
        Line(COPIED, 605, on(11, 21), "TRAIN", NOBODY),
        Line(TWINS, 100, on(11, 21), "TRAIN", whole(BERT)),
        Line(OLD, 300, on(11, 21), "TRAIN", NOBODY),
        Line(JOURNAL, 400, on(11, 21), "TRAIN", whole(ALICE)),
    )


async def november_is_settled(quarter):
    await quarter.gate_reports({COPIED: COPY, NEWS: whole(ANNA)})
    due = await quarter.settle(NOVEMBER)
    for who in (ANNA, BERT, ALICE):
        stated = await quarter.stated(who, NOVEMBER)
        assert (stated["attributed"], stated["adjusted"]) == (
            due.members[who],
            quarter.adjusted[who],
        ), who
    owed = {who: due.members[who] + more for who, more in quarter.adjusted.items()}
    assert await quarter.paid("FR", NOVEMBER) == {("fr-a", None): owed[ALICE]}
    assert await quarter.paid("DE", NOVEMBER) == {
        **passed_on(owed[ANNA]),
        ("de-b", None): owed[BERT],
    }
