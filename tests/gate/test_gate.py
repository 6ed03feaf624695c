"""Who passes, what is counted, and that a withheld work beats every licence."""

import asyncio
import json
import logging
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

import pytest

from federation.gate.events import Unit
from federation.gate.gate import Gate, Mode
from federation.gate.refusals import SpoolError
from federation.gate.visits import VisitCounts

LINK = '<https://pub.example/license.xml>; rel="license"; type="application/rsl+xml"'
BOT = [("User-Agent", "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)")]
HOUR = timedelta(hours=1)


async def test_people_pass_untouched(site):
    answer = await site.get(headers=[("User-Agent", "Mozilla/5.0 Firefox/140.0")])

    assert (answer.status_code, answer.content, dict(answer.headers)) == (200, b"A page.", {})
    assert site.events() == []


async def test_people_pass_without_any_policy(site):
    site.held = None

    assert (await site.get()).status_code == 200


async def test_another_authorization_scheme_is_the_sites_own_business(site):
    answer = await site.get(headers=[("Authorization", "Basic abc")])

    assert (answer.status_code, site.events()) == (200, [])


async def test_a_licensed_page_is_served_linked_and_counted(site):
    answer = await site.get("/news/a?page=2", token=site.token(), headers=BOT)

    assert (answer.status_code, answer.content, answer.headers["link"]) == (200, b"A page.", LINK)
    [event] = site.events()
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    assert len(fields.pop("event_id")) == 36
    assert fields == {
        "licence": "HUB-000001",
        "url": "https://pub.example/news/a?page=2",
        "use": "ai-input",
        "units": 1,
        "occurred_at": site.clock(),
        "token": "jti-1",
        "agent": BOT[0][1],
        "status": 200,
        "body_bytes": 7,
        "source": "site",
    }


async def test_a_line_of_usage_reads_as_the_settlement_rules_name_it(site):
    await site.get(token=site.token())

    line = site.spool.batches()[0].read()

    assert b'"occurred_at":"2026-11-20T12:00:00Z"' in line
    assert b'"bytes":7,"source":"site"}\n' in line


async def test_a_byte_tariff_counts_the_body(site):
    await site.get(token=site.token(), gate=site.make_gate(unit=Unit.BYTE))

    assert [event.units for event in site.events()] == [7]


async def test_the_alias_header_serves_as_well(site):
    answer = await site.get(headers=[("X-Collective-License", site.token())])

    assert (answer.status_code, len(site.events())) == (200, 1)


async def test_both_headers_with_the_same_token_are_one_token(site):
    token = site.token()

    answer = await site.get(token=token, headers=[("X-Collective-License", token)])

    assert (answer.status_code, len(site.events())) == (200, 1)


async def test_the_alias_may_stand_beside_the_sites_own_authorization(site):
    headers = [("Authorization", "Bearer shop"), ("X-Collective-License", site.token())]

    assert (await site.get(headers=headers)).status_code == 200


@pytest.mark.parametrize("issuer", ["https://node-xx.example", "https://node-yy.example"])
async def test_a_token_of_any_admitted_node_is_honoured(site, issuer):
    key = site.node_key if "xx" in issuer else site.other_key

    answer = await site.get(token=site.token(key=key, iss=issuer, license_id="YY-000001"))

    assert answer.status_code == 200
    assert [event.licence for event in site.events()] == ["YY-000001"]


async def test_a_declared_use_chooses_among_several(site):
    token = site.token(uses=["ai-input", "ai-train"])

    await site.get(token=token, headers=[("X-Licence-Use", "ai-train")])

    assert [event.use for event in site.events()] == ["ai-train"]


async def test_a_token_expired_59_seconds_ago_still_passes(site):
    now = int(site.clock().timestamp())

    answer = await site.get(token=site.token(iat=now - 600, exp=now - 59))

    assert answer.status_code == 200


async def test_a_default_port_and_capitals_in_the_audience_host_are_the_same_host(site):
    answer = await site.get(token=site.token(aud=["HTTPS://PUB.example:443/news/"]))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/robots.txt",
        "/license.xml",
        "/ai.txt",
        "/trust.txt",
        "/.well-known/tdmrep.json",
        "/.well-known/ai.txt",
        "/.well-known/rsl/terms.xml",
    ],
)
async def test_a_reservation_is_readable_before_anything_is_bought(site, path):
    site.held = None

    answer = await site.get(path, headers=BOT)

    assert (answer.status_code, site.visits, site.events()) == (200, [path], [])


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/../news/a",
        "/.well-known/%2e%2e/news/a",
        "/.well-known/",
        "/.well-known",
        "/.well-known/.hidden",
        "/.well-known//a",
        "/ai.txt/",
        "/ai.txt/news",
        "/news/ai.txt",
        "/AI.txt",
    ],
)
async def test_no_page_is_taken_for_a_reservation(site, path):
    scope = request_scope(unquote(path), raw_path=path.encode())

    status, _, body = await asked(site.gate, scope)

    assert (status, json.loads(body)["code"]) == (401, "LICENCE_REQUIRED")
    assert site.visits == []


async def test_the_terms_that_answers_point_to_are_readable(site):
    gate = site.make_gate(licence_xml="https://pub.example/legal/terms.xml")

    refused = await site.get(headers=BOT, gate=gate)
    terms = await site.get("/legal/terms.xml", headers=BOT, gate=gate)

    assert refused.headers["link"].startswith("<https://pub.example/legal/terms.xml>;")
    assert (terms.status_code, site.visits, site.events()) == (200, ["/legal/terms.xml"], [])


@pytest.mark.parametrize("status", [204, 302, 304, 404, 500])
async def test_only_a_success_counts(site, status):
    site.status = status

    answer = await site.get(token=site.token())

    assert (answer.status_code, site.events()) == (status, [])


OTHER_METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "TRACE", "PROPFIND", "get"]


@pytest.mark.parametrize("method", OTHER_METHODS)
@pytest.mark.parametrize("path", ["/news/a", "/robots.txt"])
@pytest.mark.parametrize("is_licensed", [True, False])
async def test_a_crawler_takes_nothing_by_another_method_than_get(site, method, path, is_licensed):
    token = site.token() if is_licensed else None
    scope = request_scope(path, token, method=method)

    status, headers, body = await asked(site.gate, scope)

    assert (status, headers[b"allow"]) == (405, b"GET, HEAD")
    assert json.loads(body)["code"] == "METHOD_NOT_ALLOWED"
    assert (site.visits, site.events()) == ([], [])


async def test_people_use_every_method(site):
    for method in ("POST", "PUT", "OPTIONS"):
        assert (await site.get(method=method)).status_code == 200


async def test_an_answer_to_head_brings_no_content_and_does_not_count(site):
    status, _, body = await asked(site.gate, request_scope("/news/a", site.token(), method="HEAD"))

    assert (status, body, site.visits, site.events()) == (200, b"", ["/news/a"], [])


def request_scope(path, token=None, *, method="GET", host="pub.example", headers=(), **changes):
    """A request of GPTBot as a server hands it on."""
    sent = [(b"user-agent", BOT[0][1].encode()), *headers]
    if host is not None:
        sent.append((b"host", host.encode()))
    if token:
        sent.append((b"authorization", f"License {token}".encode()))
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": sent,
    } | changes


async def asked(gate, scope):
    """Return status, headers and body of an answer, whatever the application sends with HEAD."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    await gate(scope, receive, send)
    return (
        sent[0]["status"],
        dict(sent[0]["headers"]),
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


async def test_an_answer_without_a_body_does_not_count(site):
    site.body = b""

    assert (await site.get(token=site.token())).status_code == 200
    assert site.events() == []


async def test_a_licensed_page_behind_a_failing_application_does_not_count(site):
    async def broken(_scope, _receive, _send):
        raise LookupError

    with pytest.raises(LookupError):
        await site.get(token=site.token(), gate=site.make_gate(broken))

    assert site.events() == []


async def test_whoever_signs_as_crawlers_do_is_one_whatever_it_calls_itself(site):
    signature = 'sig1=("@authority");created=1;keyid="k";tag="web-bot-auth"'
    headers = [("User-Agent", "Mozilla/5.0 Firefox/140.0"), ("Signature-Input", signature)]

    answer = await site.get(headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "LICENCE_REQUIRED")
    plain = signature.replace("web-bot-auth", "webhooks")
    assert (await site.get(headers=[headers[0], ("Signature-Input", plain)])).status_code == 200


TO_CACHES = [
    *("CDN-Cache-Control", "surrogate-control", "X-Accel-Expires", "Expires", "Pragma"),
    *("Edge-Control", "CF-Edge-Cache", "X-Reverse-Proxy-TTL"),
]


async def test_no_cache_keeps_what_a_crawler_is_answered(site):
    async def app(_scope, _receive, send):
        headers = [
            (b"cache-control", b"public, max-age=60"),
            *((name.encode(), b"max-age=60") for name in TO_CACHES),
            (b"vary", b"Accept, user-agent"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"A page."})

    gate = site.make_gate(app)
    varies = "Authorization, X-Collective-License, Signature, User-Agent"

    served = await site.get(token=site.token(), gate=gate)
    refused = await site.get(headers=BOT, gate=gate)
    person = await site.get(gate=gate)

    assert served.headers.get_list("cache-control") == ["private, no-store"]
    assert not {name.lower() for name in TO_CACHES} & served.headers.keys()
    assert [person.headers[name] for name in TO_CACHES] == ["max-age=60"] * len(TO_CACHES)
    assert served.headers.get_list("vary") == [f"Accept, {varies}"]
    assert (refused.headers["cache-control"], refused.headers["vary"]) == (
        "private, no-store",
        varies,
    )
    assert person.headers["cache-control"] == "public, max-age=60"


UNKNOWN_HOSTS = [
    "evil.example",
    "pub.example.",
    "pub.example:8080",
    "pub.example:80",
    "pub.example:0443",
    "user@pub.example",
    "pub.example, evil.example",
    "127.0.0.1",
    "a/b",
    "pub\u00ad.example",
    "",
]


@pytest.mark.parametrize("host", UNKNOWN_HOSTS)
@pytest.mark.parametrize("header", [b"host", b"x-forwarded-host", b"forwarded"])
async def test_a_page_has_no_address_under_another_host(site, host, header):
    site.set_policy(prefixes=["https://pub.example", f"http://{host}", f"https://{host}"])
    value = f'for=1.2.3.4;host="{host}"' if header == b"forwarded" else host
    token = site.token(
        aud=["https://pub.example/", "http://evil.example/", "http://pub.example:80/"]
    )
    scope = request_scope("/news/a", token, host=None)
    if header != b"host":
        scope["headers"].append((b"host", b"pub.example"))
    scope["headers"].append((header, value.encode()))

    status, _, body = await asked(site.gate, scope)

    assert (status, json.loads(body)["code"]) == (421, "UNKNOWN_HOST")
    assert (site.visits, site.events()) == ([], [])


@pytest.mark.parametrize("host", ["pub.example", "PUB.example", "pub.example:443"])
@pytest.mark.parametrize("forwarded", [[], [(b"x-forwarded-host", b"pub.example, Pub.Example")]])
async def test_a_page_is_counted_under_its_origin_however_its_host_is_written(
    site, host, forwarded
):
    scope = request_scope("/news/a", site.token(), host=host, headers=forwarded)

    status, _, _ = await asked(site.gate, scope)

    assert (status, [event.url for event in site.events()]) == (200, ["https://pub.example/news/a"])


AMBIGUOUS = {
    "no host": request_scope("/news/a", host=None),
    "two hosts": request_scope("/news/a", headers=[(b"host", b"pub.example")]),
    "an absolute target": request_scope("http://evil.example/news/a"),
    "an absolute target as sent": request_scope("/news/a", raw_path=b"http://evil.example/news/a"),
    "no path": request_scope("*"),
    "another path in a header": request_scope(
        "/news/a", headers=[(b"x-original-url", b"/news/secret")]
    ),
    "a rewritten path": request_scope("/news/a", headers=[(b"x-rewrite-url", b"/news/secret")]),
    "a path that a server takes from a header": request_scope(
        "/x/news/secret", headers=[(b"script_name", b"/x")]
    ),
    "a fragment, which some servers cut": request_scope("/news/secret#", raw_path=b"/news/secret#"),
    "a fragment in the query": request_scope("/news/secret", query_string=b"a#b"),
    "two of the site's names": request_scope(
        "/news/a", headers=[(b"x-forwarded-host", b"www.pub.example")]
    ),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
async def test_a_request_with_two_addresses_is_nobodys_to_choose_between(site, name):
    gate = site.make_gate(origins=["https://pub.example", "https://www.pub.example"])
    scope = AMBIGUOUS[name]
    licensed = (b"authorization", f"License {site.token()}".encode())

    status, _, body = await asked(gate, scope | {"headers": [*scope["headers"], licensed]})

    assert (status, json.loads(body)["code"]) == (400, "AMBIGUOUS_REQUEST")
    assert (site.visits, site.events()) == ([], [])


async def test_a_site_of_two_names_counts_each_page_under_the_one_asked_for(site):
    gate = site.make_gate(origins=["https://pub.example", "https://www.pub.example"])
    site.set_policy(
        prefixes=["https://pub.example", "https://www.pub.example"],
        optouts=[("www.pub.example/news/a", "*", site.clock())],
    )
    token = site.token(aud=["https://pub.example/", "https://www.pub.example/"])

    withheld = await asked(gate, request_scope("/news/a", token, host="www.pub.example"))
    served = await asked(gate, request_scope("/news/a", token))

    assert (withheld[0], json.loads(withheld[2])["code"]) == (403, "WITHHELD")
    assert (served[0], [event.url for event in site.events()]) == (
        200,
        ["https://pub.example/news/a"],
    )


@pytest.mark.parametrize("use", ["*", "ai-input"])
async def test_a_withheld_work_beats_a_valid_licence(site, use):
    site.set_policy(optouts=[("pub.example/news/a", use, site.clock())])

    answer = await site.get(token=site.token())

    assert (answer.status_code, answer.json()["code"]) == (403, "WITHHELD")
    assert (answer.headers["link"], site.visits, site.events()) == (LINK, [], [])


WITHHELD_SPELLINGS = [
    "/news/a b",
    "/news/%61%20b",
    "/news%2Fa%20b",
    "https://pub.example//news//a%20b",
    "/x/../news/a%20b",
    "/x/%2e%2e/news/a%20b",
    "/news/a%20b/deeper",
    "/news/a%20b?query",
]


@pytest.mark.parametrize("path", WITHHELD_SPELLINGS)
async def test_no_spelling_of_an_address_gets_around_an_opt_out(site, path):
    site.set_policy(optouts=[("*.example/news/a%20b", "*", site.clock())])

    answer = await site.get(path, token=site.token(aud=["https://pub.example"]))

    assert (answer.status_code, answer.json()["code"], site.visits) == (403, "WITHHELD", [])


async def test_an_opt_out_written_with_needless_escapes_holds(site):
    site.set_policy(optouts=[("pub.example/news/%61%21", "*", site.clock())])

    answer = await site.get("/news/a!", token=site.token())

    assert answer.json()["code"] == "WITHHELD"


@pytest.mark.parametrize(
    ("subject", "path", "status"),
    [
        ("pub.example/news/*", "/news/a", 403),
        ("*.example/*.pdf$", "/news/a.pdf", 403),
        ("*.example/*.pdf$", "/news/%61%2Epdf?page=1", 403),
        ("pub.example/*.pdf$", "/news/a.pdf.html", 200),
        ("pub.example/news/a$", "/news/a", 403),
        ("pub.example/news/a$", "/news/a/b", 200),
        ("pub.example/n*/a b", "/news/a%20bc", 403),
        ("pub.example/n*/a%2Ab$", "/news/a*b", 403),
        ("pub.example/n*/a%2Ab$", "/news/axb", 200),
        ("pub.example/news/a%2Ab", "/news/a%2ab", 403),
        ("pub.example/news/*%2Fb", "/news/a/b", 403),  # as an application reads the address
    ],
)
async def test_a_pattern_in_an_opt_out_withholds_what_it_matches(site, subject, path, status):
    site.set_policy(optouts=[(subject, "*", site.clock())])

    answer = await site.get(path, token=site.token(aud=["https://pub.example"]))

    assert answer.status_code == status
    assert len(site.visits) == (status == 200)


async def test_an_opt_out_for_another_use_another_place_or_a_later_time_does_not_hold(site):
    optouts = [
        ("pub.example/news/a", "ai-train", site.clock()),
        ("pub.example/news/ab", "*", site.clock()),
        ("pub.example/news/a", "*", site.clock() + HOUR),
    ]
    site.set_policy(optouts=optouts)

    assert (await site.get(token=site.token())).status_code == 200


async def test_a_member_who_withholds_everything_is_served_to_nobody(site):
    site.set_policy(reserved_all=True)

    answer = await site.get(token=site.token())

    assert (answer.json()["code"], site.visits) == ("WITHHELD", [])


async def test_without_a_policy_a_licensed_crawler_is_answered_503(site):
    site.held = None

    answer = await site.get(token=site.token())

    found = answer.status_code, answer.headers["www-authenticate"], answer.json()["buy_at"]
    assert found == (503, 'License error="server_error"', None)
    assert (site.visits, site.events()) == ([], [])


async def test_a_policy_serves_to_the_end_of_its_hour_and_not_a_second_longer(site):
    site.later(minutes=59, seconds=59)
    assert (await site.get(token=site.token())).status_code == 200

    site.later(seconds=1)
    answer = await site.get(token=site.token())

    assert (answer.status_code, answer.json()["code"]) == (503, "POLICY_UNAVAILABLE")
    assert len(site.visits) == len(site.events()) == 1


async def test_a_fresh_policy_with_a_stale_trust_document_refuses(site):
    old = site.trust(now=site.clock() - 2 * HOUR)
    site.set_policy(trust=old)

    assert (await site.get(token=site.token())).status_code == 503


async def test_a_full_spool_refuses_before_the_application_is_asked(site, tmp_path):
    spool = type(site.spool)(tmp_path / "small", bytes_max=10, fsync=False)

    answer = await site.get(token=site.token(), gate=site.make_gate(spool=spool))

    assert (answer.status_code, answer.json()["code"], site.visits) == (503, "SPOOL_FULL", [])


class BrokenSpool:
    fsync = True

    def check_room(self):
        pass

    def append(self, _event):
        raise SpoolError("no such device")


async def test_a_page_that_cannot_be_recorded_is_not_delivered(site):
    answer = await site.get(token=site.token(), gate=site.make_gate(spool=BrokenSpool()))

    assert (answer.status_code, answer.json()["code"]) == (503, "USAGE_NOT_RECORDED")
    assert b"A page." not in answer.content


def licensed_scope(site, **changes):
    headers = [(b"authorization", b"License " + site.token().encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/news/a",
        "headers": [*headers, (b"host", b"pub.example")],
    }
    return scope | changes


async def nothing():
    """Hear nothing: a client that listens to the end."""
    await asyncio.Event().wait()


async def test_the_event_is_on_disk_before_the_last_byte_leaves(site):
    recorded = []

    async def send(message):
        recorded.append((message.get("body"), len(list(site.spool.batches()))))

    async def streamed(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    await site.make_gate(streamed)(licensed_scope(site), nothing, send)

    assert recorded == [(None, 0), (b"one", 0), (b"two", 1)]
    assert [event.body_bytes for event in site.events()] == [6]


@pytest.mark.parametrize(
    "ending", [None, ConnectionResetError, asyncio.CancelledError, LookupError]
)
async def test_a_crawler_that_hangs_up_is_counted_for_what_it_took(site, ending):
    async def cut_short(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"most of it", "more_body": True})
        if ending:
            raise ending

    async def send(_message):
        pass

    with pytest.raises(ending) if ending else nullcontext():
        await site.make_gate(cut_short)(licensed_scope(site), nothing, send)

    assert [event.body_bytes for event in site.events()] == [10]


async def test_bodies_the_gate_cannot_see_are_not_offered_to_the_application(site):
    offered = []

    async def app(scope, _receive, _send):
        offered.extend(scope["extensions"])

    unseen = ("pathsend", "zerocopysend", "push", "early_hint")
    extensions = {f"http.response.{name}": {} for name in unseen}
    await site.make_gate(app)(licensed_scope(site, extensions=extensions), nothing, None)

    assert offered == ["http.response.early_hint"]


async def test_a_crawlers_websocket_is_closed(site):
    sent = []

    async def send(message):
        sent.append(message)

    await site.gate(licensed_scope(site, type="websocket"), nothing, send)

    assert (sent, site.visits) == ([{"type": "websocket.close", "code": 1008}], [])


async def test_an_overlong_path_is_not_looked_up(site):
    answer = await site.get("/news" + "/a" * 200, token=site.token())

    assert (answer.status_code, answer.json()["code"]) == (400, "AMBIGUOUS_REQUEST")


async def test_the_terms_link_is_taken_from_the_policy_when_it_names_one(site):
    site.set_policy(rsl="https://node-xx.example/rsl/M-17>\r\nX: y")

    answer = await site.get(headers=BOT)

    assert answer.headers["link"].startswith("<https://node-xx.example/rsl/M-17%3E%0D%0AX:%20y>;")


@pytest.mark.parametrize("origin", ["https://PUB.example/", "https://pub.example:443"])
async def test_an_origin_is_read_as_an_origin(site, origin):
    gate = site.make_gate(origins=[origin])

    assert (await site.get(token=site.token(), gate=gate)).headers["link"] == LINK


@pytest.mark.parametrize("origin", ["pub.example", "https://pub.example/news", "*", ""])
def test_a_gate_with_an_origin_that_is_none_does_not_start(site, origin):
    with pytest.raises(ValueError, match="origin"):
        site.make_gate(origins=[origin])


@pytest.mark.parametrize(
    "origins", [[], "https://pub.example", ["https://pub.example", "http://pub.example:443"]]
)
def test_a_gate_that_does_not_know_its_origins_does_not_start(site, origins):
    with pytest.raises(ValueError, match="origins"):
        site.make_gate(origins=origins)


async def test_an_application_that_shows_its_own_error_page_does_not_hide_a_lost_record(site):
    async def careful(scope, receive, send):
        try:
            await site.app(scope, receive, send)
        except SpoolError:
            await send({"type": "http.response.start", "status": 500})
            await send({"type": "http.response.body", "body": b"Sorry."})

    answer = await site.get(token=site.token(), gate=site.make_gate(careful, spool=BrokenSpool()))

    assert (answer.status_code, answer.content) == (500, b"Sorry.")


async def test_a_record_lost_in_mid_stream_breaks_the_answer_off(site):
    async def streamed(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    sent = []

    async def send(message):
        sent.append(message.get("body"))

    gate = site.make_gate(streamed, spool=BrokenSpool())
    with pytest.raises(SpoolError):
        await gate(licensed_scope(site), nothing, send)

    assert sent == [None, b"one"]


async def test_other_connections_pass_to_the_application(site):
    seen = []

    async def app(scope, _receive, _send):
        seen.append(scope["type"])

    gate = site.make_gate(app)
    await gate({"type": "lifespan"}, nothing, None)
    await gate({"type": "websocket", "path": "/", "headers": []}, nothing, None)

    assert seen == ["lifespan", "websocket"]


OBSERVED = {
    "no token": ({}, "licence_required"),
    "another method": ({"method": "POST"}, "method_not_allowed"),
    "a wrong token": ({"token": "a.b.c"}, "invalid_token"),
    "outside its prefixes": ({"path": "/sport"}, "insufficient_scope"),
}


@pytest.mark.parametrize("name", OBSERVED)
async def test_a_site_that_observes_serves_everybody_and_says_what_it_would_refuse(site, name):
    asked, reason = ({**OBSERVED[name][0]}, OBSERVED[name][1])
    if name == "outside its prefixes":
        asked["token"] = site.token()
    path = asked.pop("path", "/news/a")

    answer = await site.get(path, headers=BOT, gate=site.make_gate(mode=Mode.OBSERVE), **asked)

    assert (answer.status_code, answer.content, site.visits) == (200, b"A page.", [path])
    assert (answer.headers["x-rsl-status"], answer.headers["x-rsl-reason"]) == (
        "token_required",
        reason,
    )
    assert site.events() == []


async def test_a_site_that_observes_counts_what_is_licensed(site):
    answer = await site.get(token=site.token(), gate=site.make_gate(mode=Mode.OBSERVE))

    assert (answer.headers["link"], "x-rsl-status" in answer.headers) == (LINK, False)
    assert len(site.events()) == 1


async def test_a_site_that_observes_serves_as_well_what_it_cannot_record(site, monkeypatch):
    def full(_event):
        raise SpoolError("No space left on device")

    monkeypatch.setattr(site.spool, "append", full)
    answer = await site.get(token=site.token(), gate=site.make_gate(mode=Mode.OBSERVE))

    assert (answer.status_code, answer.content) == (200, b"A page.")


async def test_the_log_says_who_was_refused_where_and_never_from_where(site, caplog):
    caplog.set_level(logging.INFO, "federation.gate.gate")
    agent = [("User-Agent", "GPTBot/1.2 secret"), ("X-Forwarded-For", "203.0.113.9")]
    await site.get(f"/a%0a{'b' * 200}?q=1", headers=agent)

    [line] = [each.getMessage() for each in caplog.records]
    assert line == (
        f"GPTBot at /a%0a{'b' * 95} refused: LICENCE_REQUIRED: A licence token is needed here."
    )


def test_visits_that_cannot_be_kept_take_no_usage_along_at_the_end(site, tmp_path, caplog):
    place = tmp_path / "visits.json"
    place.mkdir()
    config = replace(site.gate.gate.config, visits=VisitCounts(place, site.clock))
    gate = Gate(config)
    config.visits.refused("GPTBot", "WITHHELD", let_through=False)
    config.spool.append(gate.event(gate.decide(site.licensed()), 200, 7))

    gate.close()

    assert [path.suffix for path in (config.spool._directory).glob("*-*")] == [".batch"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{place}: Is a directory: some visits are not counted"
    ]
