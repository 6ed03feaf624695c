"""A member at its node's pages: what it earned and why, who was refused, and how it says no."""

import re
from datetime import timedelta

import msgspec

from federation.papers.service import paper_of
from tests.console.node_pages import (  # noqa: F401 - fixtures too
    DASH,
    cells,
    http,
    late_past,
    opened_past,
    small,
    visitor,
)
from tests.federation.harness import PERIOD, send


def papers_rows(body):
    """Return the tables of a member's paper behind its lines, row by row."""
    rows = [row for table in paper_of(body).blocks[1:] for row in rows_of_table(table)]
    return [[text.replace(MINUS, "-") for text in row] for row in rows]


def rows_of_table(table):
    return [[table.title], *table.rows, *table.sums]


MINUS = "\N{MINUS SIGN}"
HOSTILE = "<script>alert(1)</script>"


async def test_a_member_reads_its_month_and_every_deduction_but_no_other_members(small, http):  # noqa: F811 - as above
    alice = await visitor(small, http, "member@fr-a", "member")
    month = await alice.see(f"/statement?period={PERIOD}")
    way = await alice.see(f"/statement/deductions?period={PERIOD}")
    others = await alice.see(f"/statement?period={PERIOD}&member=fr-b")
    used = await alice.see("/uses?url=news.example/fr/1")
    coming = await alice.see("/statement?period=2030-01")

    fetched = await alice.see(f"/statements/fr-a/{PERIOD}.json")
    pdf, foreign = [
        await alice.see(f"/statements/{member}/{PERIOD}.pdf") for member in ("fr-a", "fr-b")
    ]
    assert f'href="/statements/fr-a/{PERIOD}.pdf" download' in month.text
    assert papers_rows(fetched.text.encode()) == [
        ["From gross to net: all that came for members"],
        ["Gross", "141.29 EUR"],
        ["Clearing fee", "-4.24 EUR"],
        ["Net", "137.05 EUR"],
        ["From that to you"],
        ["From licences of other licensors", "137.05 EUR"],
        ["From licences of the own collective", "0.00 EUR"],
        ["Fee for administration", "-16.44 EUR"],
        ["For other members, or not shared out yet", "-37.38 EUR"],
        ["For you", "83.23 EUR"],
        ["Your month"],
        ["Left from before", "0.00 EUR"],
        ["Earned in this month", "83.23 EUR"],
        ["Adjusted for months before", "0.00 EUR"],
        ["Not payable yet", "0.00 EUR"],
        ["Payable to you", "83.23 EUR"],
    ]
    assert (pdf.text[:5], foreign.status, "NOT_ALLOWED" in foreign.text) == ("%PDF-", 403, True)
    assert (await alice.see("/statements/fr-a/2030-01.pdf")).status == 404
    assert cells(month) == [
        ["left from before", "0.00 EUR"],
        ["earned in this month", "83.23 EUR"],
        ["adjusted for months before", "0.00 EUR"],
        ["not payable yet", "0.00 EUR"],
        ["payable", "83.23 EUR"],
        ["From", "Licence", "Use", "Units", "Amount"],
        ["base part, the same for every member", DASH, DASH, "0", "16.08 EUR"],
        ["licences of other licensors", "HUB-000001", "TRAIN", "3,000", "67.15 EUR"],
        ["Address", "Licence", "Use", "Decided", "Lines", "Units"],
        ["news.example/fr/1", "HUB-000001", "TRAIN", "✓ counted", "1", "3,000"],
    ]
    assert cells(way)[:5] == [
        ["the collective got from other licensors", "137.05 EUR"],
        ["the collective&#39;s own licences", "0.00 EUR"],
        ["its fee for administration", f"{MINUS}16.44 EUR"],
        ["for other members, or not given out yet", f"{MINUS}37.38 EUR"],
        ["for this member", "83.23 EUR"],
    ]
    assert "is 12 per cent of what came" in way.words
    assert cells(others) == cells(month)
    assert cells(used)[1:] == [
        ["September 2026", "lab-one", "HUB-000001", "TRAIN", "✓ counted", "1", "3,000", "67.15 EUR"]
    ]
    assert "handed in 0 lines of usage for this month" in coming.words


async def test_a_member_sees_refused_crawlers_and_says_no_and_yes_again_by_form(small, http):  # noqa: F811 - as above
    now = small.clock()
    today = now.date().isoformat()
    counts = [
        {"day": today, "agent": HOSTILE, "outcome": "LICENCE_REQUIRED", "count": 7},
        {"day": today, "agent": "GPTBot", "outcome": "SERVED", "count": 2},
    ]
    report = {
        "series": "A" * 22,
        "kit": "federation-site 0.1.0",
        "mode": "enforce",
        "waiting": 1,
        "policy_at": (now - timedelta(seconds=20)).isoformat(),
        "counts": counts,
    }
    site = small.at("FR", "site@fr-a", "site")
    await send(small, "FR", "/visits", msgspec.json.encode(report), token=site._token())
    alice = await visitor(small, http, "member@fr-a", "member")
    crawlers, sites = await alice.see("/crawlers"), await alice.see("/sites")
    form = (await alice.see("/opt-outs")).form("record-opt-out")
    refused = await alice.send(form, subject="else.example/", use="TRAIN", reason=HOSTILE)
    kept = refused.form("record-opt-out")
    done = await alice.send(kept, subject="news.example/fr/private/")
    again = await alice.send(kept, subject="news.example/fr/private/")
    shown = await alice.see(done.location)
    [number] = re.findall(r'name="row" value="([^"]+)"', shown.text)
    waits = await alice.send(shown.form("end-opt-out", number), reason="open again")
    proposed = await alice.see(waits.location)
    work = (await alice.see("/consents")).form("withdraw-work")
    typed = {"subject": "work:W-1", "use": "TRAIN", "declaredBy": "Ann", "capacity": "MEMBER"}
    foreign = await alice.send(work, reason="her letter", **typed)

    shown_hostile = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert [
        [shown_hostile, "7"],
        ["10 Nov 2026", shown_hostile, "! refused: no licence shown LICENCE_REQUIRED", "7"],
        ["10 Nov 2026", "GPTBot", "✓ served and counted", "2"],
        ["10 Nov 2026", "2", "0"],
    ] == [row for row in cells(crawlers) if row[0] != "Day"]
    assert cells(sites)[1][1:4] == ["federation-site 0.1.0 refuses", "10 Nov 2026, 00:00 UTC", "1"]
    assert "site-code fr-a https://pub.example" in sites.words
    assert form.fields["subject"] == "member:fr-a"
    assert (refused.status, "NOT_ALLOWED" in refused.alert) == (403, True)
    assert (kept.fields["subject"], kept.fields["reason"]) == ("else.example/", HOSTILE)
    assert done.location == again.location == "/opt-outs?said=record-opt-out"
    assert cells(shown)[1:][0][:4] == [
        "news.example/fr/private/",
        "TRAIN",
        "10 Nov 2026, 00:00 UTC",
        DASH,
    ]
    assert waits.location == "/proposals?said=end-opt-out"
    assert "END_OPT_OUT · fr-a" in proposed.words
    assert "open again" in proposed.words
    assert (foreign.status, "NOT_ALLOWED" in foreign.alert) == (403, True)
    assert foreign.form("withdraw-work").fields["declaredBy"] == "Ann"
