"""Let the npm package `web-bot-auth` judge signed requests: it signs and we check, and vice versa.

Each request that the other signed has to be taken, and each that was changed afterwards refused, by
both. What the package does not do as RFC 9421 says stays out: it reads no member of a dictionary
(`"signature-agent";key="…"`), and an absent query is an empty text to it, not `?`. As it signs that
it is taken all the same; as we sign it, it does not take it.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from federation.clock import system_clock
from federation.signing.crawl_keys import CrawlKey
from federation.signing.signatures import (
    InvalidSignatureError,
    Request,
    check_request,
    sign_request,
)

HERE = Path(__file__).parent
HOST = "pub.example"
TOKEN = "License abc.def.ghi"  # noqa: S105 - a signature covers it whatever it says
COVERED = ["@authority", "@method", "@path", "@query"]
# The published test key of RFC 9421, appendix B.1.4.
JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs",
    "d": "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU",
}
KEY = CrawlKey.from_jwk(JWK)
PUBLIC = KEY.public.public_jwk()
CARRIERS = {"authorization": TOKEN, "x-collective-license": "abc.def.ghi"}
AGENT = {"Signature-Agent": '"https://crawler.example"'}
PLACES = ["/news/a?page=2", "/?q=%20+a&b=1", "/a%2Fb/c?x"]
WITHOUT_QUERY = ["/news/a", "/"]
METHODS = ["GET", "HEAD"]


class Counts(NamedTuple):
    """How many requests were taken, as they were signed and after something was changed."""

    taken: int
    wrong: int


class Judge:
    """The package, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, **asked: Any) -> Any:
        """Return what it answers to one line."""
        given, told = self._process.stdin, self._process.stdout
        assert given is not None  # noqa: S101 - both are pipes
        assert told is not None  # noqa: S101
        given.write(json.dumps(asked) + "\n")
        given.flush()
        return json.loads(told.readline())


@contextmanager
def judge() -> Iterator[Judge]:
    """Start it, and stop it again."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        ["node", "signatures.mjs"], cwd=HERE, stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield Judge(process)
        process.communicate()


def requests(places: Iterable[str]) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield every request: method, place, the header that carries the token, all headers."""
    for method in METHODS:
        for place in places:
            for carrier, value in CARRIERS.items():
                for extra in ({}, AGENT):
                    yield method, place, carrier, {carrier: value} | extra


def takes(method: str, place: str, carrier: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a site takes a request."""
    path, _, query = place.partition("?")
    sent = {name.lower(): [value] for name, value in headers.items()}
    request = Request(method, HOST, path, f"?{query}", sent)
    try:
        check_request(request, key=KEY.public, carriers=[carrier], now=system_clock())
    except InvalidSignatureError:
        return False
    return True


def changes(
    method: str, place: str, carrier: str, headers: dict[str, str]
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield a signed request with one thing changed: method, path, query or token."""
    yield "PUT", place, headers
    yield method, "/x" + place, headers
    yield method, place + "1", headers
    yield method, place, headers | {carrier: headers[carrier] + "j"}


def theirs(other: Judge, method: str, place: str, carrier: str, headers: dict[str, str]) -> Counts:
    """Let the package sign; say whether that is taken, and how often what was changed."""
    components = [*COVERED, carrier, *(name.lower() for name in headers if name in AGENT)]
    what = {"method": method, "url": f"https://{HOST}{place}", "headers": headers}
    sent = headers | other.ask(act="sign", key=JWK, components=components, **what)
    changed = changes(method, place, carrier, sent)
    return Counts(
        takes(method, place, carrier, sent),
        sum(takes(one, where, carrier, what) for one, where, what in changed),
    )


def ours(other: Judge, method: str, place: str, carrier: str, headers: dict[str, str]) -> Counts:
    """Sign as a crawler does; say whether the package verifies it, and changed requests."""
    url, now = f"https://{HOST}{place}", system_clock()
    sent = headers | sign_request(
        KEY, method=method, url=url, headers=headers, now=now, carrier=carrier
    )

    def verified(method: str, place: str, headers: dict[str, str]) -> bool:
        asked = {"method": method, "url": f"https://{HOST}{place}", "headers": headers}
        return bool(other.ask(act="verify", key=PUBLIC, **asked)["valid"])

    changed = changes(method, place, carrier, sent)
    return Counts(verified(method, place, sent), sum(verified(*one) for one in changed))


def main() -> int:
    """Judge both ways; answer 1 unless all that was signed is taken and all changed refused."""
    is_passed = True
    for name, way, places in (
        ("signed by the package", theirs, [*PLACES, *WITHOUT_QUERY]),
        ("signed by us", ours, PLACES),
    ):
        asked = list(requests(places))
        with judge() as other:
            found = [way(other, *request) for request in asked]
        taken, wrong = (sum(counts) for counts in zip(*found, strict=True))
        print(f"{name}: {taken} of {len(asked)} taken, {wrong} of {len(asked) * 4} when changed")
        is_passed = is_passed and (taken, wrong) == (len(asked), 0)
    return int(not is_passed)


if __name__ == "__main__":
    sys.exit(main())
