"""What a node answers about works and addresses, and by whose word."""

from dataclasses import replace

import pytest

from federation.consent.states import Reason
from federation.errors import RefusalError
from federation.history.kinds import Saying
from federation.mandates import asking
from federation.mandates.asking import Question
from federation.proposals import acts
from federation.works import service as works
from tests.mandates.recording import DAY, HOUR, RULES, carried_out, recorded, work
from tests.proposals.acting import NOON, done

TRAIN = Question("TRAIN", NOON + DAY)
A, B, C = (f"https://x.example/{name}" for name in "abc")


async def of_works(database, *names, question=TRAIN):
    async with database.read() as session:
        return await asking.answers(session, "DE", names, None, question)


async def of_addresses(database, *addresses, question=TRAIN):
    async with database.read() as session:
        return await asking.answers(session, "DE", None, addresses, question)


def told(answer):
    record = None if answer.record is None else answer.record.id
    return answer.is_yes, answer.decided.reason, record


async def test_where_nothing_is_said_the_answer_is_yes_and_names_nothing(registry):
    [page, other] = await of_addresses(registry, A, "https://z.example/")
    [one, off_page] = await of_works(registry, "W-1", "W-2")

    assert [told(answer) for answer in (page, other, one, off_page)] == [(True, None, None)] * 4
    assert (page.is_claimed, other.is_claimed, one.is_claimed) == (True, False, True)


async def test_what_is_no_address_and_no_work_is_no_yes(registry):
    [page] = await of_addresses(registry, "no address")
    [one, early] = [
        *await of_works(registry, "W-9"),
        *await of_works(registry, "W-1", question=replace(TRAIN, at=NOON - 30 * DAY)),
    ]
    assert [(a.is_found, a.is_yes) for a in (page, one, early)] == [(False, False)] * 3


@pytest.mark.parametrize("name", ["W-1", "W-2"])
async def test_the_record_that_decided_is_named_on_a_page_or_on_none(registry, name):
    mandate = await recorded(registry, "member:m1", "MANDATED", "SEARCH")
    no = await recorded(registry, f"work:{name}", "WITHDRAWN", "TRAIN")
    narrow = replace(TRAIN, use="GROUND")
    yes = await recorded(registry, f"work:{name}", "OPTED_IN", "TRAIN", now=NOON + HOUR)

    [before] = await of_works(registry, f"DE:{name}", question=replace(TRAIN, at=NOON))
    [after] = await of_works(registry, name)
    [known] = await of_works(registry, name, question=replace(TRAIN, known_at=NOON + HOUR / 2))
    [other] = await of_works(registry, name, question=narrow)

    assert told(before) == told(known) == (False, Reason.WITHDRAWN, no)
    assert told(after) == (True, None, yes)
    assert told(other) == (False, Reason.NOT_MANDATED, mandate)


async def test_a_work_is_withheld_where_one_of_its_pages_is(registry):
    await done(registry, acts.RecordOptOut("x.example/b", "*", None))
    [one] = await of_works(registry, "W-1")
    [page, other] = await of_addresses(registry, A, B)

    assert (told(one), one.address, one.decided.ruling.state) == (
        (False, Reason.OPTED_OUT, None),
        "x.example/b",
        "OPT_OUT",
    )
    assert (told(page)[0], told(other)[0]) == (True, False)


@pytest.mark.parametrize("name", ["W-1", "W-2"])
@pytest.mark.parametrize(
    ("state", "answers"),
    [
        ("MANDATED", {None: False, "DE": True, "GB": False}),
        ("WITHHELD", {None: False, "DE": False, "GB": False}),
    ],
)
async def test_a_yes_counts_in_the_territory_asked_and_a_no_everywhere(
    registry, name, state, answers
):
    await recorded(registry, f"work:{name}", state, territories=("DE", "FR"))

    found = {
        where: (await of_works(registry, name, question=replace(TRAIN, territory=where)))[0].is_yes
        for where in answers
    }
    assert found == answers


async def test_a_work_that_was_merged_is_judged_as_what_it_is(registry):
    no = await recorded(registry, "work:W-2")
    await work(registry, "W-3")
    async with registry.write("merge") as session:
        saying = Saying("rosa", "twice", NOON + HOUR)
        await works.acts_by(RULES).merge(session, "W-2", "W-3", at=NOON + HOUR, saying=saying)

    assert [told(a) for a in await of_works(registry, "W-2", "W-3")] == [
        (False, Reason.WITHHELD, no)
    ] * 2


async def test_too_much_at_once_is_refused(registry):
    for name in range(101):
        pages = [f"x.example/{name}/{page}" for page in range(100)]
        await work(registry, f"B-{name}", *pages)
    with pytest.raises(RefusalError) as refusal:
        await of_works(registry, *(f"B-{name}" for name in range(101)))
    assert (refusal.value.code, refusal.value.detail) == ("TOO_MANY_PAGES", "10100")
    with pytest.raises(RefusalError) as refusal:
        await of_works(registry, *(f"W-{name}" for name in range(1_001)))
    assert refusal.value.code == "TOO_MANY_URLS"


async def test_a_withdrawn_record_decides_no_more_but_what_was_known_stays(registry):
    number = await recorded(registry)
    await carried_out(registry, acts.WithdrawConsent(number), now=NOON + HOUR)

    assert [told(a) for a in await of_addresses(registry, A)] == [(True, None, None)]
    then = replace(TRAIN, known_at=NOON + HOUR / 2)
    assert [told(a) for a in await of_addresses(registry, A, question=then)] == [
        (False, Reason.WITHHELD, number)
    ]
