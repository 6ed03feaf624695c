"""What the doctor advises, of answers that are not what they should be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from federation.access.wire import Answer
from federation.gate.gate import Mode
from federation.publisher.doctor import Finding, _node, _not_refused, _site
from federation.site.site_config import SiteConfig

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SITE = SiteConfig(
    node="https://node-xx.example",
    member_id="M-17",
    node_jwks=[],
    hub_jwks=[],
    directory=Path("nowhere"),
    origins=["https://pub.example"],
    node_token="a token",
    mode=Mode.OBSERVE,
    clock=lambda: NOW,
)


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b'{"code": "GATE_DOWN"}', "nginx reaches no endpoint"),
        (b'{"code": "POLICY_UNAVAILABLE"}', "401 is due"),
        (b"<html>", "401 is due"),
    ],
)
def test_a_crawler_that_is_not_refused_has_its_reason(body, advice):
    assert _not_refused(Answer(503, {}, body)).startswith(advice)


@pytest.mark.parametrize(
    ("status", "found", "advice"),
    [
        ("token_required", "a crawler is answered 200 (observe: nobody is refused)", ""),
        (
            "",
            "a crawler is answered 200 (observe: nobody is refused)",
            "no gate marks the answer: is it installed?",
        ),
    ],
)
def test_a_site_that_observes_is_told_from_one_without_a_gate(status, found, advice):
    site = replace(SITE, fetch=lambda _: Answer(200, {"x-rsl-status": status}, b"A page."))

    crawler, _ = _site(site, "https://pub.example")

    assert crawler == Finding("https://pub.example", found, advice)


@pytest.mark.parametrize(
    ("seconds", "found", "advice"),
    [
        (0, "within 2 s of the node's", ""),
        (2, "within 2 s of the node's", ""),
        (60, "60 s from the node's", ""),
        (61, "61 s from the node's", "set this machine's clock (NTP)"),
    ],
)
def test_a_clock_is_as_good_as_a_header_tells(seconds, found, advice):
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    site = replace(SITE, fetch=lambda _: Answer(200, {"date": date}, b""))

    assert [*_node(site)][1] == Finding("clock", found, advice)
