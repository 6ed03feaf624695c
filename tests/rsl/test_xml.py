"""The XML of strangers: refused where it is hostile, and licences compared in one spelling."""

import pytest

from federation.rsl.member_terms import offer
from federation.rsl.reading import CONTENTS_MAX, read
from federation.rsl.writing import write_licence
from federation.rsl.xml import (
    BYTES_MAX,
    DEPTH_MAX,
    ELEMENTS_MAX,
    TEXT_MAX,
    BadTermsError,
    canonical,
    parse,
    parse_licence,
)

NS = 'xmlns="https://rslstandard.org/rsl"'
BOMB = (
    '<!DOCTYPE rsl [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    f"<rsl {NS}>&b;&b;&b;</rsl>"
)
FILE = f'<!DOCTYPE rsl [<!ENTITY x SYSTEM "file:///etc/passwd">]><rsl {NS}>&x;</rsl>'
HOSTILE = {
    "swelling entities": BOMB.encode(),
    "a file": FILE.encode(),
    "a type far away": f'<!DOCTYPE rsl SYSTEM "http://x.example/d"><rsl {NS}/>'.encode(),
    "hidden in UTF-16": BOMB.encode("utf-16"),
    "another encoding": b'<?xml version="1.0" encoding="utf-7"?><rsl/>',
    "said to be UTF-16": b'<?xml version="1.0" encoding="utf-16"?><rsl/>',
    "an entity of nobody": f"<rsl {NS}>&x;</rsl>".encode(),
    "a null byte": b"<rsl>\x00</rsl>",
    "not UTF-8": b"<rsl>\xff</rsl>",
    "too large": b"<rsl>" + b" " * BYTES_MAX + b"</rsl>",
    "too deep": b"<a>" * (DEPTH_MAX + 1) + b"</a>" * (DEPTH_MAX + 1),
    "far too deep": b"<a>" * 100_000,
    "too many": b"<rsl>" + b"<a/>" * ELEMENTS_MAX + b"</rsl>",
    "a long text": b"<rsl>" + b"x" * (TEXT_MAX + 1) + b"</rsl>",
    "a long attribute": b"<rsl a='" + b"x" * (TEXT_MAX + 1) + b"'/>",
    "two roots": b"<rsl/><rsl/>",
    "nothing": b"",
    "a prefix of nobody": b"<x:rsl/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused(name):
    with pytest.raises(BadTermsError):
        parse(HOSTILE[name])


def test_what_is_just_within_the_limits_is_read():
    assert parse(b"<a>" * DEPTH_MAX + b"</a>" * DEPTH_MAX).tag == "a"
    assert len(parse(b"<rsl>" + b"<a/>" * (ELEMENTS_MAX - 1) + b"</rsl>")) == ELEMENTS_MAX - 1
    assert parse(b"\xef\xbb\xbf <?xml version='1.0' encoding='UTF-8'?><a/>").tag == "a"


def test_a_document_has_so_many_contents_and_no_more():
    def of(count):
        return f"<rsl {NS}>".encode() + b'<content url="/"/>' * count + b"</rsl>"

    assert len(read(of(CONTENTS_MAX)).contents) == CONTENTS_MAX
    with pytest.raises(BadTermsError):
        read(of(CONTENTS_MAX + 1))


OURS = write_licence(offer(["ai-train", "ai-input"], "https://hub.example/buy"))
PREFIX = 'xmlns:r="https://rslstandard.org/rsl"'
SAME = {
    "as written": OURS,
    "without a namespace": OURS.replace(f" {NS}".encode(), b""),
    "with a prefix": (
        f'<r:license {PREFIX}><r:permits type="usage">ai-train ai-input</r:permits>'
        '<r:payment type="use"><r:standard>https://hub.example/buy</r:standard></r:payment>'
        "</r:license>"
    ).encode(),
    "indented": OURS.replace(b"><", b">\n   <").replace(b"ai-train ai", b"\n ai-train\t ai"),
    "other quotes, a comment, an unused prefix": OURS.replace(b'"usage"', b"'usage'")
    .replace(b"<payment", b"<!-- x --><payment")
    .replace(b"<license", b"<license xmlns:x='https://x.example'"),
    "escaped": OURS.replace(b"ai-train", b"&#97;i-train"),
    "declared": b"<?xml version='1.0'?>\n" + OURS,
}
OTHER = {
    "one usage less": OURS.replace(b" ai-input", b""),
    "the other order": OURS.replace(b"ai-train ai-input", b"ai-input ai-train"),
    "an older spelling": OURS.replace(b"ai-train", b"train-ai"),
    "a usage more": OURS.replace(b"ai-input", b"ai-input search"),
    "another licence": OURS.replace(b"/buy", b"/bought"),
    "another payment": OURS.replace(b'"use"', b'"free"'),
    "no payment": OURS[: OURS.index(b"<payment")] + b"</license>",
    "a fee": OURS.replace(b"</payment>", b'<amount currency="EUR">0</amount></payment>'),
    "an attribute": OURS.replace(b"<license", b'<license server="https://x.example"'),
    "another namespace": OURS.replace(b"/rsl", b"/rsl2"),
    "an element of others": OURS.replace(b"</license>", b'<x xmlns="https://x"/></license>'),
}


@pytest.mark.parametrize("name", SAME)
def test_licences_that_say_the_same_are_equal(name):
    assert canonical(parse_licence(SAME[name])) == canonical(parse_licence(OURS))


@pytest.mark.parametrize("name", OTHER)
def test_licences_that_say_something_else_are_not(name):
    try:
        found = canonical(parse_licence(OTHER[name]))
    except BadTermsError:
        assert name == "another namespace"
    else:
        assert found != canonical(parse_licence(OURS))
