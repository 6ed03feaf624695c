"""Two settled months, what is late for them, and the correction of one."""

from datetime import UTC, datetime

from federation.scenario.story import first_instant_after
from federation.settlement.run_document import decode
from federation.values.party import HUB
from tests.federation.harness import a_line, report_lines, soon

SEPTEMBER, OCTOBER, NOVEMBER = "2026-09", "2026-10", "2026-11"


NEWS = "https://news.example"


RATES = "date,currency,rate\n2026-09-30,GBP,0.85\n2026-10-30,GBP,0.86\n2026-11-30,GBP,0.87\n"


DOCUMENTS = """query($period: String!) { runs(period: $period) {
  edges { node { state document } } } }"""
STEP = """__typename ... on Correction { runs { runId period state corrects postedIn } }
  ... on Refused { code message }"""


OPEN = """mutation($period: String!) { openCorrection(period: $period) {
  __typename ... on CorrectionRound { number } ... on Refused { code message } } }"""


CALCULATE = "mutation { calculateCorrection { " + STEP + " } }"


ADVISE = "mutation { adviseCorrection { " + STEP + " } }"


APPROVE = "mutation { approveCorrection { " + STEP + " } }"


OPTOUT = "subject,use,effective_at\nnews.example/de/withheld/,*,2026-09-05T00:00:00Z\n"


ON_TIME = {
    ("DE", "sites"): [
        a_line("s-1", "HUB-000001", f"{NEWS}/de/1", units=5_000),
        a_line("s-2", "HUB-000001", f"{NEWS}/fr/1", units=3_000),
        a_line("s-3", "HUB-000001", f"{NEWS}/de/withheld/1", units=1_234),
        a_line("s-4", "HUB-000001", "https://press.example/copy/1", units=777),
        a_line("s-5", "HUB-000001", "https://both.example/1", units=91),
    ],
    (HUB, "lab-one"): [
        a_line("l-1", "DE-000001", f"{NEWS}/gb/1", units=400),
        a_line("l-2", "DE-000001", "https://nobody.example/1", units=150),
    ],
}


LATE = {
    ("DE", "sites"): [
        a_line("s-1", "HUB-000001", f"{NEWS}/de/1", units=5_000),  # again: a duplicate, late
        a_line("s-8", "HUB-000001", f"{NEWS}/gb/1", units=2_500),
        a_line("s-9", "HUB-000001", "https://press.example/copy/2", units=41),
        a_line("s-10", "HUB-000001", f"{NEWS}/de/1", units=0),  # malformed, late
    ],
    (HUB, "lab-two"): [a_line("l-9", "HUB-000002", f"{NEWS}/fr/1", use="SEARCH", units=60)],
    (HUB, "lab-one"): [a_line("l-9", "DE-000001", "https://nobody.example/2", units=350)],
}


IN_OCTOBER = {
    ("FR", "sites"): [
        a_line("o-1", "HUB-000001", f"{NEWS}/fr/2", units=900, occurred_at="2026-10-11T00:00:00Z")
    ],
    (HUB, "lab-two"): [
        a_line(
            "o-1",
            "HUB-000002",
            f"{NEWS}/gb/1",
            use="SEARCH",
            units=45,
            occurred_at="2026-10-12T00:00:00Z",
        )
    ],
}


async def report(small, lines, key):
    for (code, who), rows in lines.items():
        person = small.at(code, who) if code != HUB else small.lab(who)
        await report_lines(person, rows, key)


async def opt_out(small):
    officer = small.at("DE", "registry")
    await officer.post("/registry/optouts", OPTOUT.encode(), "text/csv")
    await small.silence()


async def settle(small, story, period):
    small.set_clock(first_instant_after(period))
    await story.settle(period)
    await small.silence()


async def correct(small, period, maker="settlement", checker="approver"):
    officer = small.at(HUB, maker)
    await officer.ask(OPEN, period=period)
    await small.silence()
    await soon(lambda: is_reported(small, period), what="the round's reports")
    await small.silence()
    done = await officer.ask(CALCULATE)
    await officer.ask(ADVISE)
    await small.at(HUB, checker).ask(APPROVE)
    await small.silence()
    return done["runs"]


async def is_reported(small, period):
    found = await small.at(HUB, "settlement").ask(
        "query($period: String!) { period(period: $period) { state } }", period=period
    )
    return found["state"] == "REPORTED"


async def in_force(small, period):
    """Return what a month comes to: the rules' own words on the document in force."""
    rows = await small.at(HUB, "auditor").rows(DOCUMENTS, period=period)
    text = next(row["document"] for row in rows if row["state"] == "APPROVED")
    document = decode(text.encode())
    return document.shares_by, document.classes, document.licences


async def publish_rates(small):
    await small.at(HUB, "settlement").post("/settlement/rates", RATES.encode(), "text/csv")


async def live(small, story, *, late):
    """Live two months; what is late comes after both are settled, or in time."""
    small.set_clock(datetime(2026, 9, 20, 12, tzinfo=UTC))
    await report(small, ON_TIME, "first")
    if not late:
        await report(small, LATE, "late")
        await opt_out(small)
    await settle(small, story, SEPTEMBER)
    await report(small, IN_OCTOBER, "october")
    await settle(small, story, OCTOBER)
    if late:
        small.set_clock(datetime(2026, 11, 10, tzinfo=UTC))
        await report(small, LATE, "late")
        await opt_out(small)
