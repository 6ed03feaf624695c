"""Thousands of requests, tokens and texts made at random: both gates say the same of each.

Seeded, so that a difference is there again when it is looked for: `SEED` in the environment takes
another one.
"""

import asyncio
import json
import logging
import os
import random
import re
import string
from typing import Any

import pytest

from federation.signing import jose
from tests.gate.negative_corpus import CORPUS, NOW, SITE, Visited
from tests.kit.javascript import bridge, needs_node
from tests.signing.corpus.forge import (
    HUB,
    HUB_KEY,
    NODE_KEY,
    OTHER,
    SECOND,
    STRANGER,
    bound,
    claims,
    forged,
    request,
    signed,
    token,
)
from tests.site.corpus.urls import PIECES

SEED = int(os.environ.get("SEED", "20261126"))
CHUNK = 40  # fewer than the wrong tokens of one address that are looked at
LOGGER = logging.getLogger("federation.gate.gate")
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 1.5, SECOND, float(SECOND), str(SECOND), SECOND + 900),
    *(SECOND - 60, SECOND - 61, SECOND + 60, SECOND + 61, 10**15, 10**30, -(10**30), "", "*", "a"),
    *([], ["*"], ["a"], [""], [1], {}, {"a": 1}, "é", "\U0001f4d6", "x" * 2048, "x" * 2049),
    *(HUB, OTHER, ["https://pub.example/"], ["https://pub.example/news", "x"], f"{HUB}/rs/members"),
    *("HUB-000001", "HUB-0000001", "HUB-000000", "YY-000001", "A-B-000001", "HUB-8388608", "HUB-1"),
    *(
        {"jkt": "x" * 43, "x": 1},
        {"jwk": {}},
        {"jkt": "x" * 43},
        {"jkt": "x" * 42},
        {"jwk": {"kty": "OKP", "crv": "Ed25519"}},
    ),
    *({"status_list": {"idx": 1, "uri": f"{HUB}/statuslists/0"}}, {"status_list": {"idx": 1}}),
    *({"status_list": {"idx": 1, "uri": f"{OTHER}/statuslists/0"}}, ["ai-input", "ai-train"]),
]
NAMES = [*claims(), "nbf", "cnf", "territory", "repertoire", "status", "é", "x"]
ODD = string.printable[:95] + "\t\x85\xa0\xe9\xff"


def some_claims(pick: random.Random, of: dict[str, Any]) -> dict[str, Any]:
    """Return claims of which a few say something else."""
    changed = dict(of)
    for _ in range(pick.choice([0, 1, 1, 1, 2, 3])):
        name, value = pick.choice(NAMES), pick.choice(VALUES)
        changed[name] = value
        if pick.random() < 0.1:
            changed.pop(pick.choice(list(changed)))
    return changed


def altered(pick: random.Random, text: str, alphabet: str = ODD) -> str:
    """Return a text with a character more, less or another."""
    at = pick.randrange(len(text) + 1)
    return text[:at] + pick.choice(["", pick.choice(alphabet)]) + text[at + pick.choice([0, 1]) :]


def a_token(pick: random.Random) -> str:
    """Return a token, as a rule one that is wrong in some way."""
    key = pick.choice([HUB_KEY, HUB_KEY, HUB_KEY, NODE_KEY, STRANGER])
    header = pick.choice(
        [None, None, None, {pick.choice(["alg", "typ", "kid", "x"]): pick.choice(VALUES)}]
    )
    text = json.dumps(some_claims(pick, claims()))
    if pick.random() < 0.2:
        text = altered(pick, text, '{}[]",:\\u0 .e-\x01')
    made = forged(text.encode(), key, header)
    return altered(pick, made) if pick.random() < 0.2 else made


def a_path(pick: random.Random) -> str:
    """Return the path of a request, in characters that servers pass on."""
    pieces = [
        piece for piece in PIECES if piece.isascii() and piece.isprintable() and " " not in piece
    ]
    return pick.choice(["/news", "/news/", "/", "//", "/shop/"]) + "".join(
        pick.choices(pieces, k=pick.choice([0, 0, 1, 2, 4]))
    )


def a_request(pick: random.Random) -> Any:
    """Return a request of a crawler."""
    target = pick.choice(["/news/a", a_path(pick)])
    nonce = f'"{pick.getrandbits(128):032x}"'
    kind = pick.random()
    if kind < 0.35:
        carrier = pick.choice(["authorization", "authorization", "x-collective-license"])
        prefix = pick.choice(["License ", "LICENSE ", "license  "]) if carrier[0] == "a" else ""
        made = request((carrier, prefix + a_token(pick)), target=target)
    elif kind < 0.5:
        text = bound(**{pick.choice(NAMES): pick.choice(VALUES)})
        made = signed(text, target=target, nonce=nonce)
    else:
        made = signed(target=target, nonce=nonce)
    headers = [list(pair) for pair in made["headers"]]
    for _ in range(pick.choice([0, 0, 1, 1, 2])):
        change(pick, headers)
    others = [pair for pair in headers if pair[0] != "user-agent"]
    headers = [*others, ["user-agent", "GPTBot/1.2"]]  # who is asked is another test's
    return made | {"headers": headers, "method": pick.choice([*["GET"] * 9, "HEAD", "POST"])}


def change(pick: random.Random, headers: list[list[str]]) -> None:
    """Change something about the headers of a request."""
    place = pick.randrange(len(headers))
    match pick.randrange(5):
        case 0:
            headers[place][1] = altered(pick, headers[place][1])
        case 1:
            headers.insert(place, list(pick.choice(headers)))
        case 2:
            del headers[place]
        case 3:
            hosts = [
                "pub.example",
                "PUB.example:443",
                "evil.example",
                "",
                '"pub.example"',
                "pub.example, x",
            ]
            names = [
                "x-forwarded-host",
                "forwarded",
                "x-original-url",
                "x-licence-use",
                "signature-agent",
            ]
            value = pick.choice(
                [*hosts, *(f"for=1;host={host}" for host in hosts), "ai-input", "ai-train"]
            )
            headers.append([pick.choice(names), value])
        case _:
            headers[place][1] = pick.choice([" ", "\t", "\xa0"]) + headers[place][1] + " "


class Told(logging.Handler):
    """Why the Python gate refused, of each request."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


def why(lines: list[str]) -> str:
    """Return code and reason of the one line of a refusal."""
    found = [
        re.search(r"\brefused: ([A-Z_]+): (?:The signed token is not valid\. \()?(\w*)", line)
        for line in lines
    ]
    return " ".join(f"{one[1]} {one[2]}" for one in found if one)


def of_python(folder: Any, policy: str, requests: list[Any]) -> list[Any]:
    """Return what the Python gate says of some requests, one after the other."""
    told = Told()
    LOGGER.addHandler(told)
    LOGGER.setLevel(logging.INFO)
    visited = Visited(folder, {"policy": policy})

    async def each() -> list[Any]:
        answers = []
        for one in requests:
            told.lines.clear()
            before = len(visited.visits)
            status, headers, body = await visited.ask(one)
            is_served = len(visited.visits) > before
            said = [status, headers, body.decode(), why(told.lines)]
            answers.append("served" if is_served else said)
        return answers

    try:
        return asyncio.run(each())
    finally:
        LOGGER.removeHandler(told)
        visited.spool.close()


def of_javascript(answer: Any) -> Any:
    """Return what the JavaScript gate says in the same words."""
    if answer["act"] != "answer":
        return "served"
    return [answer["status"], dict(answer["headers"]), answer["body"], why(answer["log"])]


@needs_node
@pytest.mark.slow
def test_both_gates_answer_each_request_alike(tmp_path):
    pick = random.Random(SEED)
    policies = ["good", "good", "good", "withheld", "suspended", "the shop only"]
    counts = {"served": 0, "refused": 0}
    with bridge() as gate:
        for chunk in range(75):
            policy, folder = pick.choice(policies), tmp_path / str(chunk)
            folder.mkdir()
            requests = [a_request(pick) for _ in range(CHUNK)]
            wanted = of_python(folder, policy, requests)
            asked = {"site": SITE, "now": CORPUS["now"], "policy": CORPUS["policies"][policy]}

            found = [of_javascript(one) for one in gate.ask("gate", requests=requests, **asked)]

            for one, python, javascript in zip(requests, wanted, found, strict=True):
                assert javascript == python, one
                counts["served" if python == "served" else "refused"] += 1
    assert min(counts.values()) > 300, counts  # else the table shows little


def plain_of_python(text: str) -> Any:
    """Return a text as it reads, whole numbers and others told apart; None where it is refused."""
    try:
        read = jose._PLAIN_JSON.decode(text)
        if "\\u" in text:
            json.dumps(read, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return shape(read)


def shape(value: Any) -> Any:
    """Return what can be compared: floats are of their own kind, as in the other language."""
    if isinstance(value, float):
        return "a fraction"
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return value


def shape_of_javascript(text: str | None) -> Any:
    """Return the same of an answer, in which a fraction is an object with its value."""
    return None if text is None else json.loads(text, object_hook=_fraction)


def _fraction(found: dict[str, Any]) -> Any:
    return "a fraction" if found.keys() == {"value"} else found


@needs_node
@pytest.mark.slow
def test_both_read_each_json_text_alike():
    pick = random.Random(SEED)
    alphabet = '{}[]",:\\/u0123456789aefnrtTNI+-. \t\n\x00\x1f\x7fé\ud800\udc00'
    texts = []
    for _ in range(6000):
        good = json.dumps(some_claims(pick, claims()), ensure_ascii=pick.random() < 0.5)
        for _ in range(pick.choice([0, 1, 1, 2, 3])):
            good = altered(pick, good, alphabet)
        texts.append(good)
    texts = [text for text in texts if not re.search(r"\d{16}", text)]  # no number there
    with bridge() as gate:
        found = gate.ask("plain", texts=texts)

    wanted = [plain_of_python(text) for text in texts]

    assert sum(one is not None for one in wanted) > 500
    for text, python, javascript in zip(texts, wanted, found, strict=True):
        assert shape_of_javascript(javascript) == python, text
    assert NOW.timestamp() == SECOND
    assert token()
