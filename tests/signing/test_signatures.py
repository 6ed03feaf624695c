"""Signed requests: what a crawler signs is believed, and nothing that was changed afterwards."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.signing import signatures
from federation.signing.crawl_keys import CrawlKey, CrawlPublicKey
from federation.signing.fields import FIELD_CHARS_MAX, read_inputs, read_signatures
from federation.signing.signatures import (
    InvalidSignatureError,
    Proof,
    Reason,
    Request,
    UnsignableError,
    check_request,
    sign_request,
)
from tests.signing.conftest import NOON

VECTORS = json.loads(Path(__file__).with_name("vectors").joinpath("web_bot_auth.json").read_text())
URL = "https://pub.example/news/a?page=2"
TOKEN = {"Authorization": "License abc.def.ghi"}
KEY, OTHER = CrawlKey.generate(), CrawlKey.generate()
SECOND = int(NOON.timestamp())
COVERED = '"@authority" "@method" "@path" "@query" "authorization"'


def signed(key=KEY, *, url=URL, method="GET", headers=TOKEN, now=NOON, **options):
    """A request as it arrives, signed by the crawler's own function."""
    made = sign_request(key, method=method, url=url, headers=headers, now=now, **options)
    sent = {name.lower(): [value] for name, value in (headers | made).items()}
    return Request(method, *signatures._target(url), sent)


def by_hand(covered=COVERED, key=KEY, headers=None, values=None, **parameters):
    """A request signed over any text; a parameter of None is left out.

    `values` are those of components that are neither derived nor whole headers.
    """
    named = {
        "created": SECOND,
        "expires": SECOND + 60,
        "keyid": f'"{key.kid}"',
        "alg": '"ed25519"',
        "nonce": '"AAAAAAAAAAAAAAAAAAAAAA"',
        "tag": '"web-bot-auth"',
    } | parameters
    tail = "".join(f";{name}={value}" for name, value in named.items() if value is not None)
    plain = Request("GET", "pub.example", "/news/a", "?page=2", {})
    sent = {"authorization": [TOKEN["Authorization"]]} | (headers or {})
    known = {
        '"@authority"': plain.authority,
        '"@method"': plain.method,
        '"@path"': plain.path,
        '"@query"': plain.query,
        **{f'"{name}"': ", ".join(lines) for name, lines in sent.items()},
        **(values or {}),
    }
    items = re.findall(r'"[^"]*"(?:;key="[^"]*")?', covered)
    text = f"({covered}){tail}"
    lines = [f"{item}: {known.get(item, '?')}" for item in items]
    lines.append(f'"@signature-params": {text}')
    signature = base64.b64encode(key.sign("\n".join(lines).encode())).decode()
    mine = {"signature-input": [f"sig1={text}"], "signature": [f"sig1=:{signature}:"]}
    return plain._replace(headers=sent | mine)


def check(request, *, key=KEY, carriers=("authorization",), now=NOON):
    return check_request(request, key=key.public, carriers=carriers, now=now)


def refused(request, **options):
    with pytest.raises(InvalidSignatureError) as caught:
        check(request, **options)
    return caught.value.reason


def with_headers(request, **changes):
    headers = {name.replace("_", "-"): value for name, value in changes.items()}
    kept = {name: value for name, value in (request.headers | headers).items() if value is not None}
    return request._replace(headers=kept)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_published_signatures_of_web_bot_auth_verify(vector):
    """Signature base and primitive, on vectors of others; they cover too little to be served."""
    headers = {
        "signature-input": [vector["signature_input"]],
        "signature": [vector["signature"]],
        "signature-agent": [vector.get("signature_agent", "")],
    }
    request = Request("GET", *signatures._target(vector["target_url"]), headers)
    public = {name: vector["key"][name] for name in ("kty", "crv", "x")}
    key = CrawlPublicKey.from_jwk(public)
    [signed] = read_inputs(headers["signature-input"]).values()
    [signature] = read_signatures(headers["signature"]).values()

    assert signed.parameters["keyid"] == f'"{key.kid}"'
    assert key.check(signature, signatures._base(request, signed))
    assert not key.check(signature, signatures._base(request._replace(authority="x"), signed))


def test_our_own_key_makes_the_published_signature():
    """Ed25519 is deterministic: the private key of a vector signs its base to the same bytes."""
    vector = VECTORS[0]
    key = CrawlKey.from_jwk(vector["key"])
    [signed] = read_inputs([vector["signature_input"]]).values()
    base = signatures._base(Request("GET", *signatures._target(vector["target_url"]), {}), signed)

    assert read_signatures([vector["signature"]]) == {"sig1": key.sign(base)}


def test_a_signed_request_is_believed_and_says_its_nonce():
    request = signed()

    proof = check(request)

    nonce = re.search('nonce="([^"]*)"', request.headers["signature-input"][0])[1]
    assert proof == Proof(KEY.kid, nonce, SECOND + 60)
    assert (len(base64.b64decode(nonce)), proof.forgotten_at) == (32, SECOND + 120)


def test_every_request_has_a_nonce_of_its_own():
    assert check(signed()).nonce != check(signed()).nonce


def test_what_is_sent_is_what_the_profile_says():
    made = sign_request(
        KEY, method="GET", url=URL, headers=TOKEN, now=NOON, agent="https://lab.example"
    )

    text = re.sub('nonce="[^"]*"', 'nonce=""', made.pop("Signature-Input"))
    assert text == (
        f'sig1=({COVERED} "signature-agent";key="sig1");created={SECOND};expires={SECOND + 60}'
        f';keyid="{KEY.kid}";alg="ed25519";nonce="";tag="web-bot-auth"'
    )
    assert made.pop("Signature-Agent") == 'sig1="https://lab.example"'
    assert re.fullmatch("sig1=:[A-Za-z0-9+/]{86}==:", made.pop("Signature"))
    assert made == {}


ACCEPTED = {
    "a bare address": (signed(url="https://pub.example"), ["authorization"]),
    "a port": (signed(url="https://pub.example:8443/"), ["authorization"]),
    "HEAD": (signed(method="HEAD"), ["authorization"]),
    "an agent": (signed(agent="https://lab.example"), ["authorization"]),
    "the alias": (
        signed(headers={"X-Collective-License": "abc"}, carrier="x-collective-license"),
        ["x-collective-license"],
    ),
    "an agent as one string, as of old": (
        signed(headers=TOKEN | {"Signature-Agent": '"https://lab.example"'}),
        ["authorization"],
    ),
    "one more header": (
        by_hand(f'{COVERED} "user-agent"', headers={"user-agent": ["LabBot"]}),
        ["authorization"],
    ),
    "components in another order": (
        by_hand('"authorization" "@query" "@path" "@method" "@authority"'),
        ["authorization"],
    ),
    "no alg": (by_hand(alg=None), ["authorization"]),
    "a nonce of base64url": (by_hand(nonce='"A-_0000000000000000000"'), ["authorization"]),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_profile_allows_is_accepted(name):
    request, carriers = ACCEPTED[name]

    assert check(request, carriers=carriers).keyid == KEY.kid


@pytest.mark.parametrize("apart", [True, False])
def test_a_signature_for_another_purpose_may_stand_beside(apart):
    request = signed()
    inputs = [*request.headers["signature-input"], 'p1=("@status";req);created=1;tag="proxy"']
    made = [*request.headers["signature"], "p1=:AAAA:"]
    if not apart:
        inputs, made = [" , ".join(reversed(inputs))], [",".join(made)]

    assert check(with_headers(request, signature_input=inputs, signature=made)).keyid == KEY.kid


CHANGED = {
    "method": {"method": "HEAD"},
    "method in lower case": {"method": "get"},
    "authority": {"authority": "evil.example"},
    "port": {"authority": "pub.example:8443"},
    "path": {"path": "/news/b"},
    "an escape in the path": {"path": "/news/%61"},
    "query": {"query": "?page=3"},
    "no query": {"query": "?"},
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_signature_for_another_request_is_refused(name):
    assert refused(signed()._replace(**CHANGED[name])) is Reason.SIGNATURE


@pytest.mark.parametrize(("said", "is_taken"), [("?", True), ("", True), ("?a", False)])
def test_an_absent_query_is_a_question_mark_or_as_web_bot_auth_has_it_nothing(said, is_taken):
    request = by_hand(values={'"@query"': said})

    if is_taken:
        assert check(request._replace(query="?")).keyid == KEY.kid
    else:
        assert refused(request._replace(query="?")) is Reason.SIGNATURE
    assert refused(request) is Reason.SIGNATURE  # its query is ?page=2


def test_a_signature_under_another_token_is_refused():
    request = with_headers(signed(), authorization=["License abc.def.gho"])

    assert refused(request) is Reason.SIGNATURE


def test_a_signature_of_another_key_is_refused():
    assert refused(signed(OTHER)) is Reason.KEY
    assert refused(by_hand(key=OTHER, keyid=f'"{KEY.kid}"')) is Reason.SIGNATURE


LIVES = [
    ((0, 60), 0, None),
    ((0, 1), 0, None),
    ((0, 61), 0, Reason.TIME),
    ((0, 0), 0, Reason.TIME),
    ((5, 4), 0, Reason.TIME),
    ((0, 60), 119, None),
    ((0, 60), 119.9, None),
    ((0, 60), 120, Reason.EXPIRED),
    ((0, 30), 90, Reason.EXPIRED),
    ((60, 120), 0, None),
    ((61, 120), 0, Reason.TIME),
    ((60, 120), -0.1, Reason.TIME),
]


@pytest.mark.parametrize(("life", "later", "reason"), LIVES)
def test_a_signature_lives_a_minute_and_clocks_may_differ_by_one(life, later, reason):
    created, expires = (SECOND + second for second in life)
    request, now = by_hand(created=created, expires=expires), NOON + timedelta(seconds=later)

    if reason is None:
        assert check(request, now=now).expires == expires
    else:
        assert refused(request, now=now) is reason


PARAMETERS = {
    "no created": ({"created": None}, Reason.PARAMETERS),
    "no expires": ({"expires": None}, Reason.PARAMETERS),
    "no keyid": ({"keyid": None}, Reason.PARAMETERS),
    "no nonce": ({"nonce": None}, Reason.PARAMETERS),
    "no tag": ({"tag": None}, Reason.LABEL),
    "another tag": ({"tag": '"web-bot-auth-2"'}, Reason.LABEL),
    "the tag a token": ({"tag": "web-bot-auth"}, Reason.LABEL),
    "an unknown parameter": ({"purpose": '"crawl"'}, Reason.PARAMETERS),
    "another alg": ({"alg": '"hmac-sha256"'}, Reason.ALGORITHM),
    "alg a token": ({"alg": "ed25519"}, Reason.ALGORITHM),
    "alg in capitals": ({"alg": '"Ed25519"'}, Reason.ALGORITHM),
    "an empty nonce": ({"nonce": '""'}, Reason.NONCE),
    "a nonce of 126 bits": ({"nonce": f'"{"A" * 21}"'}, Reason.NONCE),
    "a nonce too long": ({"nonce": f'"{"A" * 129}"'}, Reason.NONCE),
    "a nonce with spaces": ({"nonce": f'"{"A " * 20}"'}, Reason.NONCE),
    "a nonce that is bytes": ({"nonce": f":{'A' * 24}:"}, Reason.NONCE),
    "keyid without its end": ({"keyid": f'"{KEY.kid[:-1]}"'}, Reason.KEY),
    "keyid empty": ({"keyid": '""'}, Reason.KEY),
    "created negative": ({"created": -1}, Reason.TIME),
    "created a text": ({"created": f'"{SECOND}"'}, Reason.TIME),
    "created true": ({"created": "?1"}, Reason.TIME),
    "created a fraction": ({"created": f"{SECOND}.0"}, Reason.MALFORMED),
    "created with a zero before": ({"created": f"0{SECOND}"}, Reason.MALFORMED),
    "created of 16 digits": ({"created": "1" * 16}, Reason.MALFORMED),
    "expires of 15 digits": ({"expires": "9" * 15}, Reason.TIME),
    "an escape": ({"nonce": r'"AAAAAAAAAAAAAAAAAAAA\"AA"'}, Reason.MALFORMED),
    "not ASCII": ({"nonce": '"AAAAAAAAAAAAAAAAAAAAAAé"'}, Reason.MALFORMED),
    "a quote that does not end": ({"tag": '"web-bot-auth'}, Reason.MALFORMED),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_exactly_those_of_the_profile(name):
    changes, reason = PARAMETERS[name]

    assert refused(by_hand(**changes)) is reason


COMPONENTS = {
    "none": ("", Reason.COMPONENTS),
    "the authority alone": ('"@authority"', Reason.COMPONENTS),
    "no authority": ('"@method" "@path" "@query" "authorization"', Reason.COMPONENTS),
    "no method": ('"@authority" "@path" "@query" "authorization"', Reason.COMPONENTS),
    "no path": ('"@authority" "@method" "@query" "authorization"', Reason.COMPONENTS),
    "no query": ('"@authority" "@method" "@path" "authorization"', Reason.COMPONENTS),
    "no token": ('"@authority" "@method" "@path" "@query"', Reason.COMPONENTS),
    "one twice": (f'{COVERED} "@path"', Reason.COMPONENTS),
    "an unknown derived one": (f'{COVERED} "@target-uri"', Reason.COMPONENTS),
    "one of an answer": (f'{COVERED} "@status"', Reason.COMPONENTS),
    "the parameters themselves": (f'{COVERED} "@signature-params"', Reason.COMPONENTS),
    "a query parameter": (f'{COVERED} "@query-param";name="page"', Reason.COMPONENTS),
    "a header that is not there": (f'{COVERED} "date"', Reason.COMPONENTS),
    "a header in capitals": (f'{COVERED} "Authorization"', Reason.COMPONENTS),
    "a header with a space": (f'{COVERED} "author ization"', Reason.COMPONENTS),
    "an empty name": (f'{COVERED} ""', Reason.COMPONENTS),
    "the token of the request": (
        COVERED.replace('"authorization"', '"authorization";req'),
        Reason.COMPONENTS,
    ),
    "the path of the request": (COVERED.replace('"@path"', '"@path";req'), Reason.COMPONENTS),
    "the path with a key": (f'{COVERED} "@path";key="a"', Reason.COMPONENTS),
    "a member of another header": (f'{COVERED} "authorization";key="a"', Reason.COMPONENTS),
    "the bytes of a header": (f'{COVERED} "authorization";bs', Reason.COMPONENTS),
    "no agent": (f'{COVERED} "signature-agent"', Reason.COMPONENTS),
    "a name without quotes": (f"{COVERED} date", Reason.MALFORMED),
    "two spaces": (f'{COVERED}  "date"', Reason.MALFORMED),
    "a space at the end": (f"{COVERED} ", Reason.MALFORMED),
    "no space": (f'{COVERED}"date"', Reason.MALFORMED),
    "an inner list": (f'{COVERED} ("date")', Reason.MALFORMED),
    "33 of them": (" ".join(f'"x{number}"' for number in range(33)), Reason.MALFORMED),
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_what_is_covered_is_all_that_is_asked_for_and_known(name):
    covered, reason = COMPONENTS[name]

    assert refused(by_hand(covered)) is reason


def test_every_header_that_carries_the_token_is_covered():
    headers = TOKEN | {"X-Collective-License": "abc.def.ghi"}
    request = signed(headers=headers)

    assert refused(request, carriers=["authorization", "x-collective-license"]) is Reason.COMPONENTS
    assert refused(request, carriers=["x-collective-license"]) is Reason.COMPONENTS
    assert refused(request, carriers=[]) is Reason.COMPONENTS


AGENT = f'{COVERED} "signature-agent";key="a"'
AGENTS = {
    "sent and not covered": (COVERED, 'a="https://lab.example"', Reason.COMPONENTS),
    "another member covered": (AGENT, 'b="https://lab.example"', Reason.COMPONENTS),
    "a member of a string": (AGENT, '"https://lab.example"', Reason.COMPONENTS),
    "a member twice": (AGENT, 'a="https://x.example", a="https://y.example"', Reason.MALFORMED),
    "a member that is a token": (AGENT, "a=https", Reason.MALFORMED),
    "a member with an escape": (AGENT, r'a="https://\"x.example"', Reason.MALFORMED),
    "five members": (AGENT, ", ".join(f'{name}="https://x"' for name in "abcde"), Reason.MALFORMED),
    "nothing": (AGENT, "", Reason.MALFORMED),
    "not ASCII": (f'{COVERED} "signature-agent"', '"https://é.example"', Reason.COMPONENTS),
    "two parameters": (f'{AGENT};key="a"', 'a="https://lab.example"', Reason.COMPONENTS),
    "more than 4 KB": (AGENT, f'a="{"x" * FIELD_CHARS_MAX}"', Reason.MALFORMED),
}


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_that_is_sent_is_covered_as_it_is_named(name):
    covered, agent, reason = AGENTS[name]

    assert refused(by_hand(covered, headers={"signature-agent": [agent]})) is reason


def test_an_agent_that_was_swapped_is_refused():
    request = signed(agent="https://lab.example")

    swapped = with_headers(request, signature_agent=['sig1="https://evil.example"'])

    assert refused(swapped) is Reason.SIGNATURE


def test_an_agent_may_say_how_its_keys_are_found():
    member = '"https://lab.example/jwks.json";type=jwks_uri'
    sent = {"signature-agent": [f'sig1="https://other.example", a={member}']}
    request = by_hand(AGENT, headers=sent, values={'"signature-agent";key="a"': member})

    assert check(request).keyid == KEY.kid


INPUT = signed().headers["signature-input"][0]
SIGNATURE = signed().headers["signature"][0]
FIELDS = {
    "no signature": ({"signature": None}, Reason.MISSING),
    "no input": ({"signature_input": None}, Reason.MISSING),
    "an empty list": ({"signature": []}, Reason.MISSING),
    "an empty signature": ({"signature": [""]}, Reason.MALFORMED),
    "an empty input": ({"signature_input": [""]}, Reason.MALFORMED),
    "another label": ({"signature": [SIGNATURE.replace("sig1", "sig2")]}, Reason.LABEL),
    "two tagged": (
        {"signature_input": [INPUT, INPUT.replace("sig1", "sig2")]},
        Reason.LABEL,
    ),
    "a label twice": ({"signature_input": [INPUT, INPUT]}, Reason.MALFORMED),
    "a signature twice": ({"signature": [SIGNATURE, SIGNATURE]}, Reason.MALFORMED),
    "five labels": (
        {"signature_input": [INPUT, *(f'p{number}=("date")' for number in range(4))]},
        Reason.MALFORMED,
    ),
    "a label in capitals": ({"signature_input": [INPUT.replace("sig1", "Sig1")]}, Reason.MALFORMED),
    "no label": ({"signature_input": [INPUT.removeprefix("sig1=")]}, Reason.MALFORMED),
    "a comma at the end": ({"signature_input": [INPUT + ","]}, Reason.MALFORMED),
    "a comma before": ({"signature_input": ["," + INPUT]}, Reason.MALFORMED),
    "no comma": ({"signature_input": [f'{INPUT} p=("date")']}, Reason.MALFORMED),
    "a line end": ({"signature_input": [INPUT + "\n"]}, Reason.MALFORMED),
    "a parameter twice": ({"signature_input": [INPUT + ";created=1"]}, Reason.MALFORMED),
    "a space before a parameter": (
        {"signature_input": [INPUT.replace(";tag", "; tag")]},
        Reason.MALFORMED,
    ),
    "a parameter without a value": ({"signature_input": [INPUT + ";x="]}, Reason.MALFORMED),
    "17 parameters": (
        {"signature_input": [INPUT + "".join(f";x{number}" for number in range(11))]},
        Reason.MALFORMED,
    ),
    "more than 4 KB": (
        {"signature_input": [f'{INPUT}, p=("{"x" * FIELD_CHARS_MAX}")']},
        Reason.MALFORMED,
    ),
    "more than 4 KB in parts": (
        {"signature_input": [INPUT, *(f'p{n}=("{"x" * 2000}")' for n in range(2))]},
        Reason.MALFORMED,
    ),
    "a signature of more than 4 KB": (
        {"signature": [f"sig1=:{'A' * FIELD_CHARS_MAX}:"]},
        Reason.MALFORMED,
    ),
    "a signature of 63 bytes": (
        {"signature": [f"sig1=:{base64.b64encode(bytes(63)).decode()}:"]},
        Reason.SIGNATURE,
    ),
    "a signature of 65 bytes": (
        {"signature": [f"sig1=:{base64.b64encode(bytes(65)).decode()}:"]},
        Reason.SIGNATURE,
    ),
    "a signature without padding": (
        {"signature": [SIGNATURE.replace("==:", ":")]},
        Reason.MALFORMED,
    ),
    "a signature with stray bits": ({"signature": [f"sig1=:{'A' * 85}B==:"]}, Reason.MALFORMED),
    "a signature in base64url": ({"signature": [f"sig1=:{'_' * 86}==:"]}, Reason.MALFORMED),
    "a signature that is a text": ({"signature": [f'sig1="{"A" * 86}=="']}, Reason.MALFORMED),
    "a signature with a parameter": ({"signature": [SIGNATURE + ";a=1"]}, Reason.MALFORMED),
    "not ASCII": ({"signature_input": [INPUT.replace("sig1", "sïg1")]}, Reason.MALFORMED),
    "words": ({"signature_input": ["opensesame"]}, Reason.MALFORMED),
    "an item, not a list": ({"signature_input": ['sig1="@authority"']}, Reason.MALFORMED),
    "a list that does not end": ({"signature_input": ["sig1=(" + '"a" ' * 900]}, Reason.MALFORMED),
}


@pytest.mark.parametrize("name", FIELDS)
def test_fields_are_read_in_their_one_spelling_or_not_at_all(name):
    changes, reason = FIELDS[name]

    assert refused(with_headers(signed(), **changes)) is reason


def test_the_caller_learns_no_reason_and_the_log_does():
    with pytest.raises(InvalidSignatureError) as caught:
        check(by_hand(nonce='""'))

    assert str(caught.value) == "nonce: not 22 to 128 characters of base64"
    assert caught.value.message == (
        "The request is not signed with the key that its licence token is bound to."
    )


UNSIGNABLE = {
    "a relative address": {"url": "/news/a"},
    "user info": {"url": "https://lab@pub.example/"},
    "dot segments": {"url": "https://pub.example/a/../b"},
    "a space": {"url": "https://pub.example/a b"},
    "not ASCII": {"url": "https://pub.example/é"},
    "no token": {"headers": {}},
    "a token elsewhere": {"carrier": "x-collective-license"},
    "a token that is not ASCII": {"headers": {"Authorization": "License é"}},
    "a line end in the token": {"headers": {"Authorization": "License a\nb"}},
    "a line end in the method": {"method": "GET\n"},
    "61 seconds": {"seconds": 61},
    "no second": {"seconds": 0},
    "an agent without https": {"agent": "http://lab.example"},
    "an agent with a quote": {"agent": 'https://lab.example"'},
}


@pytest.mark.parametrize("name", UNSIGNABLE)
def test_what_no_site_would_believe_is_not_signed(name):
    with pytest.raises(UnsignableError):
        signed(**UNSIGNABLE[name])


REQUEST = signed(agent="https://lab.example")
PLACES = [
    *[("field", name) for name in ("authorization", "signature-agent")],
    *[("field", name) for name in ("signature", "signature-input")],
    *[("part", name) for name in ("method", "authority", "path", "query")],
]


@settings(deadline=None, max_examples=400)
@given(
    place=st.sampled_from(PLACES), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_a_request_with_any_bit_flipped_is_refused(place, where, bit):
    kind, name = place
    text = REQUEST.headers[name][0] if kind == "field" else getattr(REQUEST, name)
    flipped = bytearray(text, "ascii")
    flipped[int(where * len(flipped))] ^= 1 << bit
    changed = flipped.decode("latin-1")
    if kind == "field":
        request = with_headers(REQUEST, **{name: [changed]})
    else:
        request = REQUEST._replace(**{name: changed})

    with pytest.raises(InvalidSignatureError):
        check(request)


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=3), st.lists(st.text(max_size=60), max_size=3))
def test_no_text_in_the_fields_is_a_defect(inputs, made):
    with pytest.raises(InvalidSignatureError):
        check(with_headers(signed(), signature_input=inputs, signature=made))


SPELLED = st.text('sig1=("@authority" );created,tag:?*\\\t', max_size=80)


@settings(deadline=None)
@given(SPELLED)
def test_no_text_of_the_fields_own_marks_is_a_defect(text):
    with pytest.raises(InvalidSignatureError):
        check(with_headers(signed(), signature_input=[text]))
