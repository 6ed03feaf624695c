"""From a quote to a licence known at every node, its changes of status, and its receipts."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import select

from federation.licensing import delivery, licensees, receipts, service, store
from federation.licensing.delivery import BadSignatureError
from federation.licensing.facts import Component, LicenceFacts
from federation.licensing.licensees import BadLicenseeError, UnknownLicenseeError
from federation.licensing.messages import LicenceIssued, LicenceRegistered, ReceiptRecorded
from federation.licensing.objects import (
    SIGNED_BYTES_MAX,
    SIGNED_TYPE,
    ComponentTerms,
    Fee,
    LicenceObject,
    OfferTerms,
    Term,
    decode,
)
from federation.licensing.quoting import (
    BadTariffError,
    NoTariffError,
    QuoteRequest,
    publish_tariff,
    quote,
)
from federation.licensing.receipts import BadReceiptError
from federation.licensing.rules import BadOfferError
from federation.licensing.service import (
    LicenceStatusError,
    Licensing,
    OfferNotOpenError,
    UnknownLicenceError,
    UnknownOfferError,
)
from federation.licensing.tables import Offer
from federation.licensing.tariff import Expected, QuoteLines, TariffBody
from federation.money import UnknownCurrencyError
from federation.signing.jose import InvalidTokenError, verify
from federation.signing.keys import SigningKey
from federation.store.idempotency import BadIdempotencyKeyError, IdempotencyConflictError
from federation.store.tables import OutboxMessage
from federation.trust.parties import UnknownPartyError
from federation.trust.principals import NotAllowedError, Principal
from federation.values.identity import UnclearIdentityError
from federation.values.reason import ReasonError
from tests.databases import HUB_TERMS, a_party, contents, opened, refused

NOON = datetime(2026, 8, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
HUB_KEY, DE_KEY, FR_KEY = (SigningKey.generate() for _ in range(3))
HUB, DE = Licensing("HUB", HUB_KEY), Licensing("DE", DE_KEY)
KEYS = {
    code: {key.kid: key.public} for code, key in (("HUB", HUB_KEY), ("DE", DE_KEY), ("FR", FR_KEY))
}
LAB = Principal("ada@lab-one", frozenset({"lab"}), "lab-one")
OTHER_LAB = Principal("bob@lab-two", frozenset({"lab"}), "lab-two")
OFFICER = Principal("olga", frozenset({"licensing_officer"}))
CASHIER = Principal("sven", frozenset({"settlement_officer"}))
USES = ["GROUND", "SEARCH", "TRAIN"]

TARIFF = TariffBody(
    currency="EUR", per_1000={"TRAIN": {"standard": 1001}, "SEARCH": {"standard": 5}}, minimum_fee=9
)

QUOTE = QuoteRequest(
    expected=(
        Expected("DE", "TRAIN", "standard", 2500),
        Expected("FR", "SEARCH", "standard", 500),
        Expected("GB", "TRAIN", "standard", 500),
    ),
    starts_on=date(2026, 9, 1),
    ends_on=date(2027, 8, 31),
    usage_basis="site",
    territories=("DE",),
)


def a_component(*uses, component_id=None, fee="1000", unit="TOKEN"):
    return ComponentTerms(uses=list(uses or ["TRAIN"]), fee=fee, unit=unit, id=component_id)


def an_offer(*components, **changes):
    values = {
        "licensee": "lab-one",
        "components": list(components) or [a_component()],
        "currency": "EUR",
        "starts_on": date(2026, 9, 1),
        "ends_on": date(2026, 9, 30),
        "usage_basis": "site",
    }
    return OfferTerms(**(values | changes))


@pytest.fixture
async def hub(database):
    """A hub with two collectives, two labs and a tariff."""
    async with database.write("setup") as session:
        session.add_all([a_party("FR"), a_party("DE")])
        for lab in ("lab-one", "lab-two"):
            await licensees.register_licensee(session, lab, lab.title(), NOON)
        await publish_tariff(session, TARIFF, HUB_TERMS, OFFICER, NOON)
    return database


@pytest.fixture
async def node(backend):
    """The collective DE, admitted by the hub."""
    async with backend.url(migrated=True) as url, opened(url) as database:
        async with database.write("setup") as session:
            session.add(a_party("HUB", terms=HUB_TERMS))
            await licensees.register_licensee(session, "lab-one", "Lab-One", NOON)
        yield database


async def done(database, act):
    async with database.write("test") as session:
        return await act(session)


def quoting(who=LAB, now=NOON, key=None, **changes):
    request = {name: getattr(QUOTE, name) for name in QUOTE.__slots__} | changes
    return lambda session: quote(session, QuoteRequest(**request), who, now, key=key)


def offering(terms=None, *, who=OFFICER, key="o-1", reason="a pilot", now=NOON):
    return lambda session: service.offer_licence(
        session, terms or an_offer(), who, reason=reason, key=key, uses=USES, now=now
    )


def accepting(offer, *, who=LAB, key="a-1", licensing=HUB, now=NOON):
    async def accept(session):
        row, _ = await service.issue_licence(
            session, offer, who, key=key, licensing=licensing, now=now
        )
        return row

    return accept


def changing(number, status, *, reason=None, licensing=HUB, now=NOON):
    why = f"why {status}" if reason is None else reason
    return lambda session: service.change_status(
        session, number, status, who=OFFICER, reason=why, licensing=licensing, now=now
    )


def receiving(message, *, here="DE", keys=KEYS):
    return lambda session: delivery.receive_licence(
        session, message, keys=keys, here=here, now=NOON
    )


def recording(number, amount=1000, *, key="r-1", here="HUB", received_on=TODAY, who=CASHIER):
    return lambda session: receipts.record_receipt(
        session,
        number=number,
        received_on=received_on,
        amount=amount,
        who=who,
        key=key,
        here=here,
        now=NOON,
    )


async def a_licence(database, terms=None, *, key="x", licensing=HUB):
    offer = await done(database, offering(terms, key=key))
    return await done(database, accepting(offer.id, key=key, licensing=licensing))


async def messages(database, target, kind):
    """The messages of a kind that wait for a server, and all their sequence numbers."""
    async with database.read() as session:
        rows = await session.scalars(
            select(OutboxMessage)
            .where(OutboxMessage.target == f"https://{target.lower()}.example")
            .order_by(OutboxMessage.id)
        )
        rows = list(rows)
    for stream in {row.stream for row in rows}:
        numbers = [row.sequence for row in rows if row.stream == stream]
        assert numbers == list(range(1, len(numbers) + 1))
    return [msgspec.json.decode(row.body) for row in rows if row.kind == kind]


def opened_licence(signed, key=HUB_KEY):
    claims = verify(signed, typ=SIGNED_TYPE, keys={key.kid: key.public}, max_bytes=SIGNED_BYTES_MAX)
    return msgspec.convert(claims, LicenceObject)


async def registrations(database, number):
    async with database.read() as session:
        rows = await store.registrations(session, number)
    return [(row.node, row.version, row.state) for row in rows]


async def state_of(database, offer_id):
    async with database.read() as session:
        row = await session.get_one(Offer, offer_id)
    return row.state, row.licence


async def test_a_quote_is_priced_line_by_line_and_says_what_is_not_covered(hub):
    offer = await done(hub, quoting())

    assert (offer.kind, offer.state, offer.licensee) == ("TARIFF", "OFFERED", "lab-one")
    assert (offer.tariff_version, offer.reason, offer.offered_by) == (1, None, "tariff")
    assert offer.expires_at == NOON + timedelta(days=30)
    quoted = msgspec.json.decode(offer.lines, type=QuoteLines)
    assert [(line.node, line.use, line.amount) for line in quoted.lines] == [
        ("DE", "TRAIN", "2502"),
        ("FR", "SEARCH", "2"),
    ]
    assert [(gap.node, gap.reason) for gap in quoted.not_covered] == [
        ("GB", "no collective of this code is admitted")
    ]
    assert msgspec.json.decode(offer.body, type=OfferTerms) == OfferTerms(
        licensee="lab-one",
        components=[ComponentTerms(uses=["SEARCH", "TRAIN"], fee="2504")],
        currency="EUR",
        starts_on=date(2026, 9, 1),
        ends_on=date(2027, 8, 31),
        usage_basis="site",
        territories=["DE"],
        repertoire=["DE", "FR"],
    )


async def test_a_quote_below_the_minimum_fee_is_topped_up(hub):
    offer = await done(hub, quoting(expected=(Expected("FR", "SEARCH", "standard", 500),)))

    quoted = msgspec.json.decode(offer.lines, type=QuoteLines)
    assert [(line.node, line.amount) for line in quoted.lines] == [("FR", "2"), (None, "7")]
    [component] = msgspec.json.decode(offer.body, type=OfferTerms).components
    assert (quoted.total, component.fee) == ("9", "9")


TRAINING = Expected("DE", "TRAIN", "standard", 1)


@pytest.mark.parametrize(
    ("expected", "detail"),
    [
        ((), "1 to 1000 lines"),
        ((TRAINING,) * 1_001, "1 to 1000 lines"),
        ((TRAINING, Expected("DE", "TRAIN", "standard", 0)), "units of at least 1"),
        *(
            ((TRAINING, Expected(*names, 1)), "line 2: names of at most 64 characters")
            for names in (
                ("X" * 65, "TRAIN", "s"),
                ("DE", "x" * 65, "s"),
                ("DE", "TRAIN", "x" * 65),
            )
        ),
    ],
)
async def test_a_quote_is_for_1_to_1000_lines_of_at_least_one_unit(hub, expected, detail):
    refusal = await refused(hub, BadOfferError, quoting(expected=expected))

    assert (refusal.code, refusal.detail) == ("BAD_OFFER", detail)


UNCOVERED = (Expected("GB", "TRAIN", "standard", 1),)


async def test_a_quote_that_covers_nothing_is_kept_as_refused(hub):
    offer = await done(hub, quoting(expected=UNCOVERED))

    assert (offer.state, offer.reason) == ("REFUSED", "nothing that was asked for is covered")
    refusal = await refused(hub, OfferNotOpenError, accepting(offer.id))
    assert (refusal.code, refusal.detail) == ("OFFER_NOT_OPEN", f"{offer.id} is REFUSED")
    assert await state_of(hub, offer.id) == ("REFUSED", None)


async def test_a_quote_asked_for_again_with_the_same_key_is_the_same_quote(hub):
    first = await done(hub, quoting(key="q-1"))
    dearer = msgspec.structs.replace(TARIFF, minimum_fee=10**6)
    await done(hub, lambda at: publish_tariff(at, dearer, HUB_TERMS, OFFICER, NOON))
    before = await contents(hub)

    again = await done(hub, quoting(key="q-1", now=NOON + timedelta(days=1)))

    assert (again.id, again.lines, again.expires_at) == (first.id, first.lines, first.expires_at)
    assert await contents(hub) == before
    assert len({first.id, *[(await done(hub, quoting(key=key))).id for key in (None, "q-2")]}) == 3


async def test_another_quote_under_the_same_key_is_refused(hub):
    await done(hub, quoting(key="q-1"))
    before = await contents(hub)

    refusal = await refused(hub, IdempotencyConflictError, quoting(key="q-1", usage_basis="lab"))
    assert (refusal.code, refusal.detail) == ("IDEMPOTENCY_CONFLICT", "q-1")
    unfit = await refused(hub, BadIdempotencyKeyError, quoting(key=""))
    assert unfit.code == "BAD_IDEMPOTENCY_KEY"
    assert await contents(hub) == before


async def test_a_quote_stands_by_its_tariff_when_the_next_is_published(hub):
    first = await done(hub, quoting())
    dearer = msgspec.structs.replace(TARIFF, minimum_fee=10**6, valid_days=1)
    terms = HUB_TERMS
    await done(hub, lambda at: publish_tariff(at, dearer, terms, OFFICER, NOON))
    second = await done(hub, quoting())

    licence = decode((await done(hub, accepting(first.id))).body)

    assert (licence.fee.total, licence.fee.tariff_version) == ("2504", 1)
    assert (second.tariff_version, second.expires_at) == (2, NOON + timedelta(days=1))


TEN_YEARS = "a term is of at most 10 years"
TOO_MANY = "Expected `array` of length <= {} - at `$.{}`"
NO_TERRITORY = (
    "Expected `str` matching regex '\\\\A[A-Za-z0-9][A-Za-z0-9 ._-]{0,31}\\\\Z'"
    " - at `$.territories[1]`"
)
A_TERRITORY = "T" * 32


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"usage_basis": "both"}, "usage_basis is site or lab"),
        ({"ends_on": date(2026, 8, 31)}, "the term ends before it starts"),
        ({"ends_on": date(2036, 9, 1)}, TEN_YEARS),
        ({"ends_on": date(9999, 12, 31)}, TEN_YEARS),
        ({"territories": ("DE",) * 301}, "the grant: " + TOO_MANY.format(300, "territories")),
        ({"territories": ("DE", "x" * 33)}, "the grant: " + NO_TERRITORY),
    ],
)
@pytest.mark.parametrize("expected", [QUOTE.expected, UNCOVERED], ids=["covered", "uncovered"])
async def test_a_quote_for_impossible_terms_is_refused(hub, changes, detail, expected):
    refusal = await refused(hub, BadOfferError, quoting(**changes, expected=expected))

    assert (refusal.code, refusal.detail) == ("BAD_OFFER", detail)


async def test_a_quote_of_ten_years_and_300_territories_becomes_a_licence_that_nodes_take(
    hub, node
):
    offer = await done(
        hub, quoting(ends_on=date(2036, 8, 31), territories=tuple(A_TERRITORY for _ in range(300)))
    )
    row = await done(hub, accepting(offer.id))
    [message] = await messages(hub, "DE", "licence.issued")

    await done(node, receiving(LicenceIssued(**message)))

    async with node.read() as session:
        licence = decode((await store.find_licence(session, row.number)).body)
    assert (licence.term.ends_on, licence.grant.territories) == (
        date(2036, 8, 31),
        [A_TERRITORY] * 300,
    )
    assert await messages(node, "HUB", "licence.registered") == [
        {"number": row.number, "version": 1, "state": "REGISTERED", "reason": None}
    ]


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (OFFICER, NotAllowedError),
        (Principal("x", frozenset({"lab"})), NotAllowedError),
        (Principal("x", frozenset({"lab"}), "lab-three"), UnknownLicenseeError),
    ],
)
async def test_only_a_registered_lab_may_ask_for_a_quote_and_accept(hub, who, kind):
    offer = await done(hub, quoting())

    await refused(hub, kind, quoting(who))
    await refused(hub, kind, accepting(offer.id, who=who))


async def test_without_a_tariff_there_is_no_quote(node):
    refusal = await refused(node, NoTariffError, quoting())

    assert refusal.code == "NO_TARIFF"


async def test_a_tariff_with_a_negative_number_is_not_published(hub):
    for changes in (
        {"minimum_fee": -1},
        {"valid_days": 0},
        {"per_1000": {"TRAIN": {"standard": 1, "premium": -1}}},
    ):
        body = msgspec.structs.replace(TARIFF, **changes)
        publish = partial(publish_tariff, body=body, terms=HUB_TERMS, who=OFFICER, now=NOON)

        assert (await refused(hub, BadTariffError, publish)).code == "BAD_TARIFF"


async def test_accepting_makes_a_signed_licence_and_tells_every_node(hub):
    terms = an_offer(
        a_component("TRAIN", component_id="train", fee="800", unit="WORK"),
        a_component("SEARCH", "GROUND", component_id="search", fee="200"),
        repertoire=["DE"],
        unclaimed="hold",
        usage_basis="lab",
    )
    offer = await done(hub, offering(terms))

    row = await done(hub, accepting(offer.id, now=NOON + timedelta(days=1)))

    licence = decode(row.body)
    assert (row.number, row.version, row.status) == ("HUB-000001", 1, "ACTIVE")
    assert (row.licensor, row.licensee, row.revoked_at) == ("HUB", "lab-one", None)
    assert (licence.number, licence.version, licence.supersedes) == ("HUB-000001", 1, None)
    assert (licence.licensor.party, licence.licensee.party) == ("HUB", "lab-one")
    assert licence.grant.components == terms.components
    assert (licence.grant.repertoire, licence.grant.unclaimed) == (["DE"], "hold")
    assert (licence.term.starts_on, licence.term.ends_on) == (terms.starts_on, terms.ends_on)
    assert (licence.fee.total, licence.fee.currency, licence.fee.deviation) == (
        "1000",
        "EUR",
        "a pilot",
    )
    assert (licence.acceptance.subject, licence.acceptance.at) == (
        "ada@lab-one",
        NOON + timedelta(days=1),
    )
    assert opened_licence(row.signed) == licence
    assert await state_of(hub, offer.id) == ("ACCEPTED", "HUB-000001")
    for node in ("DE", "FR"):
        assert await messages(hub, node, "licence.issued") == [
            {"number": row.number, "signed": row.signed}
        ]
    assert await registrations(hub, "HUB-000001") == [("DE", 1, "PENDING"), ("FR", 1, "PENDING")]
    async with hub.read() as session:
        assert store.repertoire([row]) == {"HUB-000001": frozenset({"DE"})}
        assert store.facts(await store.find_licence(session, "HUB-000001")) == LicenceFacts(
            number="HUB-000001",
            licensor="HUB",
            licensee="lab-one",
            currency="EUR",
            starts_on=date(2026, 9, 1),
            ends_on=date(2026, 9, 30),
            revoked_at=None,
            usage_basis="lab",
            unclaimed="hold",
            components=(
                Component("train", frozenset({"TRAIN"}), "WORK", 800),
                Component("search", frozenset({"SEARCH", "GROUND"}), "TOKEN", 200),
            ),
        )


async def test_accepting_again_with_the_same_key_gives_the_same_licence(hub):
    offer = await done(hub, quoting())
    first = await done(hub, accepting(offer.id))
    before = await contents(hub)

    again = await done(hub, accepting(offer.id, now=NOON + timedelta(days=365)))

    assert (again.number, again.signed) == (first.number, first.signed)
    assert await contents(hub) == before


async def test_accepting_again_with_another_key_is_refused(hub):
    offer = await done(hub, quoting())
    await done(hub, accepting(offer.id))

    refusal = await refused(hub, OfferNotOpenError, accepting(offer.id, key="a-2"))

    assert (refusal.code, refusal.detail) == ("OFFER_NOT_OPEN", f"{offer.id} is ACCEPTED")


async def test_accepting_another_offer_with_the_same_key_is_refused(hub):
    one, two = [await done(hub, quoting()) for _ in range(2)]
    await done(hub, accepting(one.id))

    refusal = await refused(hub, IdempotencyConflictError, accepting(two.id))

    assert refusal.code == "IDEMPOTENCY_CONFLICT"


async def test_a_quote_may_be_accepted_until_it_expires(hub):
    one, two = [await done(hub, quoting()) for _ in range(2)]
    expiry = NOON + timedelta(days=30)

    refusal = await refused(hub, OfferNotOpenError, accepting(one.id, now=expiry))

    assert refusal.detail == f"{one.id} expired at 2026-09-19T12:00:00+00:00"
    in_time = expiry - timedelta(microseconds=1)
    assert (await done(hub, accepting(two.id, now=in_time))).number == "HUB-000001"


async def test_an_individual_offer_stands_for_ninety_days(hub):
    offer = await done(hub, offering())

    assert offer.expires_at == NOON + timedelta(days=90)
    await refused(hub, OfferNotOpenError, accepting(offer.id, now=offer.expires_at))


@pytest.mark.parametrize("offer_id", ["theirs", "Q-0000000000000000"])
async def test_an_offer_to_another_lab_is_as_unknown_as_none(hub, offer_id):
    theirs = await done(hub, quoting())
    asked = theirs.id if offer_id == "theirs" else offer_id

    refusal = await refused(hub, UnknownOfferError, accepting(asked, who=OTHER_LAB))

    assert (refusal.code, refusal.detail) == ("UNKNOWN_OFFER", asked)


async def test_numbers_have_no_gap_and_no_double_when_many_accept_at_once(hub):
    offers = [await done(hub, offering(key=f"o-{number}")) for number in range(12)]

    rows = await asyncio.gather(
        *(done(hub, accepting(offer.id, key=offer.id)) for offer in offers),
        *(refused_softly(hub, offer.id) for offer in offers),
    )

    numbers = sorted(row.number for row in rows if row is not None)
    assert numbers == [f"HUB-{number:06d}" for number in range(1, 13)]
    assert len(await messages(hub, "DE", "licence.issued")) == 12


async def refused_softly(database, offer_id):
    """Lose, or win against, the acceptance of the same offer under another key."""
    try:
        return await done(database, accepting(offer_id, key=f"other-{offer_id}"))
    except OfferNotOpenError:
        return None


async def test_the_same_acceptance_many_times_at_once_makes_one_licence(hub):
    offer = await done(hub, quoting())

    rows = await asyncio.gather(*(done(hub, accepting(offer.id)) for _ in range(10)))

    assert {row.number for row in rows} == {"HUB-000001"}
    assert len((await contents(hub))["licensing_licence"]) == 1


async def test_each_licensor_counts_from_one(hub):
    numbers = [
        (await a_licence(hub, key=f"k-{number}", licensing=licensing)).number
        for number, licensing in enumerate([HUB, DE, HUB, HUB, DE])
    ]

    assert numbers == ["HUB-000001", "DE-000001", "HUB-000002", "HUB-000003", "DE-000002"]


async def test_a_refused_acceptance_takes_no_number(hub):
    offer = await done(hub, quoting())
    await refused(hub, OfferNotOpenError, accepting(offer.id, now=offer.expires_at))

    assert (await a_licence(hub)).number == "HUB-000001"


async def test_offering_again_with_the_same_key_gives_the_same_offer(hub):
    first = await done(hub, offering())
    before = await contents(hub)

    assert (await done(hub, offering(now=NOON + timedelta(days=1)))).id == first.id
    assert await contents(hub) == before


@pytest.mark.parametrize(
    "changes", [{"reason": "another"}, {"terms": an_offer(a_component(fee="1001"))}]
)
async def test_offering_something_else_with_the_same_key_is_refused(hub, changes):
    await done(hub, offering())

    refusal = await refused(hub, IdempotencyConflictError, offering(**changes))

    assert (refusal.code, refusal.detail) == ("IDEMPOTENCY_CONFLICT", "o-1")


async def test_two_officers_may_use_one_key(hub):
    other = Principal("otto", frozenset({"licensing_officer"}))

    assert (await done(hub, offering())).id != (await done(hub, offering(who=other))).id


COMPONENTS = "each of several components has an id of its own"

BAD_TERMS = [
    (an_offer(ends_on=date(2026, 8, 31)), "the term ends before it starts"),
    (an_offer(ends_on=date(2036, 9, 1)), TEN_YEARS),
    (an_offer(starts_on=date(2028, 2, 29), ends_on=date(2038, 3, 1)), TEN_YEARS),
    (an_offer(territories=["DE"] * 301), "the grant: " + TOO_MANY.format(300, "territories")),
    (an_offer(repertoire=["DE"] * 1_001), "the grant: " + TOO_MANY.format(1000, "repertoire")),
    (an_offer(territories=["DE", ""]), "the grant: " + NO_TERRITORY),
    (
        an_offer(audience="x" * 301),
        "the grant: Expected `str` of length <= 300 - at `$.audience`",
    ),
    (an_offer(usage_basis="hub"), "usage_basis is site or lab"),
    (an_offer(unclaimed="keep"), "unclaimed is exclude or hold"),
    (an_offer(components=[]), "1 to 50 components"),
    (
        an_offer(*(a_component(component_id=f"c{number}") for number in range(51))),
        "1 to 50 components",
    ),
    (an_offer(a_component("PRINT")), "unknown use: 'PRINT'"),
    (an_offer(a_component("*")), "unknown use: '*'"),
    (an_offer(ComponentTerms(uses=[], fee="1")), "a component without a use"),
    (an_offer(a_component("TRAIN", "TRAIN")), "use in two components or twice: TRAIN"),
    (
        an_offer(
            a_component("TRAIN", component_id="a"),
            a_component("GROUND", "TRAIN", component_id="b"),
        ),
        "use in two components or twice: TRAIN",
    ),
    (an_offer(a_component("TRAIN", component_id="a"), a_component("GROUND")), COMPONENTS),
    (an_offer(a_component("TRAIN"), a_component("GROUND")), COMPONENTS),
    (
        an_offer(a_component("TRAIN", component_id="a"), a_component("GROUND", component_id="a")),
        COMPONENTS,
    ),
    (an_offer(a_component(component_id="~a")), "no component id: '~a'"),
    (an_offer(a_component(component_id="a/b")), "no component id: 'a/b'"),
    (an_offer(a_component(component_id="")), "no component id: ''"),
    (an_offer(a_component(component_id="a\0")), r"no component id: 'a\x00'"),
    (an_offer(a_component(component_id="c" * 33)), f"no component id: '{'c' * 33}'"),
    (an_offer(a_component(unit="PAGE")), "unknown unit: 'PAGE'"),
    *(
        (an_offer(a_component(fee=fee)), f"no fee in minor units: {fee!r}")
        for fee in ("", "-1", "+1", "1.5", "1e3", " 1", "free", "\uff11", "1" * 31)
    ),
]


async def test_terms_that_break_a_rule_are_not_offered(hub):
    found = [await refused(hub, BadOfferError, offering(terms)) for terms, _ in BAD_TERMS]

    assert [refusal.detail for refusal in found] == [detail for _, detail in BAD_TERMS]
    assert {refusal.code for refusal in found} == {"BAD_OFFER"}


async def test_the_smallest_and_largest_terms_may_be_offered(hub):
    a_day = an_offer(a_component(fee="0"), ends_on=date(2026, 9, 1))
    much = an_offer(
        a_component(fee="9" * 30, component_id="c" * 32),
        unclaimed="hold",
        starts_on=date(2028, 2, 29),
        ends_on=date(2038, 2, 28),  # ten years: they would be over on 1 March
        territories=[A_TERRITORY] * 300,
        repertoire=["D" * 12] * 1_000,
        audience="x" * 300,
    )

    assert (await done(hub, offering(a_day, key="1"))).state == "OFFERED"
    assert (await done(hub, offering(much, key="2"))).state == "OFFERED"


async def test_terms_in_no_currency_are_not_offered(hub):
    for currency in ("EURO", "XXX", "eur", ""):
        refusal = await refused(hub, UnknownCurrencyError, offering(an_offer(currency=currency)))

        assert (refusal.code, refusal.detail) == ("UNKNOWN_CURRENCY", currency)


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
async def test_an_individual_agreement_needs_a_reason(hub, reason):
    await refused(hub, ReasonError, offering(reason=reason))


@pytest.mark.parametrize("status", ["SUSPENDED", "REVOKED"])
@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
async def test_a_licence_changes_its_status_for_a_reason(hub, status, reason):
    number = (await done(hub, accepting((await done(hub, offering())).id))).number

    await refused(hub, ReasonError, changing(number, status, reason=reason))


async def test_nothing_is_offered_to_a_lab_that_is_not_registered(hub):
    refusal = await refused(hub, UnknownLicenseeError, offering(an_offer(licensee="lab-three")))

    assert (refusal.code, refusal.detail) == ("UNKNOWN_LICENSEE", "lab-three")


async def test_registering_a_lab_again_changes_nothing(hub):
    before = await contents(hub)

    row = await done(
        hub, lambda session: licensees.register_licensee(session, "lab-one", "Other", NOON)
    )

    assert row.name == "Lab-One"
    assert await contents(hub) == before


@pytest.mark.parametrize(
    "licensee", ["Lab-One", "lab-one ", "lab\u2010one", "l\u0430b-one", "LAB-ONE", "\uff4cab-one"]
)
async def test_a_lab_has_no_id_that_could_be_taken_for_anothers(hub, licensee):
    before = await contents(hub)
    refusal = await refused(
        hub,
        UnclearIdentityError,
        partial(licensees.register_licensee, licensee=licensee, name="Lab", now=NOON),
    )

    assert refusal.code == "UNCLEAR_IDENTITY"
    assert await contents(hub) == before


async def test_a_lab_needs_an_id_that_may_be_a_key(hub):
    before = await contents(hub)
    for licensee in ("", "~lab", "lab/one", "x" * 129, "lab\0one"):
        refusal = await refused(
            hub,
            BadLicenseeError,
            partial(licensees.register_licensee, licensee=licensee, name="Lab", now=NOON),
        )

        assert (refusal.code, refusal.detail) == ("BAD_LICENSEE", repr(licensee))
        assert await contents(hub) == before


async def test_each_change_of_status_is_a_new_signed_version_for_every_node(hub):
    number = (await a_licence(hub)).number
    for day, status in enumerate(["SUSPENDED", "ACTIVE", "REVOKED"], start=1):
        await done(hub, changing(number, status, now=NOON + timedelta(days=day)))

    for node in ("DE", "FR"):
        versions = [
            opened_licence(message["signed"])
            for message in await messages(hub, node, "licence.issued")
        ]
        assert [
            (item.version, item.supersedes, item.status, item.status_reason, item.effective_from)
            for item in versions
        ] == [
            (1, None, "ACTIVE", None, NOON),
            (2, 1, "SUSPENDED", "why SUSPENDED", NOON + timedelta(days=1)),
            (3, 2, "ACTIVE", "why ACTIVE", NOON + timedelta(days=2)),
            (4, 3, "REVOKED", "why REVOKED", NOON + timedelta(days=3)),
        ]
        assert [item.revoked_at for item in versions] == [None] * 3 + [NOON + timedelta(days=3)]
        assert len({item.grant.components[0].fee for item in versions}) == 1
    assert await registrations(hub, number) == [("DE", 4, "PENDING"), ("FR", 4, "PENDING")]
    async with hub.read() as session:
        row = await store.find_licence(session, number)
        assert (row.version, row.status, row.revoked_at) == (4, "REVOKED", NOON + timedelta(days=3))
        assert opened_licence(row.signed) == decode(row.body)
        assert await store.standing(session, "HUB") == ("HUB-000002", {number: "REVOKED"})
        assert await store.standing(session, "DE") == ("DE-000001", {})


@pytest.mark.parametrize(
    ("before", "status", "detail"),
    [
        ([], "ACTIVE", "HUB-000001 is ACTIVE"),
        (["SUSPENDED"], "SUSPENDED", "HUB-000001 is SUSPENDED"),
        (["REVOKED"], "REVOKED", "HUB-000001 is REVOKED"),
        (["REVOKED"], "ACTIVE", "HUB-000001 is REVOKED"),
        (["SUSPENDED", "REVOKED"], "SUSPENDED", "HUB-000001 is REVOKED"),
    ],
)
async def test_a_status_that_cannot_follow_is_refused(hub, before, status, detail):
    await a_licence(hub)
    for each in before:
        await done(hub, changing("HUB-000001", each))

    refusal = await refused(hub, LicenceStatusError, changing("HUB-000001", status))

    assert (refusal.code, refusal.detail) == ("LICENCE_STATUS", detail)


async def test_only_the_licensor_changes_the_status(hub):
    await a_licence(hub)

    refusal = await refused(
        hub, UnknownLicenceError, changing("HUB-000001", "REVOKED", licensing=DE)
    )

    assert (refusal.code, refusal.detail) == (
        "UNKNOWN_LICENCE",
        "HUB-000001 was licensed by HUB",
    )
    await refused(hub, UnknownLicenceError, changing("HUB-000002", "REVOKED"))


async def test_another_lab_learns_nothing_of_a_licence(hub):
    await a_licence(hub)

    async with hub.read() as session:
        assert (await service.licence_for(session, "HUB-000001", LAB)).version == 1
        assert (await service.licence_for(session, "HUB-000001", OFFICER)).version == 1
        for number in ("HUB-000001", "HUB-000002"):
            with pytest.raises(UnknownLicenceError) as caught:
                await service.licence_for(session, number, OTHER_LAB)
            assert caught.value.message == f"{UnknownLicenceError.__doc__} ({number})"


@pytest.fixture
async def versions(hub):
    """Three versions of a licence as the hub sends them."""
    await a_licence(hub)
    for status in ("SUSPENDED", "ACTIVE"):
        await done(hub, changing("HUB-000001", status))
    return [LicenceIssued(**message) for message in await messages(hub, "DE", "licence.issued")]


async def test_a_node_keeps_the_licence_and_answers_with_its_registration(node, versions):
    await done(node, receiving(versions[0]))

    async with node.read() as session:
        row = await store.find_licence(session, "HUB-000001")
    assert (row.version, row.status, row.signed) == (1, "ACTIVE", versions[0].signed)
    assert (row.licensor, row.licensee, row.accepted_at) == ("HUB", "lab-one", NOON)
    assert decode(row.body) == opened_licence(versions[0].signed)
    assert await messages(node, "HUB", "licence.registered") == [
        {"number": "HUB-000001", "version": 1, "state": "REGISTERED", "reason": None}
    ]


NOT_ITS_SUM = {"fee": Fee("EUR", "1001")}
TEN_YEARS_AND_A_DAY = {"term": Term(date(2026, 9, 1), date(2036, 9, 1))}
TEN_YEARS_LONG = {"term": Term(date(2026, 9, 1), date(2036, 8, 31))}


def reissued(version, **changes):
    """The message of a version, with a licence that its licensor signed with these changes."""
    licence = msgspec.structs.replace(opened_licence(version.signed), **changes)
    return LicenceIssued(licence.number, service._sign(licence, HUB))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (NOT_ITS_SUM, "the fee is not the sum of its components"),
        (TEN_YEARS_AND_A_DAY, TEN_YEARS),
    ],
)
async def test_a_node_refuses_a_licence_that_breaks_a_rule_and_tells_the_hub_why(
    hub, node, versions, changes, reason
):
    before = await contents(node)
    bad = reissued(versions[2], **changes)

    await done(node, receiving(bad))

    [answer] = await messages(node, "HUB", "licence.registered")
    why = f"BAD_OFFER: These terms cannot be offered. ({reason})"
    assert answer == {"number": "HUB-000001", "version": 3, "state": "REFUSED", "reason": why}
    after = await contents(node)
    assert {table for table in after if after[table] != before.get(table)} == {"store_outbox"}
    await done(
        hub,
        lambda session: delivery.receive_registration(
            session, "DE", LicenceRegistered(**answer), NOON
        ),
    )
    async with hub.read() as session:
        rows = await store.registrations(session, "HUB-000001")
    assert [(row.node, row.state, row.reason) for row in rows] == [
        ("DE", "REFUSED", why),
        ("FR", "PENDING", None),
    ]


async def test_a_version_that_a_node_refused_leaves_the_one_before_it(node, versions):
    await done(node, receiving(versions[0]))
    await done(node, receiving(reissued(versions[1], **NOT_ITS_SUM)))

    async with node.read() as session:
        row = await store.find_licence(session, "HUB-000001")
    assert (row.version, row.status, row.signed) == (1, "ACTIVE", versions[0].signed)
    sent = await messages(node, "HUB", "licence.registered")
    assert [(message["version"], message["state"]) for message in sent] == [
        (1, "REGISTERED"),
        (2, "REFUSED"),
    ]


async def test_the_hub_takes_a_collectives_licence_of_ten_years_and_none_of_a_day_more(hub, node):
    await a_licence(node, licensing=DE)
    [message] = await messages(node, "HUB", "licence.issued")
    licence = opened_licence(message["signed"], DE_KEY)
    long, longer = (
        LicenceIssued(
            licence.number, service._sign(msgspec.structs.replace(licence, **changes), DE)
        )
        for changes in (TEN_YEARS_LONG, TEN_YEARS_AND_A_DAY)
    )

    refusal = await refused(hub, BadOfferError, receiving(longer, here="HUB"))
    await done(hub, receiving(long, here="HUB"))

    assert (refusal.code, refusal.detail) == ("BAD_OFFER", TEN_YEARS)
    async with hub.read() as session:
        row = await store.find_licence(session, "DE-000001")
    assert decode(row.body).term.ends_on == date(2036, 8, 31)


async def test_a_later_version_takes_the_place_of_an_older_one_and_never_the_reverse(
    node, versions
):
    await done(node, receiving(versions[1]))
    before = await contents(node)

    for older in versions[:2]:
        await done(node, receiving(older))
        assert await contents(node) == before

    await done(node, receiving(versions[2]))
    async with node.read() as session:
        assert (await store.find_licence(session, "HUB-000001")).version == 3
    sent = await messages(node, "HUB", "licence.registered")
    assert [message["version"] for message in sent] == [2, 3]


@pytest.mark.parametrize("key", [DE_KEY, SigningKey.generate()], ids=["another's", "nobody's"])
async def test_a_licence_that_its_licensor_did_not_sign_is_refused(node, versions, key):
    licence = opened_licence(versions[0].signed)
    forged = LicenceIssued("HUB-000001", service._sign(licence, Licensing("HUB", key)))

    refusal = await refused(node, InvalidTokenError, receiving(forged))

    assert refusal.code == "INVALID_TOKEN"


async def test_a_licence_of_an_unknown_licensor_is_refused(node, versions):
    licence = opened_licence(versions[0].signed)
    stranger = msgspec.structs.replace(licence.licensor, party="GB")
    signed = service._sign(msgspec.structs.replace(licence, licensor=stranger), HUB)

    refusal = await refused(node, BadSignatureError, receiving(LicenceIssued("HUB-000001", signed)))

    assert (refusal.code, refusal.detail) == ("BAD_SIGNATURE", "unknown licensor GB")


async def test_a_licensor_cannot_sign_under_the_numbers_of_another(node, versions):
    await done(node, receiving(versions[0]))
    licence = opened_licence(versions[0].signed)
    licensor = msgspec.structs.replace(licence.licensor, party="DE")

    for number in ("HUB-000001", "HUB-000009", "DE-X-000001"):
        theirs = msgspec.structs.replace(
            licence, number=number, version=9, licensor=licensor, status="REVOKED"
        )
        message = LicenceIssued(number, service._sign(theirs, DE))
        refusal = await refused(node, BadSignatureError, receiving(message))

        assert (refusal.code, refusal.detail) == ("BAD_SIGNATURE", f"{number} is no number of DE")


async def test_a_licence_that_was_changed_on_its_way_is_refused(node, versions):
    header, payload, _ = versions[0].signed.split(".")
    signature = versions[1].signed.split(".")[2]
    mixed = LicenceIssued("HUB-000001", f"{header}.{payload}.{signature}")

    await refused(node, InvalidTokenError, receiving(mixed))


async def test_the_hub_passes_a_national_licence_on_to_the_other_collectives(hub, node):
    row = await a_licence(node, licensing=DE)
    [message] = await messages(node, "HUB", "licence.issued")
    assert message == {"number": row.number, "signed": row.signed}
    assert await registrations(node, "DE-000001") == []

    await done(hub, receiving(LicenceIssued(**message), here="HUB"))

    assert await messages(hub, "FR", "licence.issued") == [message]
    assert await messages(hub, "DE", "licence.issued") == []
    assert await registrations(hub, "DE-000001") == [("FR", 1, "PENDING")]


async def test_a_nodes_receipt_registers_the_version_it_names(hub):
    await a_licence(hub)
    await done(hub, changing("HUB-000001", "SUSPENDED"))
    later = NOON + timedelta(hours=1)

    for node, receipt in [
        ("DE", LicenceRegistered("HUB-000001", 1, "REGISTERED")),
        ("FR", LicenceRegistered("HUB-000001", 2, "REFUSED", "no such use here")),
        ("GB", LicenceRegistered("HUB-000001", 2, "REGISTERED")),
    ]:
        async with hub.write("registered") as session:
            await delivery.receive_registration(session, node, receipt, later)

    async with hub.read() as session:
        rows = await store.registrations(session, "HUB-000001")
    assert [(row.node, row.state, row.reason, row.changed_at) for row in rows] == [
        ("DE", "PENDING", None, NOON),
        ("FR", "REFUSED", "no such use here", later),
    ]


async def test_a_collective_that_joins_gets_every_licence_as_it_stands(hub):
    await a_licence(hub, key="1")
    await a_licence(hub, key="2")
    await done(hub, changing("HUB-000001", "REVOKED"))
    async with hub.write("join") as session:
        session.add(a_party("GB"))
        await session.flush()
        await delivery.deliver_all_to(session, "GB", NOON)

    sent = [opened_licence(m["signed"]) for m in await messages(hub, "GB", "licence.issued")]
    assert [(item.number, item.version, item.status) for item in sent] == [
        ("HUB-000001", 2, "REVOKED"),
        ("HUB-000002", 1, "ACTIVE"),
    ]
    assert ("GB", 2, "PENDING") in await registrations(hub, "HUB-000001")
    await refused(
        hub, UnknownPartyError, lambda session: delivery.deliver_all_to(session, "IT", NOON)
    )


async def test_receipts_are_recorded_and_added_up_by_day(hub):
    await a_licence(hub)
    for number, (amount, received_on) in enumerate(
        [(1000, TODAY), (-250, TODAY), (2**63 - 1, TODAY - timedelta(days=1))]
    ):
        receipt, is_new = await done(
            hub, recording("HUB-000001", amount, key=f"r-{number}", received_on=received_on)
        )
        assert (is_new, receipt.amount, receipt.recorded_by) == (True, amount, "sven")

    async with hub.read() as session:
        until = {
            days: await store.receipts_until(session, TODAY - timedelta(days=days))
            for days in range(3)
        }
        found = [receipt.amount for receipt in await store.receipts_of(session, "HUB-000001")]
        assert await store.receipt_recorders(session) == {"sven"}
    assert until == {0: {"HUB-000001": 2**63 + 749}, 1: {"HUB-000001": 2**63 - 1}, 2: {}}
    assert (found[0], sorted(found[1:])) == (2**63 - 1, [-250, 1000])
    assert await messages(hub, "DE", "receipt.recorded") == []


async def test_a_receipt_is_recorded_once_per_key(hub):
    await a_licence(hub)
    first, _ = await done(hub, recording("HUB-000001"))
    before = await contents(hub)

    again, is_new = await done(hub, recording("HUB-000001"))

    assert (again.id, again.amount, is_new) == (first.id, 1000, False)
    assert await contents(hub) == before


@pytest.mark.parametrize("changes", [{"amount": 1001}, {"received_on": TODAY - timedelta(days=1)}])
async def test_another_receipt_under_the_same_key_is_refused(hub, changes):
    await a_licence(hub)
    await done(hub, recording("HUB-000001"))

    refusal = await refused(hub, IdempotencyConflictError, recording("HUB-000001", **changes))

    assert refusal.code == "IDEMPOTENCY_CONFLICT"


async def test_a_receipt_that_cannot_be_is_refused(hub):
    await a_licence(hub)

    for changes, detail in [
        ({"amount": 0}, "the amount is 0 or too large"),
        ({"amount": 2**63}, "the amount is 0 or too large"),
        ({"amount": -(2**63)}, "the amount is 0 or too large"),
        ({"received_on": TODAY + timedelta(days=1)}, "2026-08-21 is in the future"),
        ({"here": "DE"}, "HUB-000001 was licensed by HUB"),
    ]:
        refusal = await refused(hub, BadReceiptError, recording("HUB-000001", **changes))
        assert (refusal.code, refusal.detail) == ("BAD_RECEIPT", detail)


async def test_a_receipt_for_no_licence_is_refused(hub):
    refusal = await refused(hub, UnknownLicenceError, recording("HUB-000001"))

    assert refusal.code == "UNKNOWN_LICENCE"


async def test_the_hub_learns_what_a_national_licensor_received(hub, node):
    await a_licence(node, licensing=DE)
    receipt, _ = await done(node, recording("DE-000001", -5, here="DE"))
    [issued] = await messages(node, "HUB", "licence.issued")
    [message] = await messages(node, "HUB", "receipt.recorded")
    assert message == {
        "id": receipt.id,
        "licence": "DE-000001",
        "received_on": "2026-08-20",
        "amount": "-5",
    }
    told = msgspec.convert(message, ReceiptRecorded)

    await refused(hub, UnknownLicenceError, telling("DE", told))
    await done(hub, receiving(LicenceIssued(**issued), here="HUB"))
    refusal = await refused(hub, BadReceiptError, telling("FR", told))
    await done(hub, telling("DE", told))

    assert refusal.detail == "DE-000001 was licensed by DE"
    async with hub.read() as session:
        assert await store.receipts_until(session, TODAY) == {"DE-000001": -5}


async def test_what_a_national_licensor_tells_is_held_to_the_rules_of_receipts(hub, node):
    await a_licence(node, licensing=DE)
    [issued] = await messages(node, "HUB", "licence.issued")
    await done(hub, receiving(LicenceIssued(**issued), here="HUB"))
    await done(hub, telling("DE", ReceiptRecorded("r-1", "DE-000001", TODAY, "5")))
    before = await contents(hub)

    for told, detail in [
        (ReceiptRecorded("r-1", "DE-000001", TODAY, "5"), "r-1 is recorded already"),
        (ReceiptRecorded("r-2", "DE-000001", TODAY, "0"), "the amount is 0 or too large"),
        (ReceiptRecorded("r-2", "DE-000001", TODAY, str(2**63)), "the amount is 0 or too large"),
        (
            ReceiptRecorded("r-2", "DE-000001", TODAY + timedelta(days=1), "5"),
            "2026-08-21 is in the future",
        ),
    ]:
        refusal = await refused(hub, BadReceiptError, telling("DE", told))
        assert (refusal.code, refusal.detail) == ("BAD_RECEIPT", detail)
    assert await contents(hub) == before


def telling(node, message):
    return lambda session: receipts.receive_receipt(session, node, message, NOON)
