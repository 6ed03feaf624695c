"""A prohibition more or a permission less never opens what was closed, whatever the document."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.rsl.evaluating import Asked, State, evaluate, judge
from federation.rsl.reading import read
from federation.rsl.xml import BadTermsError

ORDER = list(reversed(State))
HOST = "https://pub.example"
URLS = ["/", "/news", "/news/*", "/***********", f"{HOST}/news", "https://other.example/"]
URLS += ["*", "news/", "//pub.example/", "https://*.pub.example/", "/n*a$"]
PAGES = ["/", "/news/a", "//news/a", "/news%2fa"]
RULES = {
    "usage": ["all", "ai-all", "ai-train", "search", "ai-train search", "", "trian"],
    "geo": ["US", "EU", "UK", "EL GR", "de", ""],
    "user": ["commercial", "personal", "Commercial", ""],
}
PRICES = ["", "<amount>1</amount>", "<standard>https://h/b</standard>"]
QUESTIONS = [
    Asked(HOST + page, usage, user=user, country=country)
    for page in PAGES
    for usage in ("ai-train", "search")
    for user, country in ((None, None), ("commercial", "US"), ("Personal", "gr"))
]
SPACES = ["", ' xmlns=""', ' xmlns="http://rslstandard.org/rsl"']


@st.composite
def rules(draw, name, spaces=("",)):
    kind = draw(st.sampled_from(sorted(RULES)))
    words, space = draw(st.sampled_from(RULES[kind])), draw(st.sampled_from(list(spaces)))
    return f'<{name}{space} type="{kind}">{words}</{name}>'


@st.composite
def licences(draw):
    parts = ['<permits type="usage">all</permits>'] if draw(st.integers(0, 3)) else []
    parts += draw(st.lists(rules("permits"), max_size=1))
    parts += draw(st.lists(rules("prohibits"), max_size=1)) if not draw(st.integers(0, 3)) else []
    kind, price = (
        draw(st.sampled_from(["free", "attribution", "use"])),
        draw(st.sampled_from(PRICES)),
    )
    parts.append(f'<payment type="{kind}">{price}</payment>')
    return f"<license>{''.join(parts)}</license>"


@st.composite
def documents(draw):
    found = ""
    for url in draw(st.lists(st.sampled_from(URLS), min_size=1, max_size=3)):
        offered = draw(st.lists(licences(), min_size=1, max_size=2))
        found += f'<content url="{url}">{"".join(offered)}</content>'
    return f'<rsl xmlns="https://rslstandard.org/rsl">{found}</rsl>'


def states(text):
    """Judge a document for every question: it is read once for all of them."""
    data = text.encode()
    try:
        document = read(data)
    except BadTermsError:
        return [judge(data, asked).state for asked in QUESTIONS]
    return [evaluate(document, asked).state for asked in QUESTIONS]


def assert_no_more(after, before):
    for new, old in zip(states(after), states(before), strict=True):
        assert ORDER.index(new) <= ORDER.index(old), (before, after)


@settings(max_examples=200)
@given(documents(), st.data())
def test_a_prohibition_more_never_opens_anything(text, data):
    places = [found.end() for found in re.finditer("<[^/][^>]*>", text)]
    at = data.draw(st.sampled_from(places))
    more = data.draw(rules("prohibits", SPACES))

    assert_no_more(text[:at] + more + text[at:], text)


@settings(max_examples=200)
@given(documents(), st.data())
def test_a_permission_less_never_opens_anything(text, data):
    """A list that is there is closed: with a word less it is less, though it be empty then."""
    words = list(re.finditer(r"(?<=[> ])[A-Za-z-]+(?=[^<>]*</permits>)", text))
    if words:
        word = data.draw(st.sampled_from(words))

        assert_no_more(text[: word.start()] + text[word.end() :], text)


@settings(max_examples=100)
@given(documents(), st.data())
def test_a_content_that_only_prohibits_never_opens_anything(text, data):
    url, rule = data.draw(st.sampled_from(URLS)), data.draw(rules("prohibits"))
    more = f'<content url="{url}"><license>{rule}</license></content></rsl>'

    assert_no_more(text.replace("</rsl>", more), text)
