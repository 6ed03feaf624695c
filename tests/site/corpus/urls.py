"""Writes urls.json: `python -m tests.site.corpus.urls`. What every gate makes of an address.

`urls` and `subjects` are pairs of a text and its key (null where it is refused), `patterns` triples
of pattern, path and whether it matches, `covers` triples of prefix, address and whether it covers
it; `readings` are pairs of a path and what it may be taken for where something is withheld,
`spellings` pairs of a subject and how it is compared with these. Seeded: the same script makes the
same file. Hosts that IDNA 2008 refuses and browsers take, as those with pictures in them, are left
out: there implementations differ, and say so.
"""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from federation.addresses.matching import pattern_matches
from federation.addresses.readings import loose_readings, loose_spelling
from federation.addresses.urls import UrlKey, normalise_subject, normalise_url
from federation.errors import RefusalError
from federation.signing.tokens import covers

FILE = Path(__file__).with_name("urls.json")
SEED = 20261126
SCHEMES = ["https://", "http://", "HTTPS://", "", "ftp://", "//", "http:/", "https:", "javascript:"]
HOSTS = [
    *("site.example", "Site.Example", "site.example.", "site.example..", ".site.example", "a..b"),
    *("*.site.example", "*.*.site.example", "*", "u:p@site.example", "u@v@site.example", "@a.b"),
    *("bücher.example", "BÜCHER.example", "straße.example", "bücher。example。", "ü..example"),
    *("xn--bcher-kva.example", "under_score.example", "192.0.2.7", "site!.example", "di%61ry.a"),
    *("[2001:DB8::1]", "[::1]", "[::1", "[]", "[::g]", "[1:2:3:4:5:6:7:8]", "[1::2::3]", "[:1::]"),
    *(
        "[::ffff:192.0.2.1]",
        "[::192.0.2.256]",
        "[1:2:3:4:5:6:7::]",
        "[::2:3:4:5:6:7:8]",
        "[12345::]",
    ),
    *("[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:192.0.2.1]", "[::01.2.3.4]", "x[::1]", "[::1]x", "", " a.b"),
    *(
        "a" * 254,
        ".".join(["a" * 49] * 5) + "wxyz",
        "si te.example",
        "site\\.example",
        "a\u00adb.c",
    ),
]
PORTS = [
    "",
    "",
    "",
    ":",
    ":80",
    ":443",
    ":0443",
    ":8443",
    ":08443",
    ":0",
    ":00",
    ":65535",
    ":65536",
]
PORTS += [":port", ":-1", ":999999", ":٨٠", ":8443:1"]
PIECES = [
    *(
        "a",
        "b",
        "News",
        "/",
        "//",
        ".",
        "..",
        "/./",
        "/../",
        "/..",
        "/.",
        "...",
        "%2e",
        "%2E%2e",
        "%2f",
    ),
    *(
        "%2F",
        "%7E",
        "%7e",
        "%c3%a9",
        "%C3%A9",
        "é",
        "ü",
        "%",
        "%zz",
        "%4",
        "%25",
        "%252e",
        "*",
        "$",
    ),
    *(
        "%2a",
        "%24",
        " ",
        '"',
        "<",
        ">",
        "[",
        "]",
        "^",
        "`",
        "{",
        "|",
        "}",
        "~",
        "!",
        "&",
        "'",
        "(",
        ")",
    ),
    *(
        "+",
        ",",
        ";",
        "=",
        ":",
        "@",
        "?q=1",
        "?q=\\",
        "#f",
        "#\\",
        "\\",
        "\u200b",
        "\u2028",
        "\u00ad",
    ),
    *(
        "\x00",
        "\x7f",
        "\x85",
        "\n",
        "\t",
        "\ud800",
        "\udc00",
        "\U0001f4d6",
        "\ufeff",
        "%00",
        "%ff%fe",
    ),
]
ODD_PATHS = [
    *("A;x=1/b", "a/..;/b", "a/..;x\\b", "a%5C..%5Cb", "a%255c..%255cB", "a%252Fb", "a%25252fb"),
    *("a;b%2Fc/d", "a%3Bb/c", "a//../b", "a/%252e%252E/b", "%C3%89T%C3%89", "a%2ab$", ";/../x"),
]
MILD = PIECES.index("*")  # what stands before is of any path


def an_address(pick: random.Random) -> str:
    """Return a text that may be an address."""
    pieces = pick.choice([PIECES, PIECES[:MILD], PIECES[:MILD], PIECES[:MILD]])
    path = "".join(pick.choices(pieces, k=pick.choice([0, 1, 2, 3, 4, 6, 9, 14])))
    scheme = pick.choice([*["https://"] * 20, *SCHEMES])
    host = pick.choice([*["site.example"] * 80, *HOSTS])
    return scheme + host + pick.choice([*[""] * 30, *PORTS]) + pick.choice(["/", "/", ""]) + path


def a_path(pick: random.Random, pieces: list[str]) -> str:
    """Return a short path of few pieces, so that patterns meet it."""
    return "/" + "".join(pick.choices(pieces, k=pick.randint(0, 6)))


def key_of(normalise: Callable[[str], Any], text: str) -> str | None:
    """Return the text of a key, None where the text is refused."""
    try:
        found: str = normalise(text).text
    except RefusalError:
        return None
    return found


def a_prefix(pick: random.Random) -> str:
    """Return what an audience might hold."""
    scheme = pick.choice([*["https://"] * 6, "http://", "HTTPS://", "", "ftp://"])
    host = pick.choice([*["pub.example"] * 6, "PUB.example", "u@pub.example", "[::1]", "[::1", ""])
    port = pick.choice([*[""] * 8, ":443", ":80", ":8443", ":", ":x", ":65536"])
    odd = [".", "..", "%2e", "*", "?", "#", "\\", "é"]
    path = a_path(pick, [*["news", "/", "a", "/"] * 6, *odd])[: pick.choice([1, 5, 99])]
    return scheme + host + port + pick.choice([path, path, ""])


def endless() -> Iterator[str]:
    """Yield texts at the limit of length, and beyond it."""
    yield "https://site.example/" + "a" * 8171
    yield "https://site.example/" + "a" * 8172
    yield "site.example/" + "*a" * 16
    yield "site.example/" + "*a" * 17


def vectors() -> dict[str, Any]:
    """Return the whole file."""
    pick = random.Random(SEED)
    texts = list(dict.fromkeys([*endless(), *(an_address(pick) for _ in range(1500))]))
    bare = list(dict.fromkeys(text.partition("://")[2] or text for text in texts))
    some = ["a", "b", "/", "ab", ".pdf"]
    pairs = [(a_path(pick, [*some, "*", "*", "$"]), a_path(pick, some)) for _ in range(600)]
    prefixes = [a_prefix(pick) for _ in range(600)]
    below = ["", "/", "/a", "a", "/a/..", "?q", "//", "-evil", "/%2e"]
    covered = [(one, pick.choice([one, a_prefix(pick)]) + pick.choice(below)) for one in prefixes]
    found = {
        "urls": [[text, key_of(normalise_url, text)] for text in texts],
        "subjects": [[text, key_of(normalise_subject, text)] for text in bare],
        "patterns": [[pattern, path, pattern_matches(pattern, path)] for pattern, path in pairs],
        "covers": [[prefix, url, covers([prefix], url)] for prefix, url in covered],
    }
    paths = [UrlKey.of(key).path for _, key in found["urls"] if key]
    subjects = [UrlKey.of(key).path for _, key in found["subjects"] if key]
    # A table that refuses or takes nearly everything shows little.
    assert all(
        0.1 < sum(bool(one[-1]) for one in part) / len(part) < 0.9 for part in found.values()
    )
    found["readings"] = [
        [path, sorted(loose_readings(path))]
        for path in (*paths[::6], *(f"/{path}" for path in ODD_PATHS))
    ]
    found["spellings"] = [[path, loose_spelling(path)] for path in subjects[::6]]
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=0, ensure_ascii=True) + "\n", encoding="ascii")
