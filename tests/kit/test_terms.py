"""Which documents are kept and served as a site's terms: the JavaScript gate and the Python one."""

import pytest

from federation.site.terms import MalformedTermsError, require_terms
from tests.kit.javascript import bridge, needs_node

NS = "https://rslstandard.org/rsl"
ROOT = f'<rsl xmlns="{NS}">'
KEPT = [
    f"{ROOT}</rsl>",
    f'<rsl xmlns="{NS}"/>',
    f"<rsl xmlns='{NS}'/>",
    f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- terms -->\n{ROOT}\n</rsl>\n<!-- end -->',
    f"\ufeff{ROOT}</rsl>",
    f'<r:rsl xmlns:r="{NS}"><r:content url="/"/></r:rsl>',
    f'{ROOT}<content url="https://pub.example/?a=1&amp;b=2"><license/></content></rsl>',
    f"{ROOT}a &#169; &#xA9; &lt;<![CDATA[<&]]></rsl>",
    f"{ROOT}<?note here?></rsl>",
    f'<rsl\n  xmlns = "{NS}"\n  max-age="7"\n></rsl >',
]
SET_ASIDE = [
    "",
    "terms",
    "<html></html>",
    "<rsl></rsl>",
    '<rsl xmlns="https://evil.example/rsl"></rsl>',
    f'<other xmlns="{NS}"/>',
    f'<x:rsl xmlns="{NS}"/>',
    f'<x:rsl xmlns:y="{NS}"/>',
    f"<!DOCTYPE rsl>{ROOT}</rsl>",
    f'<!DOCTYPE rsl [<!ENTITY a "b">]>{ROOT}&a;</rsl>',
    f"{ROOT}&a;</rsl>",
    f"{ROOT}&</rsl>",
    f"{ROOT}<content></rsl>",
    f"{ROOT}</content></rsl>",
    f"{ROOT}<a><b></a></b></rsl>",
    f"{ROOT}</rsl>{ROOT}</rsl>",
    f"{ROOT}</rsl>text",
    f"text{ROOT}</rsl>",
    f"{ROOT}<a b='1' b='2'/></rsl>",
    f"{ROOT}<a b=1/></rsl>",
    f"{ROOT}<a b='<'/></rsl>",
    f"{ROOT}]]></rsl>",
    f"{ROOT}<!-- a -- b --></rsl>",
    f"{ROOT}\x01</rsl>",
    f"{ROOT}",
    f' <?xml version="1.0"?>{ROOT}</rsl>',
    f"{ROOT}<?xml version='1.0'?></rsl>",
]


def is_kept(text):
    try:
        require_terms(text.encode())
    except MalformedTermsError:
        return False
    return True


def test_python_keeps_what_is_rsl_and_nothing_else():
    assert [text for text in KEPT if not is_kept(text)] == []
    assert [text for text in SET_ASIDE if is_kept(text)] == []


@needs_node
@pytest.mark.parametrize(("texts", "kept"), [(KEPT, True), (SET_ASIDE, False)])
def test_javascript_keeps_the_same(texts, kept):
    with bridge() as gate:
        found = gate.ask("rsl", texts=texts)

    assert [text for text, is_so in zip(texts, found, strict=True) if is_so is not kept] == []
