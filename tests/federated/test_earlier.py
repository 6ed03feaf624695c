"""Where a node gives no answer, what it answered earlier is told, with its age, for a while."""

import pytest
from msgspec.json import encode

from federation.federated import earlier
from federation.federated.asking import (
    BREAKER_OPEN,
    ERROR,
    NO_ANSWER,
    OK,
    REFUSED,
    SENT_AWAY,
    STALE,
    TIMEOUT,
    TOO_LONG,
    Asker,
    CallError,
    Node,
    Question,
)
from federation.federated.cursors import Position
from federation.federated.earlier import (
    AGE_SECONDS_MAX,
    BYTES_OF_ONE_MAX,
    ENTRY_BYTES,
    Earlier,
    ask_and_read,
)
from federation.federated.listing import NodesMissingError, Reply, require_replies
from federation.federated.looking_up import look_up
from federation.federated.wire import OnBehalfOf
from tests.federated.one_thing import GOOD, NODES, a_listing
from tests.federated.simulated import Simulated, World

DE, FR = (Node(code, f"https://{code}", f"https://{code}") for code in ("DE", "FR"))
DOWN = CallError(ERROR, NO_ANSWER, "down")


def a_question(number=0, on_behalf_of=OnBehalfOf.SIGNED_IN, document="{ x }"):
    return Question(document, {"n": number}, on_behalf_of)


class Hub:
    """A hub whose nodes answer what they are told to. Its time is set here."""

    def __init__(self):
        self.time, self.answer, self.sent = 100.0, b"one", 0
        self.asker = Asker(self.call, lambda: self.time)
        self.earlier = Earlier(lambda: self.time)

    async def call(self, node, body, headers, **limits):
        del node, body, headers, limits
        self.sent += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def ask(self, node=DE, question=None, *, bytes_max=10**6, kept=True):
        """Return what is told, whether it is of now, and how old it is; or why nothing is."""
        try:
            found, heard = await ask_and_read(
                self.asker,
                self.earlier if kept else None,
                node,
                question or a_question(),
                self.read,
                deadline=self.time + 1,
                bytes_max=bytes_max,
            )
        except CallError as error:
            return error.state, error.code
        return found, heard.silence is None, heard.age_seconds

    @staticmethod
    def read(body):
        if body == b"nonsense":
            raise CallError(ERROR, "BAD_ANSWER", "nonsense")
        return body


async def test_a_node_that_is_down_is_told_as_it_answered_with_the_age_of_that():
    hub = Hub()
    assert await hub.ask() == (b"one", True, 0.0)
    hub.answer, hub.time = DOWN, 130.0

    assert await hub.ask() == (b"one", False, 30.0)
    assert hub.sent == 2  # it was asked, though something was at hand


@pytest.mark.parametrize(
    "silence",
    [DOWN, CallError(TIMEOUT, "DEADLINE_OVER", "late"), CallError(BREAKER_OPEN, BREAKER_OPEN, "")],
)
async def test_only_where_a_node_gives_no_answer(silence):
    hub = Hub()
    await hub.ask()
    hub.answer = silence

    assert await hub.ask() == (b"one", False, 0.0)


@pytest.mark.parametrize("code", ["BAD_ANSWER", "NOT_ALLOWED", REFUSED, SENT_AWAY, TOO_LONG])
async def test_a_node_that_answers_with_a_refusal_or_nonsense_has_answered(code):
    hub = Hub()
    await hub.ask()
    hub.answer = CallError(ERROR, code, "no")
    assert await hub.ask() == (ERROR, code)

    hub.answer = b"nonsense"
    assert await hub.ask() == (ERROR, "BAD_ANSWER")
    hub.answer = DOWN
    assert await hub.ask() == (b"one", False, 0.0)  # nonsense is not kept


@pytest.mark.parametrize(
    ("node", "question"),
    [
        (FR, a_question()),
        (DE._replace(entity_id="https://other"), a_question()),
        (DE, a_question(1)),
        (DE, a_question(document="{ y }")),
        (DE, a_question(on_behalf_of=OnBehalfOf.PARTNER)),
    ],
)
async def test_nothing_is_told_to_another_question_of_another_node_or_for_another(node, question):
    hub = Hub()
    await hub.ask()
    await hub.ask(question=a_question(9, on_behalf_of=OnBehalfOf.PARTNER))
    hub.answer = DOWN

    assert await hub.ask(node, question) == (ERROR, NO_ANSWER)


async def test_what_partners_are_shown_is_told_to_partners_only():
    hub, of_partner = Hub(), a_question(on_behalf_of=OnBehalfOf.PARTNER)
    await hub.ask(question=of_partner)
    hub.answer = DOWN

    assert await hub.ask() == (ERROR, NO_ANSWER)
    assert await hub.ask(question=of_partner) == (b"one", False, 0.0)


@pytest.mark.parametrize(
    ("age", "told"), [(AGE_SECONDS_MAX, (b"one", False, 600.0)), (600.5, (ERROR, NO_ANSWER))]
)
async def test_nothing_is_told_that_is_too_old(age, told):
    hub = Hub()
    await hub.ask()
    hub.answer, hub.time = DOWN, 100.0 + age

    assert await hub.ask() == told
    assert hub.earlier.size == (len(b"one") + ENTRY_BYTES if told[0] == b"one" else 0)


async def test_the_last_answer_takes_the_place_of_the_one_before():
    hub = Hub()
    await hub.ask()
    hub.answer, hub.time = b"three", 200.0
    await hub.ask()
    size = hub.earlier.size
    hub.answer, hub.time = DOWN, 201.0

    assert (await hub.ask(), size) == ((b"three", False, 1.0), 5 + ENTRY_BYTES)


async def test_so_many_bytes_are_kept_and_those_heard_longest_ago_give_way(monkeypatch):
    monkeypatch.setattr(earlier, "BYTES_MAX", 3 * (ENTRY_BYTES + 3))
    hub = Hub()
    for number in (0, 1, 2, 0, 3):
        await hub.ask(question=a_question(number))
    size, hub.answer = hub.earlier.size, DOWN
    told = [await hub.ask(question=a_question(number)) for number in range(4)]

    assert size == 3 * (ENTRY_BYTES + 3)
    assert [one[0] for one in told] == [b"one", ERROR, b"one", b"one"]


async def test_a_large_answer_is_not_kept_nor_one_told_to_who_reads_less():
    hub = Hub()
    await hub.ask()
    hub.answer = DOWN
    assert await hub.ask(bytes_max=2) == (ERROR, NO_ANSWER)

    hub.answer = b"x" * (BYTES_OF_ONE_MAX + 1)
    await hub.ask()
    assert hub.earlier.size == 0
    hub.answer = DOWN
    assert await hub.ask() == (ERROR, NO_ANSWER)


async def test_who_counts_only_what_is_said_now_is_told_nothing_else():
    hub = Hub()
    await hub.ask(kept=False)
    assert hub.earlier.size == 0
    await hub.ask()
    hub.answer = DOWN

    assert await hub.ask(kept=False) == (ERROR, NO_ANSWER)


async def test_what_a_node_said_goes_with_it():
    hub = Hub()
    hub.earlier.keep_of(["DE", "FR"])
    await hub.ask()
    await hub.ask(FR)
    hub.earlier.keep_of(["FR"])
    hub.answer = DOWN

    assert await hub.ask() == (ERROR, NO_ANSWER)
    assert (await hub.ask(FR))[0] == b"one"


async def test_a_page_is_marked_with_the_state_and_age_and_so_is_all_that_follows():
    world = World(
        [Simulated("DE", [(f"{n}", "x") for n in range(9)]), Simulated("FR", [("0", "y")])]
    )
    world.earlier = Earlier(lambda: world.time)
    first = await world.page(Position())
    world.nodes["FR"].is_down = True
    told = await world.page(Position())
    world.nodes["FR"].is_down = False
    second = await world.page(world.after(told))

    assert (first.is_stale, first.is_complete) == (False, True)
    assert [entry.key for entry in told.page.entries] == [entry.key for entry in first.page.entries]
    assert told.replies[1] == ("FR", STALE, 0, NO_ANSWER, "down", 10.0)
    assert (told.is_stale, told.is_complete, told.page.missing) == (True, False, {})
    assert [reply.state for reply in second.replies] == [OK, OK]
    assert (second.is_stale, second.is_complete) == (True, False)


async def test_a_node_that_fails_in_the_second_round_stays_stale_or_is_missing():
    world = World([Simulated("DE", [(f"{n:02}", "x") for n in range(60)]), Simulated("FR", [])], 50)
    world.earlier = Earlier(lambda: world.time)
    world.nodes["DE"].looked_max = 30
    await world.page(Position())
    world.nodes["DE"].is_down = True
    told = await world.page(Position())
    world.nodes["DE"].is_down = False
    calls, node = [], world.nodes["DE"]

    def then_down(_, body):
        calls.append(body)
        if len(calls) == 1:
            return node.answer(body)
        raise DOWN

    world.instead["DE"] = then_down
    partly = await world.page(Position())

    assert (told.replies[0].state, len(told.page.entries)) == (STALE, 50)
    assert (partly.replies[0].state, len(calls)) == (STALE, 2)
    assert not partly.is_complete


async def test_a_work_is_told_as_of_an_earlier_time_and_nobody_is_said_to_have_none():
    hub, listing = Hub(), a_listing()

    async def look():
        return await look_up(
            hub.asker,
            NODES[1:],
            listing,
            deadline=hub.time + 1,
            monotonic=lambda: hub.time,
            earlier=hub.earlier,
        )

    hub.answer = encode({"data": GOOD})
    fresh = await look()
    hub.answer, hub.time = DOWN, 105.0
    told = await look()

    assert told.found == fresh.found
    assert told.replies == [("FR", STALE, 0, NO_ANSWER, "down", 5.0)]
    assert (fresh.is_complete, told.is_complete) == (True, False)


@pytest.mark.parametrize(
    ("require", "states", "is_refused"),
    [
        ("ANY", [STALE, ERROR], False),
        ("ANY", [TIMEOUT, ERROR], True),
        ("QUORUM", [STALE, OK], True),
        ("QUORUM", [STALE, OK, OK], False),
        ("QUORUM", [OK, OK, ERROR, ERROR], True),
        ("ALL", [STALE, OK], True),
        ("ALL", [OK, OK], False),
        ("ALL", [], False),
    ],
)
def test_what_was_answered_earlier_is_an_answer_for_any_only(require, states, is_refused):
    replies = [Reply(f"N{number}", state, 0) for number, state in enumerate(states)]
    refused = None
    try:
        require_replies(replies, require)
    except NodesMissingError as error:
        refused = error

    assert (refused is not None) == is_refused
    if refused:
        named = [f"{one.node} ({one.state})" for one in replies if one.state != OK]
        assert refused.message.endswith(f"({require}: no answer of {', '.join(named)})")
