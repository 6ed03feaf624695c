"""Wrong licence tokens are slowed down where they come from, and told; nobody else waits."""

import logging

import pytest

from federation import quotas
from federation.gate import guesses
from federation.gate.callers import connection_address, forwarded_address
from federation.gate.guesses import Guesses
from federation.gate.refusals import TooManyGuessesError
from federation.quotas import Quota
from federation.signing.crawl_keys import CrawlKey
from tests.gate.binding import bound, signed
from tests.seconds import Seconds

HONEST, HOSTILE = "192.0.2.1", "203.0.113.9"
THIEF = CrawlKey.generate()


@pytest.fixture
def time():
    return Seconds()


@pytest.fixture
def gate(site, time):
    return site.make_gate(
        guesses=Guesses(Quota(burst=3, per_minute=6), monotonic=time),
        client_address=lambda scope: dict(scope["headers"])[b"from"].decode(),
    )


async def status(site, gate, headers, address=HOSTILE):
    answer = await site.get(headers=[("From", address), *headers.items()], gate=gate)
    return answer.status_code, answer.headers.get("retry-after")


def showing(token):
    return {"Authorization": f"License {token}"}


async def test_after_some_wrong_tokens_others_of_that_address_are_not_looked_at(site, gate, time):
    wrong = showing(site.token(key=site.stranger))

    assert [await status(site, gate, wrong) for _ in range(5)] == [
        *[(401, None)] * 3,
        *[(429, "10")] * 2,
    ]
    assert await status(site, gate, showing(site.token())) == (429, "10")
    assert await status(site, gate, wrong, HONEST) == (401, None)
    time.now += 10
    assert await status(site, gate, showing(site.token())) == (200, None)
    assert [await status(site, gate, wrong) for _ in range(2)] == [(401, None), (429, "10")]


async def test_who_names_another_address_each_time_is_slowed_down_all_the_same(site, gate, time):
    wrong, genuine = showing(site.token(key=site.stranger)), showing(site.token())
    await status(site, gate, genuine, HONEST)

    found = [await status(site, gate, wrong, f"198.51.100.{number}") for number in range(62)]

    assert found == [*[(401, None)] * 60, *[(429, "1")] * 2]
    assert await status(site, gate, genuine, HONEST) == (200, None)
    time.now += 1
    assert await status(site, gate, wrong, HOSTILE) == (401, None)


async def test_what_is_refused_for_too_many_guesses_says_so_and_no_more(site, gate):
    wrong = [("From", HOSTILE), *showing(site.token(key=site.stranger)).items()]
    for _ in range(3):
        await site.get(headers=wrong, gate=gate)

    answer = await site.get(headers=wrong, gate=gate)

    assert answer.headers["www-authenticate"] == 'License error="slow_down"'
    assert (answer.json()["error"], answer.json()["code"]) == ("slow_down", "TOO_MANY_GUESSES")
    assert (site.visits, site.events()) == ([], [])


async def test_a_token_that_opened_something_is_taken_whoever_guesses_beside_it(site, gate):
    """Also under the next policy, which has no token that was read before."""
    mine = showing(site.token())
    assert await status(site, gate, mine) == (200, None)
    for _ in range(4):
        await status(site, gate, showing(site.token(key=site.stranger)))

    assert await status(site, gate, mine) == (200, None)
    site.set_policy()
    assert await status(site, gate, mine) == (200, None)


async def test_a_token_that_was_genuine_and_is_no_longer_is_one_guess_like_another(site, gate):
    mine = showing(site.token())
    assert await status(site, gate, mine) == (200, None)

    site.later(seconds=960)

    assert [await status(site, gate, mine) for _ in range(4)] == [*[(401, None)] * 3, (429, "10")]


async def test_requests_that_are_refused_for_anything_else_are_no_guesses(site, gate):
    outside = showing(site.token(aud=["https://pub.example/other"]))
    expected = [(403, None)] * 5

    assert [await status(site, gate, outside) for _ in range(5)] == expected
    assert [await status(site, gate, {"User-Agent": "GPTBot"}) for _ in range(5)] == [
        (401, None)
    ] * 5


async def test_wrong_signatures_cost_the_token_they_are_under_at_their_address(site, gate):
    """A thief's requests shut out neither other tokens of that address nor the owner elsewhere."""
    stolen = bound(site)

    async def shown(key, address, token=stolen):
        return await status(site, gate, signed(site, token=token, key=key), address)

    def mine():
        return signed(site, token=stolen)

    assert [await shown(THIEF, HOSTILE) for _ in range(4)] == [*[(401, None)] * 3, (429, "10")]
    assert await status(site, gate, mine(), HOSTILE) == (429, "10")
    assert await status(site, gate, mine(), HONEST) == (200, None)
    other = signed(site, token=bound(site, licence="HUB-000002"))
    assert await status(site, gate, other, HOSTILE) == (200, None)


async def test_what_was_wrong_is_told_in_one_line_and_then_forgotten(site, gate, time, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(100):
        await status(site, gate, showing(site.token(key=site.stranger)))
    await status(site, gate, showing(site.token(key=site.stranger)), HONEST)
    time.now += 300
    caplog.clear()

    for _ in range(2):
        gate.gate.config.guesses.tell()

    assert caplog.messages == [
        "wrong licence tokens: 101 in 300 s, 97 of them not looked at; most, 100, from 203.0.113.9"
    ]
    assert caplog.records[0].levelname == "WARNING"


async def test_a_guesser_that_is_not_looked_at_writes_no_log_line(site, gate, caplog):
    caplog.set_level(logging.INFO)
    for _ in range(100):
        await status(site, gate, showing(site.token(key=site.stranger)))

    assert len([line for line in caplog.messages if " refused: " in line]) == 3


def test_memory_is_bounded_whoever_calls(time, monkeypatch):
    monkeypatch.setattr(quotas, "BUCKETS_MAX", 10)
    monkeypatch.setattr(guesses, "SOURCES_MAX", 10)
    monkeypatch.setattr(guesses, "GENUINE_MAX", 10)
    found = Guesses(Quota(1, 1), monotonic=time)
    for number in range(100):
        found.is_wrong(f"192.0.2.{number}", "wrong")
        found.is_wrongly_signed(f"192.0.2.{number}", "token")
        found.is_genuine(f"token-{number}")

    assert (len(found._buckets), len(found._wrong), len(found._genuine)) == (10, 11, 10)
    with pytest.raises(TooManyGuessesError):
        found.require_turn("192.0.2.99", "another")
    found.require_turn("192.0.2.99", "token-99")


def scope(peer="10.0.0.1", **headers):
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (peer, 1234) if peer else None, "headers": sent}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("a socket", "a socket"),
        (None, ""),
    ],
)
def test_without_a_word_of_the_site_the_connection_counts(peer, address):
    assert connection_address(scope(peer, x_forwarded_for="203.0.113.1")) == address


@pytest.mark.parametrize(
    ("proxies", "written", "address"),
    [
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "198.51.100.1, 203.0.113.1", "203.0.113.1"),
        (2, "198.51.100.1, 203.0.113.1, 10.0.0.9", "203.0.113.1"),
        (2, "203.0.113.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (1, "203.0.113.1:50123", "203.0.113.1"),
        (1, "x" * 1000, "x" * 100),
    ],
)
def test_behind_its_proxies_a_site_believes_what_the_first_of_them_wrote(proxies, written, address):
    rule = forwarded_address(proxies=proxies)

    assert rule(scope(x_forwarded_for=written)) == address
    assert rule(scope()) == "10.0.0.1"
    with pytest.raises(ValueError, match="no header"):
        forwarded_address(proxies=0)
