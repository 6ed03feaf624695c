"""Operations of licensing, the registry and usage: what is sold, claimed, used and reported."""

from datetime import date, timedelta
from typing import Any

import msgspec

from federation.values.party import HUB
from tests.federation.harness import MEMBER_IDS
from tests.stateful.life import LABS, Life, at_noon, first_of, last_of
from tests.stateful.world import Request, upload

USES = ("TRAIN", "GROUND", "SEARCH")

PAGES = (
    "https://news.example/de/{}",
    "https://news.example/de/private/{}",
    "https://news.example/fr/{}",
    "https://news.example/gb/{}",
    "https://x.bild.example/{}",
    "https://journal.example/{}",
    "https://press.example/{}",
    "https://press.example/copy/{}",
    "https://both.example/{}",
    "https://both.example/{}",
    "https://twins.example/{}",
    "https://late.example/{}",
    "https://orphan.example/{}",
    "https://nobody.example/{}",
    "ftp://news.example/{}",
)


# Addresses that somebody claims late.
LATE_CLAIMS = (
    ("GB", "gb-b", "orphan.example/1"),
    ("GB", "gb-a", "orphan.example/2"),
    ("DE", "de-a", "nobody.example/1"),
    ("FR", "fr-a", "nobody.example/2"),
    ("FR", "fr-late", "nobody.example/3"),
)


async def sell(life: Life) -> None:
    """Offer a licence and accept it."""
    chance = life.random
    issuer = chance.choice([HUB, HUB, "DE", "FR", "GB"])
    lab = chance.choice(LABS)
    currencies = [bank.currency for bank in life.banks if bank.code == issuer]
    start = first_of(life.today, chance.choice([0, 0, 0, -1, 1]))
    uses = chance.sample(USES, chance.randint(1, 3))
    fee = chance.choice([1, 365, 10_001, 365_000, 1_200_000, 36_500_000])
    components: list[dict[str, Any]] = [{"uses": uses, "fee": str(fee)}]
    if len(uses) > 1 and life.chance(0.4):
        components = [
            {"id": f"c{place}", "uses": [use], "fee": str(fee // (place + 1) or 1)}
            for place, use in enumerate(uses)
        ]
    terms = {
        "licensee": lab,
        "components": components,
        "currency": chance.choice(currencies),
        "startsOn": start.isoformat(),
        "endsOn": last_of(start, chance.choice([0, 1, 2, 5, 11])).isoformat(),
        "usageBasis": chance.choice(["site", "lab"]),
        "unclaimed": chance.choice(["hold", "exclude"]),
        "reason": "as agreed",
    }
    key = life.fresh("offer")
    offer = Request(
        issuer, "licensing", "licensing_officer", "offerLicence", {"input": terms, "key": key}
    )
    answer = await life.ask(offer)
    if answer.is_done:
        accept = {"offer": answer.value["id"], "key": key}
        await life.ask(Request(issuer, f"buyer@{lab}", "lab", "acceptOffer", accept))


async def end_early(life: Life) -> None:
    """End a licence before its term."""
    code = life.random.choice([HUB, HUB, "DE", "FR", "GB"])
    found = await life.pick(
        code,
        "SELECT number FROM licensing_licence WHERE licensor = :here ORDER BY number",
        here=code,
    )
    if found:
        day = life.today + timedelta(days=life.random.randint(-5, 60))
        if life.chance(0.6):
            day = last_of(life.today, life.random.choice([0, 0, 1]))
        end = {"number": found[0], "lastDay": day.isoformat(), "reason": "the lab stops"}
        await life.ask(Request(code, "licensing", "licensing_officer", "endLicenceEarly", end))


async def change_status(life: Life) -> None:
    """Suspend a licence, lift it, or (rarely) revoke it."""
    code = life.random.choice([HUB, "DE", "FR", "GB"])
    found = await life.pick(
        code,
        "SELECT number FROM licensing_licence WHERE licensor = :here ORDER BY number",
        here=code,
    )
    names = ["suspendLicence"] * 4 + ["reinstateLicence"] * 4 + ["revokeLicence"]
    if found:
        act = {"number": found[0], "reason": "audit"}
        name = life.random.choice(names)
        await life.ask(Request(code, "licensing", "licensing_officer", name, act))


async def report_usage(life: Life) -> None:
    """A lab or a site reports lines: on time and late, new, doubled, changed and malformed."""
    chance = life.random
    is_lab = life.chance(0.5)
    lab = chance.choice(LABS)
    code = HUB if is_lab else chance.choice(life.world.nodes)
    licences = await life.rows(
        code, "SELECT number, licensee, body FROM licensing_licence ORDER BY accepted_at, number"
    )
    basis = f'"usage_basis":"{"lab" if is_lab else "site"}"'
    own = [
        (number, body)
        for number, licensee, body in licences[-16:]
        if (not is_lab or licensee == lab) and (basis in body or life.chance(0.05))
    ]
    locked = await life.rows(HUB, "SELECT period FROM settlement_locked_period ORDER BY period")
    settled = [period for (period,) in locked[-3:]]
    lines = [_line(life, own or [("XX-000001", "")], settled) for _ in range(chance.randint(1, 8))]
    for line in lines:
        life.lines.append(line)
    if life.lines and life.chance(0.3):
        lines.append(chance.choice(life.lines))  # a duplicate, maybe of another reporter
    if life.lines and life.chance(0.15):
        lines.append({**chance.choice(life.lines), "units": chance.randint(1, 99)})  # a conflict
    del life.lines[:-200]
    body = b"\n".join(msgspec.json.encode(line) for line in lines)
    headers = {"Idempotency-Key": life.fresh("batch"), "Content-Type": "application/x-ndjson"}
    subject, role = (f"buyer@{lab}", "lab") if is_lab else ("sites", "site")
    await life.ask(Request(code, subject, role, "/usage", {}, body, headers))


def _line(life: Life, licences: list[tuple[str, str]], settled: list[str]) -> dict[str, Any]:
    chance = life.random
    number, body = chance.choice(licences)
    day = life.today - timedelta(days=chance.choice([0, 0, 1, 2, 5, 8, 12, 20, 40]))
    if settled and life.chance(0.3):  # of a month that is over and done with
        day = date.fromisoformat(f"{chance.choice(settled)}-{chance.randint(1, 28):02d}")
    at = at_noon(day) - timedelta(hours=chance.choice([0, 6, 12]))
    uses = [use for use in USES if f'"{use}"' in body] if life.chance(0.9) else []
    return {
        "event_id": life.fresh("e"),
        "licence": number if life.chance(0.97) else "XX-000001",
        "url": chance.choice(PAGES).format(chance.randint(1, 3)),
        "use": chance.choice(uses or USES),
        "units": chance.choice([1, 7, 100, 2_500, 40_000]) if life.chance(0.97) else 0,
        "occurred_at": min(at, life.now).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


async def claim_work(life: Life) -> None:
    """A member registers an address, late."""
    code, member, address = life.random.choice(LATE_CLAIMS)
    body = f"member_id,claim,content_tier\n{member},{address},standard\n".encode()
    await life.ask(upload(code, "registry", "registry_officer", "/registry/works", body))


async def opt_out(life: Life) -> None:
    """A reservation is found that was in force some time ago."""
    code = life.random.choice(life.world.nodes)
    at = life.today - timedelta(days=life.random.randint(0, 50))
    subject = f"news.example/{code.lower()}/{life.random.randint(1, 3)}"
    if life.chance(0.3):
        subject = f"member:{life.random.choice(MEMBER_IDS[code])}"
    use = life.random.choice(["*", *USES])
    body = f"subject,use,effective_at\n{subject},{use},{at}T00:00:00Z\n".encode()
    await life.ask(upload(code, "registry", "registry_officer", "/registry/optouts", body))
