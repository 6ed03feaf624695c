"""What a browser is shown at the endpoint: our own files, and none of anybody else's."""

import json
import re
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from federation.schema import explorer
from tests.schema import probe

FOLDER = Path(explorer.__file__).parent / "graphiql"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def get(accept, **params):
    transport = httpx.ASGITransport(app=probe.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        return await client.get("/graphql", params=params, headers={"accept": accept})


async def test_a_browser_that_asks_nothing_is_shown_graphiql():
    response = await get(BROWSER)

    assert (response.status_code, response.text) == (200, explorer.PAGE)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; "
        "font-src data:; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json,text/html;q=0.9"])
async def test_a_program_that_asks_nothing_is_told_that_there_is_no_query(accept):
    response = await get(accept)

    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/json")


async def test_a_browser_that_asks_something_is_answered():
    response = await get(BROWSER, query="{ __typename }")

    assert response.json() == {"data": {"__typename": "Query"}}


def test_the_page_names_files_that_are_here_and_says_nothing_inline():
    named = re.findall(r'(?:href|src)="(.*?)"', explorer.PAGE)

    here = {f"{explorer.FILES_PATH}/{name}" for name in explorer.files()}
    assert set(named) - here == {"data:,"}
    assert "<style" not in explorer.PAGE
    assert not re.search(r"<script(?! defer src=)", explorer.PAGE)


def test_what_was_fetched_is_as_it_was_published_with_its_licence():
    told = json.loads((FOLDER / "versions.json").read_text(encoding="utf-8"))

    assert list(told) == ["react@18.3.1", "react-dom@18.3.1", "graphiql@3.9.0"]
    for package, files in told.items():
        assert f"{package.partition('@')[0]}.LICENSE.txt" in files
        for name, digest in files.items():
            assert sha256((FOLDER / name).read_bytes()).hexdigest() == digest
