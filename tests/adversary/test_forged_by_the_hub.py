"""A hub with its own key says what is not so: a node parks it, writes nothing, and goes on.

A signature says who speaks, not that it is right: what the hub says is held against what the node
knows itself.
"""

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace
from sqlalchemy import delete

from federation.distribution.service import run_of
from federation.distribution.store import find_distribution
from federation.licensing.messages import LicenceIssued
from federation.licensing.objects import SIGNED_TYPE
from federation.licensing.store import find_licence
from federation.metering.lines import add_routed
from federation.metering.messages import CutOff, RoutedLineFact, UsageRouted
from federation.metering.store import find_period
from federation.metering.tables import RoutedLine
from federation.months.store import open_runs
from federation.netting.messages import NetRecomputed, NetReturned
from federation.payments import incoming
from federation.payments import service as payments_service
from federation.payments.postings import Amount
from federation.scenario import documents as ask
from federation.settlement.messages import RunAdvised
from federation.settlement.run_document import encode, run_id
from federation.signing.entity_statements import ADDRESS, SERVER, sign_configuration
from federation.signing.jose import sign
from federation.signing.keys import SigningKey
from federation.store.base import to_micros
from federation.suspense.messages import OrderedItem, ReleaseOrdered
from federation.treasury import bankword
from federation.trust.membership import Peer
from federation.trust.messages import EntityChanged, Roster
from federation.trust.parties import entity_keys, get_party
from federation.values.account import PaymentAccount
from federation.values.month import start_of
from tests.adversary.forged import Forged, HostileHub
from tests.federation.harness import PERIOD, nothing_changes, resumed, soon, tell
from tests.payments.month import (
    AFTER_DUE,
    APPROVE,
    EXPORT,
    MEMBERS,
    approve_all,
    dues,
    export_all,
    orders,
    waited_for,
)

P = "PAY-2026-09-"
INTO_NET = f"{P}GB-HUB"
REFUND = "REFUND-2026-09-GB-HUB"
WHOLE = Amount(1_784_765, "GBP")
EVIL = PaymentAccount("Evil", "IBAN", "LU280019400644750000", None, "LU")


async def paid_into_the_net(small):
    """GB has paid the hub what it owes; its members' payments are proposed."""
    small.set_clock(AFTER_DUE)
    person = small.at("GB", "clerk", "settlement_approver")
    await person.ask(APPROVE, ids=[INTO_NET])
    await export_all(small, "GB")
    async with small.databases["GB"].write("test") as session:
        payment = await payments_service.get_payment(session, INTO_NET)
        day = AFTER_DUE.date()
        await bankword.book(session, payment, day, WHOLE, who="bank", at=AFTER_DUE)
    await small.at("GB", "settlement").ask(MEMBERS)


async def run_at(small, code):
    async with small.databases[code].read() as session:
        done = await find_distribution(session, PERIOD)
        return done.run_id, run_of(done)


def accounts_of(small, *codes):
    """Return the accounts that the scenario's collectives joined with."""
    return {
        row["code"]: PaymentAccount(row["name"], "IBAN", row["account"], None, row["country"])
        for row in small.scenario.manifest.collective
        if row["code"] in codes
    }


async def test_money_of_a_net_is_given_back_for_what_was_paid_and_to_nobody_else(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        await paid_into_the_net(small)
        hub = await HostileHub.over(small, "GB")
        run, _ = await run_at(small, "GB")
        [member, *_] = [key for key in await orders(small, "GB") if key[len(P) :][3:].isdigit()]
        accounts = accounts_of(small, "DE", "FR")

        def recomputed(left=(), debtor="GB", **others):
            return NetRecomputed(run, PERIOD, list(left), debtor, {**accounts, **others})

        await hub.is_refused(
            Forged("its own account", recomputed(GB=EVIL), "ACCOUNT_CONTRADICTS", "(GB)"),
            Forged("the hub's account", recomputed(HUB=EVIL), "ACCOUNT_CONTRADICTS", "(HUB)"),
            Forged("nobody left", recomputed(debtor="XX"), "RUN_MISMATCH", "XX is not in the net"),
            Forged("another order", recomputed(["DE"]), "RUN_MISMATCH", "nobody left the net"),
        )
        await hub.is_heard(recomputed())
        await hub.is_refused(
            Forged("it leaves twice", recomputed(["GB"]), "RUN_MISMATCH", "GB is not in the net"),
            Forged("it never left", recomputed(debtor="DE"), "RUN_MISMATCH", "GB left the net"),
        )
        set_off_of = f"{INTO_NET}+L1"

        def returned(refund=REFUND, refunded="1784765", **said):
            return NetReturned(run, PERIOD, refund, refunded, "GBP", **said)

        await hub.is_refused(
            Forged(
                "the refund of nothing",
                returned("REFUND-2026-08-GB-HUB"),
                "RETURN_MISMATCH",
                "REFUND-2026-08-GB-HUB pays back nothing that was paid into this net",
            ),
            Forged("a payment as its refund", returned(INTO_NET), "RETURN_MISMATCH"),
            Forged(
                "more than was paid",
                returned(refunded="1784766"),
                "TOO_MUCH_SET_OFF",
                f"{INTO_NET}: 1784766 of 1784765",
            ),
            Forged(
                "more than was paid, in two parts",
                returned(refunded="1784765", against=set_off_of, set_off="1"),
                "TOO_MUCH_SET_OFF",
            ),
            Forged(
                "a member is paid by it",
                returned(refunded="0", against=member, set_off="1"),
                "RETURN_MISMATCH",
                f"{member} is no remittance to the hub",
            ),
            Forged(
                "another node is paid by it",
                returned(refunded="0", against=f"{P}GB-DE", set_off="1"),
                "RETURN_MISMATCH",
            ),
        )

        # What lies between GB and the others is paid when the hub has given it back.
        await approve_all(small, "GB")
        async with nothing_changes(small, "GB"):
            person = small.at("GB", "settlement")
            held = await tell(small, "GB", person, EXPORT, currency="EUR", on="2026-10-13")
        assert held.code == "NOT_PAID_BACK"
        await hub.is_heard(returned(refunded="1773444", against=set_off_of, set_off="11321"))
        assert await waited_for(small, "GB") == {REFUND: (1_773_444, "GBP", "EXPECTED")}
        async with small.databases["GB"].write("test") as session:
            on, part = AFTER_DUE.date(), Amount(1_773_443, "GBP")
            await incoming.receive(session, REFUND, "GB", on, part)
        await hub.is_refused(
            Forged(
                "less than came in",
                returned(refunded="1773442"),
                "RETURN_MISMATCH",
                f"1773443 of {REFUND} came in, not 1773442",
            )
        )
        async with nothing_changes(small, "GB"):
            held = await tell(small, "GB", person, EXPORT, currency="EUR", on="2026-10-13")
        assert held.code == "NOT_PAID_BACK"
        async with small.databases["GB"].write("test") as session:
            await incoming.receive(session, REFUND, "GB", on, Amount(1, "GBP"))
        await export_all(small, "GB")

        found = await orders(small, "GB")
        assert found == {
            INTO_NET: (1_784_765, "GBP", "BOOKED"),
            set_off_of: (11_321, "GBP", "CANCELLED"),
            f"{P}GB-DE": (1_112_702, "EUR", "EXPORTED"),
            f"{P}GB-FR": (973_703, "EUR", "EXPORTED"),
            member: (969_428, "GBP", "EXPORTED"),
        }
        assert (await dues(small))["GB"] == {"InTransit": {"GBP": -969_428 - 945_797 - 827_648}}


async def test_the_hub_says_who_joined_and_not_who_a_known_party_is(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        hub = await HostileHub.over(small, "GB")
        other, known = SigningKey.generate().public_jwk(), small.key("DE").public_jwk()

        def a_peer(code, entity_id=None, jwk=known):
            name = entity_id or f"https://{code.lower()}.federation.example"
            return Peer(code, name, "https://somewhere.example", code, jwk)

        def roster(code, entity_id=None, jwk=known):
            return Roster([a_peer(code, entity_id, jwk)])

        own, of_hub = small.key("GB").public_jwk(), small.key("HUB").public_jwk()
        await hub.is_refused(
            Forged("the hub", roster("HUB", jwk=of_hub), "BAD_ROSTER", "HUB is known by another"),
            Forged("another key of this node", roster("GB", jwk=other), "BAD_ROSTER", "(GB is"),
            Forged("another key", roster("DE", jwk=other), "BAD_ROSTER", "(DE is known by another"),
            Forged("another id", roster("DE", "https://evil.example"), "BAD_ROSTER"),
            Forged("no key", roster("NL", jwk={}), "INVALID_KEY"),
            Forged(
                "the hub's key",
                roster("NL", jwk=of_hub),
                "BAD_ROSTER",
                "(NL has the id or key of HUB)",
            ),
            Forged(
                "an id that was given",
                roster("NL", "https://de.federation.example", other),
                "BAD_ROSTER",
                "(NL has the id or key of DE)",
            ),
            Forged(
                "an id that looks like one",
                roster("NL", "https://DE.federation.example", other),
                "UNCLEAR_IDENTITY",
            ),
            Forged(
                "two of one key",
                Roster([a_peer("NL", jwk=other), a_peer("SE", jwk=other)]),
                "BAD_ROSTER",
                "(SE has the id or key of NL)",
            ),
        )
        await hub.is_heard(Roster([a_peer("GB", jwk=own), a_peer("DE"), a_peer("NL", jwk=other)]))
        async with small.databases["GB"].read() as session:
            found = {code: (await get_party(session, code)).url for code in ("DE", "NL")}
        assert found == dict.fromkeys(("DE", "NL"), "https://somewhere.example")


async def test_the_hub_passes_on_what_a_node_signed_and_nothing_of_its_own(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        hub = await HostileHub.over(small, "GB")
        of_de, other = small.key("DE"), SigningKey.generate()

        def word(key, *jwks, code="DE", entity="https://de.federation.example", ago=0):
            signed = sign_configuration(
                key,
                entity,
                jwks=[each.public_jwk() for each in jwks or (key,)],
                metadata={SERVER: {ADDRESS: "https://there.example"}},
                above=["https://hub.federation.example"],
                now=small.clock() - timedelta(seconds=ago),
            )
            return EntityChanged(code, signed.text)

        own, of_hub = small.key("GB"), small.key("HUB")
        await hub.is_refused(
            Forged("a key of nobody", word(other, of_de, other), "INVALID_TOKEN"),
            Forged("the hub's key", word(of_hub, of_de, of_hub), "INVALID_TOKEN"),
            Forged("another's word", word(of_de, entity="https://fr.example"), "INVALID_TOKEN"),
            Forged("another's key", word(of_de, of_de, small.key("FR")), "BAD_KEYS"),
            Forged("this node's key", word(of_de, of_de, own), "BAD_KEYS", "this server"),
            Forged("of this node", word(own, code="GB"), "NOT_ALLOWED"),
            Forged("of itself", word(of_hub, code="HUB"), "NOT_ALLOWED"),
            Forged("of nobody", word(other, code="NL"), "UNKNOWN_NODE"),
        )
        await hub.is_heard(word(of_de, of_de, other))
        await hub.is_refused(
            Forged("an older word", word(of_de, ago=60), "ENTITY_ROLLED_BACK"),
        )
        async with small.databases["GB"].read() as session:
            party = await get_party(session, "DE")
        assert party.url == "https://there.example"
        assert list(entity_keys(party)) == [of_de.kid, other.kid]


async def test_a_licence_of_its_own_is_taken_from_nobody(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        hub = await HostileHub.over(small, "GB")
        async with small.databases["GB"].read() as session:
            row = await find_licence(session, "GB-000001")
            held = LicenceIssued(row.number, row.signed)
            claims = msgspec.json.decode(row.body)
        ended = sign(
            {**claims, "version": 2, "status": "REVOKED", "revoked_at": "2026-10-01T00:00:00Z"},
            key=small.key("GB"),
            typ=SIGNED_TYPE,
        )
        await hub.is_refused(
            Forged("once more", held, "OWN_LICENCE", "(GB-000001)"),
            Forged("ended", LicenceIssued("GB-000001", ended), "OWN_LICENCE"),
        )
        async with small.databases["HUB"].read() as session:
            row = await find_licence(session, "HUB-000001")
        await hub.is_heard(LicenceIssued(row.number, row.signed))


def lines_of(period, **changes):
    """Return a message with one line of the month, an address of GB's under HUB-000001."""
    message = {key: changes.pop(key) for key in ("origin", "owner") if key in changes}
    line = {
        "reporter": "site:x",
        "event_id": "e-1",
        "licence": "HUB-000001",
        "url": "https://press.example/a",
        "use": "TRAIN",
        "units": 10,
        "occurred_at": to_micros(start_of(period)),
    }
    fact = RoutedLineFact(**(line | changes))
    return UsageRouted(period, **({"origin": "FR", "owner": "GB"} | message), lines=[fact])


async def test_a_month_is_closed_when_it_is_over_and_takes_lines_that_can_be_placed(
    any_backend, owing
):
    async with resumed(any_backend, owing) as small:
        small.set_clock(datetime(2026, 11, 2, tzinfo=UTC))
        hub = await HostileHub.over(small, "GB")

        async def forwarded():
            async with small.databases["GB"].read() as session:
                return (await find_period(session, "2026-10")).state == "FORWARDED"

        await hub.is_refused(
            Forged("this month", CutOff("2026-11"), "PERIOD_NOT_OVER", "2026-11"),
            Forged("one to come", CutOff("2099-01"), "PERIOD_NOT_OVER"),
            Forged("a later round first", CutOff("2026-10", 1), "MONTH_STATE", "not cut off"),
            Forged("a round again", CutOff("2026-09", 0), "MONTH_STATE", "REPORTED in round 0"),
            Forged("a round left out", CutOff("2026-09", 2), "MONTH_STATE"),
            Forged("the last round there is", CutOff("2026-09", 2**53 - 1), "MONTH_STATE"),
        )
        await hub.is_heard(CutOff("2026-10"))
        await soon(forwarded, what="what GB sends on")
        await hub.is_refused(
            Forged("before it has reported", CutOff("2026-10", 1), "MONTH_STATE", "FORWARDED in"),
            Forged("its own", lines_of("2026-10", origin="GB", owner="DE"), "BAD_LINE", "to DE"),
            Forged("another's", lines_of("2026-10", owner="DE"), "BAD_LINE", "belong to DE"),
            Forged("no licence", lines_of("2026-10", licence="HUB-000077"), "BAD_LINE", "077"),
            Forged("no use", lines_of("2026-10", use="SEARCH"), "BAD_LINE", "no SEARCH"),
            Forged("no site's", lines_of("2026-10", licence="GB-000001"), "BAD_LINE", "by a site"),
            Forged("no address", lines_of("2026-10", url="mailto:x@example.com"), "MALFORMED_URL"),
        )
        await hub.is_heard(lines_of("2026-10"))
        await hub.is_heard(lines_of("2026-10", origin="HUB", licence="GB-000001"))
        async with small.databases["GB"].read() as session:
            row = await find_period(session, "2026-10")
            assert (row.state, row.round, row.received_lines) == ("FORWARDED", 0, 2)


async def test_a_month_that_a_node_cannot_close_stops_no_other(any_backend, owing):
    """A line that cannot be placed is there: an earlier release took it."""
    async with resumed(any_backend, owing) as small:
        small.set_clock(datetime(2026, 12, 2, tzinfo=UTC))
        officer = small.at("HUB", "settlement")
        bad = lines_of("2026-10", licence="HUB-000077")
        async with small.databases["GB"].write("test") as session:
            await add_routed(session, bad)

        async def state(period):
            return (await officer.ask(ask.PERIOD, period=period))["state"]

        async def stuck():
            found = await small.at("GB", "auditor").ask("{ workList { kind subject why turn } }")
            return [row for row in found if row["kind"] == "month"]

        await officer.ask(ask.CUT_OFF, period="2026-10")
        [item] = await soon(stuck, what="a month that is stuck")
        await officer.ask(ask.CUT_OFF, period="2026-11")

        async def reported(period="2026-11"):
            return await state(period) == "REPORTED"

        await soon(reported, what="the report of the next month")
        [item] = await stuck()
        assert item == {
            "kind": "month",
            "subject": "2026-10",
            "why": "GB makes its usage report, but: KeyError",
            "turn": "GB",
        }
        assert await state("2026-10") == "COMPLETE"

        async with small.databases["GB"].write("test") as session:
            await session.execute(delete(RoutedLine).where(RoutedLine.period == "2026-10"))
        await soon(lambda: reported("2026-10"), what="the report of the month that was stuck")
        assert await stuck() == []


async def test_a_run_that_can_never_be_approved_is_not_advised(any_backend, owing):
    async with resumed(any_backend, owing) as small:
        small.set_clock(datetime(2026, 11, 2, tzinfo=UTC))
        hub = await HostileHub.over(small, "GB")
        _, settled = await run_at(small, "GB")

        def advised(period, **changes):
            first = min(period, settled.first_period)
            data = encode(replace(settled, period=period, first_period=first, **changes))
            return RunAdvised(run_id(data), data.decode())

        others = {code: row for code, row in settled.collectives.items() if code != "GB"}
        nothing = {"licences": {}, "shares_by": [], "reports": {}}
        right = advised("2026-10")
        await hub.is_refused(
            Forged("long ago", advised("2020-01"), "RUN_MISMATCH", "2020-01 does not follow"),
            Forged("settled", advised("2026-09", classes={}), "RUN_MISMATCH"),
            Forged("not over", advised("2026-11"), "PERIOD_NOT_OVER", "(2026-11)"),
            Forged(
                "without it",
                advised("2026-10", collectives=others, **nothing),
                "RUN_MISMATCH",
                "GB is not in",
            ),
            Forged(
                "another name",
                replace(right, run_id="0" * 64),
                "RUN_MISMATCH",
                "is not the digest of its document",
            ),
        )
        await hub.is_heard(right)
        async with small.databases["GB"].read() as session:
            [run] = await open_runs(session)
            assert (run.run_id, run.period, run.state) == (right.run_id, "2026-10", "ADVISED")


async def test_the_hub_is_no_claimant_of_what_a_licensor_holds(any_backend, owing):
    """Its order would name an account of its own choice: of a collective it never may."""
    async with resumed(any_backend, owing) as small:
        hub = await HostileHub.over(small, "GB")
        order = ReleaseOrdered(
            id="HC-HUB-000001",
            node="HUB",
            url_key="orphan.example/a",
            claim_id="a" * 32,
            filed_by="grace",
            filed_at=AFTER_DUE,
            decided_by="approver",
            reason="documents seen",
            currency="EUR",
            account=EVIL,
            items=[OrderedItem(PERIOD, "GB-000001", "UNMATCHED", "1", "GBP")],
            rates=[],
        )

        await hub.is_refused(
            Forged("for itself", order, "RELEASE_ORDER", "HC-HUB-000001 is no claim of a"),
            Forged("by another's number", replace(order, node="DE"), "RELEASE_ORDER"),
        )
