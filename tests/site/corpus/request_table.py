"""Writes requests.json: `python -m tests.site.corpus.request_table`. What any gate answers.

Each case names its site (`tests/site/stacks/runner.py`), a request with the names of tokens in
braces (`stacks/tokens.py`), the answer, and the usage lines and visits that follow of it, a visit
as crawler, outcome, and whether a site that only observes let it through. `sign` asks for a
signature of the request, `times` sends the same bytes again and means the last answer, `needs`
names what a stack may lack. The words are those of the table in `federation/gate/README.md`.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from federation.gate.crawlers import name_of

FILE = Path(__file__).with_name("requests.json")
ORIGIN, WWW = "https://pub.example", "https://www.pub.example"
BUY = "https://hub.example/buy"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT = "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)"
VARY = "Authorization, X-Collective-License, Signature, User-Agent"
TEXT = {"content-type": "text/plain; charset=utf-8", "x-page": "yes"}
TARGETED = (
    *("cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control", "edge-control"),
    *("cf-edge-cache", "x-reverse-proxy-ttl"),
)
PAGE, STREAM = "A page.\n", "one\ntwo\nthree\n"
TERMS = '<rsl xmlns="https://rslstandard.org/rsl"><content url="https://pub.example/"/></rsl>\n'
ETAG = f'"{sha256(TERMS.encode()).hexdigest()[:32]}"'
SHOWN = "License {bearer}"
Case = dict[str, Any]
Headers = list[tuple[str, str]]


def link_of(origin: str = ORIGIN) -> str:
    """Return the header that points to the terms."""
    return f'<{origin}/license.xml>; rel="license"; type="application/rsl+xml"'


LICENSED = {**TEXT, "cache-control": "private, no-store", "vary": VARY, "link": link_of()}
HEADLINES = {
    "AMBIGUOUS_REQUEST": (400, "invalid_request", "The request can be read in more than one way."),
    "UNKNOWN_HOST": (421, "invalid_request", "This site does not answer under that name."),
    "METHOD_NOT_ALLOWED": (405, "invalid_request", "A crawler reads pages, with GET or HEAD."),
    "LICENCE_REQUIRED": (401, "invalid_request", "A licence token is needed here."),
    "INVALID_TOKEN": (401, "invalid_token", "The signed token is not valid."),
    "INVALID_SIGNATURE": (
        401,
        "invalid_token",
        "The request is not signed with the key that its licence token is bound to.",
    ),
    "REQUEST_REPLAYED": (
        401,
        "invalid_token",
        "The request has been served already; each is signed anew.",
    ),
    "LICENCE_REVOKED": (401, "invalid_token", "The licence has been revoked."),
    "LICENCE_SUSPENDED": (
        402,
        "invalid_token",
        "The licence is suspended until its licensor reinstates it.",
    ),
    "INSUFFICIENT_SCOPE": (
        403,
        "insufficient_scope",
        "The licence token was not minted for this address.",
    ),
    "USE_NOT_GRANTED": (403, "insufficient_scope", "The licence token does not grant this use."),
    "WITHHELD": (
        403,
        "insufficient_scope",
        "The rightholder withholds this work; no licence covers it.",
    ),
    "TOO_MANY_GUESSES": (
        429,
        "slow_down",
        "Too many licence tokens that were none came from where this one comes from.",
    ),
    "LEAVES_UNSEEN": (
        501,
        "server_error",
        "The page would leave past the site's gate, which cannot count it.",
    ),
    "POLICY_UNAVAILABLE": (503, "server_error", "The site holds no policy that is in force."),
}


def request(target: str, *headers: tuple[str, str], **how: Any) -> Case:
    """Return a request; without a Host and an agent of its own it is a bot's for pub.example."""
    named = {name for name, _ in headers}
    first = [
        pair for pair in (("host", "pub.example"), ("user-agent", BOT)) if pair[0] not in named
    ]
    method = how.pop("method", "GET")
    return {"method": method, "target": target, "headers": [*first, *headers], **how}


def licensed(target: str, *headers: tuple[str, str], **how: Any) -> Case:
    """Return a request that shows a good token."""
    return request(target, ("authorization", SHOWN), *headers, **how)


def passes(name: str, made: Case, status: int = 200, body: str = PAGE, **more: Any) -> Case:
    """Return a case in which the application answers untouched."""
    headers = {**TEXT, **more.pop("headers", {})}
    body = "" if made["method"] == "HEAD" else body
    expect = {"status": status, "headers": headers, "body": body}
    return {"name": name, "site": "plain", "request": made, "expect": expect, **more}


def serves(name: str, made: Case, *, url: str | None = None, body: str = PAGE, **more: Any) -> Case:
    """Return a case of a page under a licence; `line` are members of its usage line, None: none."""
    status, line = more.pop("status", 200), more.pop("line", {})
    text = "" if made["method"] == "HEAD" else body
    expect = {"status": status, "headers": LICENSED | more.pop("headers", {}), "body": text}
    case = {"name": name, "site": "plain", "request": made, "expect": expect, **more}
    if line is None or made["method"] == "HEAD":
        return {**case, "visits": [visit(made, "NOT_COUNTED")]}
    usage = {
        "licence": "HUB-000001",
        "url": url or ORIGIN + made["target"],
        "use": "ai-input",
        "units": 1,
        "token": "jti-1",
        "agent": dict(made["headers"])["user-agent"],
        "status": status,
        "bytes": len(body),
        "source": "site",
    }
    return {**case, "usage": [usage | line], "visits": [visit(made, "SERVED")]}


def visit(made: Case, outcome: str, *, let_through: bool = False) -> list[Any]:
    """Return what is counted of a request."""
    return [name_of(dict(made["headers"])["user-agent"]), outcome, let_through]


def withheld_detail(path: str, reason: str = "OPTED_OUT") -> str:
    """Return what is said of a page that is withheld from the use of most tokens here."""
    return f"ai-input: {ORIGIN}{path}: {reason}"


def refuses(name: str, made: Case, code: str, detail: str = "", **more: Any) -> Case:
    """Return a case of a refusal, with its body as it is on the wire."""
    status, error, headline = HEADLINES[code]
    words = f"{headline} ({detail})" if detail else headline
    origin, buy_at = more.pop("origin", ORIGIN), more.pop("buy_at", BUY)
    said = {"error": error, "code": code, "detail": words, "buy_at": buy_at}
    challenge = f'License error="{error}"'
    if status == 402:
        challenge += f', error_description="{headline}"'
    headers = {
        "content-type": "application/json",
        "cache-control": "private, no-store",
        "vary": VARY,
        "www-authenticate": challenge,
    }
    if status in {401, 402, 403}:
        headers["link"] = link_of(origin)
    headers |= {405: {"allow": "GET, HEAD"}, 429: {"retry-after": "soon"}}.get(status, {})
    headers |= {"retry-after": "60"} if status == 503 else {}
    body = "" if made["method"] == "HEAD" else json.dumps(said, separators=(",", ":"))
    expect = {"status": status, "headers": headers, "body": body}
    visits = [visit(made, code)] * more.get("times", 1)
    case = {"name": name, "site": "plain", "request": made, "expect": expect, "visits": visits}
    return {**case, **more}


def at(site: str, cases: Iterator[Case]) -> Iterator[Case]:
    """Yield cases as those of another site."""
    for case in cases:
        yield {**case, "site": site, "name": f"{site}: {case['name']}"}


def people() -> Iterator[Case]:
    """Yield what the gate has nothing to do with."""
    person = ("user-agent", BROWSER)
    yield passes("a person reads", request("/news/a", person))
    yield passes("a person reads what is withheld", request("/news/withheld", person))
    yield passes("a person asks for the head", request("/news/a", person, method="HEAD"))
    yield passes("a person posts", request("/news/a", person, method="POST"), body="Done.\n")
    yield passes("a person comes under another name", request("/", person, ("host", "old.example")))
    yield passes(
        "a person is signed in", request("/news/a", person, ("authorization", "Basic YTpi"))
    )
    cached = {"cache-control": "public, max-age=60", "vary": "Accept-Encoding, authorization"}
    cached["link"] = '</style.css>; rel="preload"'
    cached |= dict.fromkeys(TARGETED, "max-age=60")
    yield passes("a person reads a cached page", request("/news/cached", person), headers=cached)
    yield passes("a person finds nothing", request("/missing", person), 404, "Nothing here.\n")
    for agent in (
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
    ):
        yield passes(f"a search engine reads: {agent}", request("/news/a", ("user-agent", agent)))
    for agent in ("facebookexternalhit/1.1", "Feedly/1.0", "UptimeRobot/2.0", "curl/8.0", ""):
        yield passes(f"another agent reads: {agent}", request("/news/a", ("user-agent", agent)))
    for path in ("/robots.txt", "/ai.txt", "/trust.txt", "/.well-known/tdmrep.json"):
        yield passes(f"a reservation is read: {path}", request(path))
        shown = request(path, ("authorization", "License nonsense"))
        yield passes(f"a reservation is read with any token: {path}", shown)
    terms = {"content-type": "application/rsl+xml", "cache-control": "max-age=300", "etag": ETAG}
    head = {"headers": terms, "status": 200, "body": TERMS}
    for agent in (BROWSER, BOT):
        asked = request("/license.xml", ("user-agent", agent))
        yield {
            "name": f"the terms are read: {agent}",
            "site": "plain",
            "request": asked,
            "expect": head,
            "needs": ["terms"],
        }


def served() -> Iterator[Case]:
    """Yield what a good token opens."""
    yield serves("a licensed page", licensed("/news/a"))
    yield serves("a licensed page and its query", licensed("/news/a?page=2&x=%20y"))
    yield serves("a licensed page whatever the agent", licensed("/news/a", ("user-agent", BROWSER)))
    yield serves(
        "the scheme in capitals", request("/news/a", ("authorization", "LICENSE {bearer}"))
    )
    yield serves("the other header", request("/news/a", ("x-collective-license", "{bearer}")))
    both = ("x-collective-license", "{bearer}")
    yield serves("both headers with one token", licensed("/news/a", both))
    own = [("authorization", "Bearer shop"), both]
    yield serves("the other header beside the site's own", request("/news/a", *own))
    node = request("/news/a", ("authorization", "License {of a node}"))
    yield serves("a node's token", node, line={"licence": "XX-000001"})
    two = [("authorization", "License {two uses}"), ("x-licence-use", "ai-train")]
    yield serves("a declared use", request("/news/a", *two), line={"use": "ai-train"})
    yield serves("the head of a page", licensed("/news/a", method="HEAD"))
    yield serves("a page in parts", licensed("/news/stream"), body=STREAM)
    yield serves("a page that says it may be cached", licensed("/news/cached"), headers=CACHED)
    head = licensed("/news/cached", method="HEAD")
    yield serves("the head of a page that says it may be cached", head, headers=CACHED)
    yield serves("no content", licensed("/news/nothing"), status=204, body="", line=None)
    gone = {"status": 404, "body": "Nothing here.\n"}
    yield serves("the application finds nothing", licensed("/news/missing"), line=None, **gone)
    broken = {"status": 500, "body": "Broken.\n"}
    yield serves("the application is broken", licensed("/news/broken"), line=None, **broken)
    yield serves("an empty body", licensed("/news/empty"), body="", line=None)
    yield serves("a file", licensed("/news/file"))
    moved = {"status": 302, "body": "", "headers": {"location": "/news/a"}}
    yield serves("the application sends on", licensed("/news/moved"), line=None, **moved)
    yield serves("doubled slashes within", licensed("/news//a"))
    yield serves("an escape that is none", licensed("/news/100%25"))
    yield serves("an escaped letter", licensed("/news/%61"))
    yield serves("what is withheld from another use", licensed("/news/no-training"))
    yield serves("what is withheld later", licensed("/news/later"))
    yield serves("what begins like the withheld", licensed("/news/withheld-not"))
    hop = [("connection", "close"), ("connection", "authorization, x-licence-use")]
    named = licensed("/news/a", *hop, ("x-licence-use", "ai-input"))
    yield serves("headers that are for one hop only", named, needs=["hops"])
    yield serves("what no pattern reaches", licensed("/news/a.pdf.html"))
    www = {"headers": {"link": link_of(WWW)}, "url": f"{WWW}/news/a"}
    yield serves("another origin", licensed("/news/a", ("host", "www.pub.example")), **www)
    yield serves("the default port", licensed("/news/a", ("host", "PUB.example:443")))
    same = [("x-forwarded-host", "pub.example"), ("forwarded", 'for=1.2.3.4;host="pub.example"')]
    yield serves("proxies that say the same", licensed("/news/a", *same))


CACHED = {
    "vary": f"Accept-Encoding, {VARY}",
    "link": f'</style.css>; rel="preload", {link_of()}',
}


def handed_over() -> Iterator[Case]:
    """Yield what the server in front would deliver in the application's place."""
    for page in ("accel", "accel-in-parts", "sendfile"):
        path = f"/news/{page}"
        yield passes(f"a person is handed over: {page}", request(path, ("user-agent", BROWSER)))
        name = f"a licensed page is handed over: {page}"
        yield refuses(name, licensed(path), "LEAVES_UNSEEN", needs=["handing over"])
    head = licensed("/news/accel", method="HEAD")
    needs = {"needs": ["handing over"]}
    yield refuses("the head of what is handed over", head, "LEAVES_UNSEEN", **needs)


def bound() -> Iterator[Case]:
    """Yield requests under a token that is bound to a key."""
    shown = ("authorization", "License {bound}")
    yield serves("a signed request", request("/news/a", shown, sign={}))
    yield serves("a signed request beyond the bearer's prefixes", request("/else", shown, sign={}))
    yield serves("a signed query", request("/news/a?page=2", shown, sign={}))
    alias = request(
        "/news/a", ("x-collective-license", "{bound}"), sign={"carrier": "x-collective-license"}
    )
    yield serves("a signed request with the other header", alias)
    wrong = "INVALID_SIGNATURE"
    yield refuses("a bound token, not signed", request("/news/a", shown), wrong)
    thief = request("/news/a", shown, sign={"key": "thief"})
    yield refuses("signed with another key", thief, wrong)
    moved = request("/news/a", shown, sign={"target": "/news/b"})
    yield refuses("signed for another page", moved, wrong)
    host = request("/news/a", shown, sign={"host": "www.pub.example"})
    yield refuses("signed for another host", host, wrong)
    head = request("/news/a", shown, sign={"method": "HEAD"})
    yield refuses("signed for another method", head, wrong)
    again = refuses("sent twice", request("/news/a", shown, sign={}), "REQUEST_REPLAYED", times=2)
    first = serves("", request("/news/a", shown, sign={}))
    visits = [*first["visits"], again["visits"][0]]
    yield {**again, "usage": first["usage"], "visits": visits}
    withheld = request("/news/withheld", shown, sign={})
    yield refuses("signed, and withheld", withheld, "WITHHELD", withheld_detail("/news/withheld"))
    elsewhere = request("/news/a", ("authorization", "License {bound elsewhere}"), sign={})
    yield refuses(
        "signed, for another collective",
        elsewhere,
        "INSUFFICIENT_SCOPE",
        "works of Collecting Society XX",
    )
    revoked = request("/news/a", ("authorization", "License {bound and revoked}"), sign={})
    yield refuses("signed, and revoked", revoked, "LICENCE_REVOKED", "HUB-000002")
    only_named = request("/news/a", ("authorization", "License {bound by thumbprint}"), sign={})
    yield refuses("a key that only the thumbprint names", only_named, "INVALID_TOKEN")
    anyone = request("/news/a", ("authorization", "License {for all, not bound}"))
    yield refuses("for all sites, and not bound", anyone, "INVALID_TOKEN")


def unlicensed() -> Iterator[Case]:
    """Yield what the gate refuses for want of a good token."""
    needed = "LICENCE_REQUIRED"
    yield refuses("a bot without a token", request("/news/a"), needed)
    yield refuses("a bot at the root", request("/"), needed)
    yield refuses("a bot asks for a page that may be cached", request("/news/cached"), needed)
    yield refuses("a bot asks for the head", request("/news/a", method="HEAD"), needed)
    for agent in ("ClaudeBot/1.0", "x ccbot y", "Mozilla/5.0 (compatible; PerplexityBot/1.0)"):
        yield refuses(
            f"a bot by its name: {agent}", request("/news/a", ("user-agent", agent)), needed
        )
    part = request("/news/a", ("user-agent", "MyGPTBots/1"))
    yield refuses("a bot by a part of its name", part, needed)
    tag = ("signature-input", 'sig1=();created=1;tag="web-bot-auth"')
    signs = request("/news/a", ("user-agent", BROWSER), tag)
    yield refuses("a signature is a crawler's", signs, needed)
    odd = "the header that should carry it is malformed"
    for text in ("License", "License a b", 'License "{bearer}"', "License {bearer},x"):
        shown = request("/news/a", ("authorization", text))
        yield refuses(f"a malformed header: {text}", shown, needed, odd)
    names = ("expired", "ahead", "too long a life", "forged", "altered", "unknown issuer")
    names += ("another issuer's name", "typ JWT", "a pattern", "too large", "unknown licensor")
    for name in names:
        shown = request("/news/a", ("authorization", f"License {{{name}}}"))
        yield refuses(f"a bad token: {name}", shown, "INVALID_TOKEN")
    for name in ("alg none", "alg HS256"):
        shown = request("/news/a", ("authorization", f"License {{{name}}}"))
        case = refuses(f"a bad token: {name}", shown, "INVALID_TOKEN")
        body = case["expect"]["body"].replace("invalid_token", "invalid_request")
        headers = {
            **case["expect"]["headers"],
            "www-authenticate": 'License error="invalid_request"',
        }
        yield {**case, "expect": {"status": 401, "headers": headers, "body": body}}
    short = request("/news/a", ("authorization", "License abc"))
    yield refuses("a token that is none", short, "INVALID_TOKEN")
    revoked = request("/news/a", ("authorization", "License {revoked}"))
    yield refuses("a revoked licence", revoked, "LICENCE_REVOKED", "HUB-000002")
    suspended = request("/news/a", ("authorization", "License {suspended}"))
    yield refuses("a suspended licence", suspended, "LICENCE_SUSPENDED", "HUB-000003")


def outside() -> Iterator[Case]:
    """Yield addresses and uses that a good token does not reach."""
    scope = "INSUFFICIENT_SCOPE"
    for path, address in {
        "/": "/",
        "/news-evil": "/news-evil",
        "/News/a": "/News/a",
        "/news/../private": "/private",
        "/news/%2e%2e/private": "/private",
        "/news%2Fa": "/news%2Fa",
        "/news/..%2Fprivate": "/private",
        "/news/x%2F..%2F..%2Fprivate": "/private",
        "//news/a": "//news/a",
    }.items():
        yield refuses(f"outside: {path}", licensed(path), scope, ORIGIN + address)
    shop = request("/news/a", ("authorization", "License {the shop}"))
    yield refuses("a token for another part", shop, scope, f"{ORIGIN}/news/a")
    use, two = "USE_NOT_GRANTED", ("authorization", "License {two uses}")
    undeclared = request("/news/a", two)
    yield refuses("a use is to be declared", undeclared, use, "declare one of: ai-input, ai-train")
    other = request("/news/a", two, ("x-licence-use", "search"))
    yield refuses("another use", other, use, "search is not one of: ai-input, ai-train")
    gone = "WITHHELD"
    for path, address in {
        "/news/withheld": "/news/withheld",
        "/news/withheld/": "/news/withheld/",
        "/news/withheld/part": "/news/withheld/part",
        "/news/withheld//": "/news/withheld//",
        "/news/x/.%2e/withheld": "/news/withheld",
        "/news/%2E/withheld": "/news/withheld",
        "/news/withhel%64/": "/news/withheld/",
        "/news/withheld?x=1": "/news/withheld",
        "/news/./withheld": "/news/withheld",
        "/news//withheld": "/news//withheld",
        "/news/w%69thheld": "/news/withheld",
        "/news/withheld%2Fpart": "/news/withheld%2Fpart",
        "/news/a.pdf": "/news/a.pdf",
        "/news/x/private": "/news/x/private",
        "/news/x/y/private": "/news/x/y/private",
        "/news/caf%C3%A9": "/news/caf%C3%A9",
        "/news/caf%c3%a9": "/news/caf%C3%A9",
        "/news/WITHHELD": "/news/WITHHELD",
        "/news/CAF%C3%89": "/news/CAF%C3%89",
        "/news/X/Private": "/news/X/Private",
        "/news/withheld;a=b": "/news/withheld;a=b",
        "/news/withheld;a=b/part": "/news/withheld;a=b/part",
        "/news/x/..;/withheld": "/news/x/..;/withheld",
        "/news/x/..%5cwithheld": "/news/x/..%5Cwithheld",
        "/news/withheld%252Fpart": "/news/withheld%252Fpart",
        "/news/x/%252e%252e/withheld": "/news/x/%252e%252e/withheld",
    }.items():
        yield refuses(f"withheld: {path}", licensed(path), gone, withheld_detail(address))
    head = licensed("/news/withheld", method="HEAD")
    yield refuses("withheld, and its head", head, gone, withheld_detail("/news/withheld"))
    train = request("/news/no-training", ("authorization", "License {training}"))
    yield refuses(
        "withheld from this use", train, gone, f"ai-train: {ORIGIN}/news/no-training: OPTED_OUT"
    )
    www = licensed("/news/nowhere", ("host", "www.pub.example"))
    detail = f"ai-input: {WWW}/news/nowhere: OPTED_OUT"
    yield refuses("withheld on every host", www, gone, detail, origin=WWW)


def consent() -> Iterator[Case]:
    """Yield what each state of a ruling does, and each order of them (`stacks/said.py`)."""
    for path in (
        *("extended", "mandated", "whole/below", "withdrawn/below", "ended", "to-come"),
        *("narrowed/agreed", "narrowed/to-both", "no-then-yes", "no-then-yes/below"),
        *("section/open", "section/Open", "feed/open", "feed/open/x", "of-another/mine/x"),
        *("once-anothers/x", "soon-anothers/x"),
    ):
        yield serves(f"consent: {path}", licensed(f"/news/c/{path}"))
    for path, reason in {
        "ex-ante": "RESERVED_EX_ANTE",
        "ex-ante/below": "RESERVED_EX_ANTE",
        "withdrawn": "WITHDRAWN",
        "whole": "WITHHELD",
        "ending": "WITHHELD",
        "ended-yes": "WITHHELD",
        "narrowed": "NOT_MANDATED",
        "narrowed/x": "NOT_MANDATED",
        "narrowed/agreed/below": "NOT_MANDATED",
        "yes-then-no": "WITHDRAWN",
        "yes-and-no": "WITHHELD",
        "section/x": "WITHHELD",
        "section/trained": "WITHHELD",
        "section/open;x=1": "WITHHELD",
        "section/OPEN": "WITHHELD",
        "x/..;/section/open": "WITHHELD",
        "Section/open": "WITHHELD",
        "opted-out/agreed": "OPTED_OUT",
        "feed/x": "PUBLISHED",
        "feed/agreed": "PUBLISHED",
        "feed/openly": "PUBLISHED",
        "feed/open/x-closed": "PUBLISHED",
        "feed/open/tdm": "PUBLISHED",
        "of-another/x": "WITHHELD",
        "Of-Another/x": "WITHHELD",
        "of-another/mine/..;/x": "WITHHELD",
        "of-both/x": "WITHHELD",
        "copy/x": "WITHDRAWN",
        "other-copy/x": "WITHHELD",
    }.items():
        asked = licensed(f"/news/c/{path}")
        yield refuses(
            f"consent: {path}", asked, "WITHHELD", withheld_detail(f"/news/c/{path}", reason)
        )


def ambiguous() -> Iterator[Case]:
    """Yield requests that can be read in two ways, and what is not reading."""
    two = "AMBIGUOUS_REQUEST"
    again = ("authorization", SHOWN)
    twice = "a header that carries the token comes twice"
    yield refuses("Authorization twice", licensed("/news/a", again), two, twice, needs=["lines"])
    basic = licensed("/news/a", ("authorization", "Basic YTpi"))
    yield refuses("Authorization of two schemes", basic, two, twice, needs=["lines"])
    aliases = [("x-collective-license", "{bearer}")] * 2
    yield refuses(
        "the other header twice", request("/news/a", *aliases), two, twice, needs=["lines"]
    )
    second = licensed("/news/a", ("x-collective-license", "{second}"))
    differ = "Authorization and x-collective-license name different tokens"
    yield refuses("two headers with two tokens", second, two, differ)
    uses = [("x-licence-use", "ai-input"), ("x-licence-use", "ai-train")]
    yield refuses(
        "two uses", licensed("/news/a", *uses), two, "x-licence-use comes twice", needs=["lines"]
    )
    others = ("x-original-url", "x-rewrite-url", "script-name", "x-script-name", "path-info")
    for name in others:
        detail = f"{name} names another address"
        other = licensed("/news/a", (name, "/news/withheld"))
        yield refuses(f"another address: {name}", other, two, detail)
        reserved = request("/.well-known/a/news/b", (name, "/.well-known/a"))
        yield refuses(f"another address than the reservation's: {name}", reserved, two, detail)
    hop = [("connection", "close"), ("connection", "x-original-url")]
    moved = licensed("/news/a", *hop, ("x-original-url", "/news/b"))
    named = "x-original-url names another address"
    yield refuses("another address, for one hop only", moved, two, named, needs=["hops"])
    origins = licensed("/news/a", ("x-forwarded-host", "www.pub.example"))
    yield refuses("two of the site's own hosts", origins, two, "its headers name two sites")
    long = "/news/" + "a" * 4096
    yield refuses("a path that is too long", licensed(long), two, "the path is too long")
    deep = "/news" + "/a" * 128
    yield refuses("a path that is too deep", licensed(deep), two, "the path is too long")
    back = licensed("/news/a\\b")
    yield serves(
        "a backslash is a character", back, url=f"{ORIGIN}/news/a%5Cb", needs=["backslash"]
    )
    unknown = "UNKNOWN_HOST"
    for name, value in {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "forwarded": "for=1.2.3.4;host=evil.example",
    }.items():
        yield refuses(
            f"a foreign {name}", licensed("/news/a", (name, value)), unknown, "evil.example"
        )
    port = licensed("/news/a", ("host", "pub.example:8443"))
    yield refuses("another port", port, unknown, "pub.example:8443")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        made = licensed("/news/a", ("content-length", "0"), method=method)
        yield refuses(f"a crawler sends {method}", made, "METHOD_NOT_ALLOWED", method)
    robots = request("/robots.txt", ("content-length", "0"), method="POST")
    yield refuses("a crawler posts to a reservation", robots, "METHOD_NOT_ALLOWED", "POST")
    bare = request("/news/a", method="OPTIONS")
    yield refuses("a bot asks for options", bare, "METHOD_NOT_ALLOWED", "OPTIONS")
    for path in ("/.well-known/../news/a", "/%72obots.txt", "/.well-known/%2e%2e/news/a"):
        yield refuses(f"no reservation: {path}", request(path), "LICENCE_REQUIRED")


def observing() -> Iterator[Case]:
    """Yield what a site does that only looks on."""

    def noted(name: str, made: Case, reason: str, **more: Any) -> Case:
        said = {"x-rsl-status": "token_required", "x-rsl-reason": reason}
        seen = [visit(made, reason.upper(), let_through=True)]
        return passes(name, made, headers=said, visits=seen, **more)

    yield passes("a person reads", request("/news/a", ("user-agent", BROWSER)))
    yield noted("a bot without a token", request("/news/a"), "licence_required")
    shown = request("/news/a", ("authorization", "License {forged}"))
    yield noted("a forged token", shown, "invalid_token")
    yield noted("a withheld page", licensed("/news/withheld"), "withheld")
    yield noted("a foreign host", licensed("/news/a", ("host", "evil.example")), "unknown_host")
    posted = request("/news/a", ("content-length", "0"), method="POST")
    yield noted("a bot posts", posted, "method_not_allowed", body="Done.\n")
    yield serves("a licensed page", licensed("/news/a"))
    cached = licensed("/news/cached")
    yield serves("a licensed page that says it may be cached", cached, headers=CACHED)
    made = licensed("/news/accel")
    handed_over = serves("a licensed page is handed over", made, line=None)
    yield {
        **handed_over,
        "visits": [visit(made, "LEAVES_UNSEEN", let_through=True)],
        "needs": ["handing over"],
    }


def odd() -> Iterator[Case]:
    """Yield what a site does with rules of its own, by the byte, behind a proxy."""
    for agent in (
        "curl/8.0",
        "python-requests/2.32",
        "",
        "Scrapy/2.11",
        "FancyFetcher/1",
        "CCBot/2",
    ):
        made = request("/news/a", ("user-agent", agent))
        yield refuses(f"an agent is asked: {agent}", made, "LICENCE_REQUIRED")
    for agent in (BROWSER, BOT, "Feedly/1.0", "facebookexternalhit/1.1", "Opera/9.80"):
        yield passes(
            f"an agent passes: {agent}",
            request("/news/a", ("user-agent", agent)),
        )
    yield serves("a licensed page by the byte", licensed("/news/a"), line={"units": len(PAGE)})
    yield serves("a stream by the byte", licensed("/news/stream"), body=STREAM, line={"units": 14})
    shown = ("authorization", "License {forged}")
    guess = request("/news/a", shown, ("x-forwarded-for", "198.51.100.1, 192.0.2.1"))
    yield refuses("too many guesses", guess, "TOO_MANY_GUESSES", times=75)
    lied = request("/news/a", shown, ("x-forwarded-for", "192.0.2.1, 192.0.2.2"))
    yield refuses("a guess from elsewhere", lied, "INVALID_TOKEN")


def without_policy() -> Iterator[Case]:
    """Yield what a site does that has not heard from its node."""
    none = {"buy_at": None}
    yield passes("a person reads", request("/news/a", ("user-agent", BROWSER)))
    yield passes("a reservation is read", request("/license.xml"))
    yield refuses("a bot without a token", request("/news/a"), "LICENCE_REQUIRED", **none)
    yield refuses("a good token", licensed("/news/a"), "POLICY_UNAVAILABLE", **none)
    yield refuses(
        "a bad token", request("/a", ("authorization", "License x")), "POLICY_UNAVAILABLE", **none
    )
    malformed = request("/a", ("authorization", "License x y"))
    odd_header = "the header that should carry it is malformed"
    yield refuses("a malformed header", malformed, "LICENCE_REQUIRED", odd_header, **none)


def table() -> dict[str, Any]:
    """Return the whole file."""
    plain = [
        *people(),
        *served(),
        *handed_over(),
        *bound(),
        *unlicensed(),
        *outside(),
        *consent(),
        *ambiguous(),
    ]
    others = [
        *at("observing", observing()),
        *at("odd", odd()),
        *at("without a policy", without_policy()),
    ]
    return {"cases": [*plain, *others]}


if __name__ == "__main__":
    FILE.write_text(json.dumps(table(), indent=1, ensure_ascii=True) + "\n", encoding="ascii")
