"""Registries of two members made at random, small enough that everything in them meets."""

import random
from datetime import UTC, datetime, timedelta

from federation.addresses.urls import RULES
from federation.consent.states import State
from federation.registry.tables import Claim, Member, OptOut

NOW = datetime(2026, 11, 20, 23, 40, tzinfo=UTC)  # within the hour of whose policy a day begins
USES = ["TRAIN", "GROUND", "SEARCH"]
HOSTS = ["a.example", "b.a.example"]
PATHS = ["/", "/x", "/x/", "/x/y", "/x/y/z", "/n", "/n/1"]
PATTERNS = ["$", "*", "*$", "*/z", "/*y$"]
INSTANTS = [
    *(NOW + timedelta(minutes=minutes) for minutes in (0, 5, 20, 40, 59)),
    *(NOW + timedelta(microseconds=micros) for micros in (1, 299_999_999, 1_200_000_001)),
]
PARTIES = ("party-1", "party-2")  # on a page alone
LONGER = [timedelta(days=1), timedelta(days=2)]
SINCE = [
    *(NOW - timedelta(days=days) for days in (1, 2, 30)),
    *(NOW + timedelta(minutes=minutes) for minutes in (0, 5, 40)),
]


def a_claim(pick, number, member):
    today = NOW.date()
    days = [None, None, None, today, today + timedelta(days=1), today - timedelta(days=1)]
    begins, ends = pick.choice(days), pick.choice([*days, None, None])
    canonical = pick.random() < 0.3
    return Claim(
        claim_id=f"{number}",
        member_id=member,
        host=pick.choice(HOSTS),
        path=pick.choice(PATHS),
        wildcard=pick.random() < 0.3,
        content_tier="standard",
        works=1,
        canonical=pick.choice([*HOSTS, "c.example"]) + pick.choice(PATHS) if canonical else None,
        owner_bps=1 if canonical else None,
        valid_from=begins,
        valid_to=None if begins and ends and ends <= begins else ends,
        rules=RULES,
        recorded_at=NOW - timedelta(days=9),
    )


def a_ruling(pick):
    state = pick.choice(list(State))
    is_published = state.startswith("PUBLISHED")
    since = pick.choice(SINCE)
    ends = pick.choice([None, None, None, since + timedelta(days=1), NOW + timedelta(minutes=20)])
    of_member = not is_published and pick.random() < 0.25
    path = pick.choice(PATHS)
    if pick.random() < 0.4:
        path = path if path == "/" else path.rstrip("/")
        path += pick.choice(PATTERNS if is_published or state == State.OPT_OUT else ["$"])
    is_wild = not of_member and pick.random() < 0.3
    is_page = not of_member and not is_wild and path.endswith("$") and "*" not in path
    sources = ["s1", "s2"] if is_published else [None, *(PARTIES if is_page else ())]
    return OptOut(
        member_id=pick.choice(["m1", "m2"]) if of_member else None,
        host=None if of_member else pick.choice([*HOSTS, "c.example"]),
        path=None if of_member else path,
        wildcard=is_wild,
        use=pick.choice(["*", *USES]),
        effective_at=since,
        ends_at=ends if ends is None or ends > since else None,
        recorded_at=NOW - timedelta(days=9),
        rules=RULES,
        state=state,
        source=pick.choice(sources),
        since=None if is_published else pick.choice([None, None, *(since - d for d in LONGER)]),
    )


def a_registry(seed, claims=(0, 6), rulings=(0, 8)):
    """Return the rows of one: two members that joined long ago, claims and rulings."""
    pick = random.Random(seed)
    joined = NOW.date() - timedelta(days=100)
    members = [
        Member(member_id=name, name=name, country="DE", joined_on=joined, account_scheme="IBAN")
        for name in ("m1", "m2")
    ]
    owners = ["m1", *(pick.choice(["m1", "m2"]) for _ in range(pick.randint(*claims)))]
    held = [a_claim(pick, number, owner) for number, owner in enumerate(owners)]
    return members, held, [a_ruling(pick) for _ in range(pick.randint(*rulings))]
