"""Every screen as a browser shows it: light and dark, wide and narrow, held to WCAG 2.2 AA by axe.

`make test-browser` runs this; it needs Chromium and, for axe-core, npm. A screen is looked at light
and wide, and dark and narrow; with `ARGS=--all` also the other way round. `ARGS="--pictures
FOLDER"` keeps a picture of each.
"""

import json
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from federation.edge.sessions import SESSION_COOKIE, place_of
from federation.values.party import HUB
from tests.console.screens import AUDITOR, SCREENS, Screen
from tests.console.visitors import signed_in
from tests.federation.conftest import settled  # noqa: F401 - a fixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[2] / "tools" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXE_RUN = f"axe.run({json.dumps({'runOnly': RULES, 'resultTypes': ['violations']})})"
WIDTHS = {1280: 900, 390: 844}
LOOKS = [(1280, "light"), (390, "dark")]
OTHER_LOOKS = [(1280, "dark"), (390, "light")]
BYTES_MAX = 150_000  # of a page with its style and script
SWITCHED_OFF = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """A headless Chromium of this machine."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.exit("There is no Chromium here: apt-get install chromium", returncode=2)
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=SWITCHED_OFF)
        yield launched
        await launched.close()


@pytest.fixture
def pictures(request):
    """The folder for pictures, None where none are kept."""
    given = request.config.getoption("--pictures")
    return None if given is None else Path(given)


@pytest.fixture
def looks(request):
    """How a screen is looked at: in which widths and schemes."""
    return [*LOOKS, *(OTHER_LOOKS if request.config.getoption("--all") else [])]


async def look(page, width, scheme):
    """Show a page that is open in a width and a scheme: it follows without being loaded again."""
    await page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    await page.emulate_media(color_scheme=scheme)


@asynccontextmanager
async def opened(small, browser, screen):
    """Open a page of a screen's person, with what it does: (page, requests, errors, answers)."""
    server = small.keepers[screen.code].service.server
    context = await browser.new_context(locale=screen.language)
    if screen.subject is not None:
        visitor = await signed_in(server, None, screen.subject, screen.role)
        cookie = {"name": place_of(server).cookie(SESSION_COOKIE), "value": visitor.secret}
        await context.add_cookies([{**cookie, "url": server.url}])
    page = await context.new_page()
    asked, wrong, answers = [], [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - needs a name
    yield page, asked, wrong, answers
    await context.close()


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
async def test_a_screen_is_accessible_and_asks_no_other_host(
    settled,  # noqa: F811 - as above
    browser,
    pictures,
    looks,
    screen,
):
    url = settled.keepers[screen.code].service.server.url
    path = await screen.path_at(settled)
    found = {}
    async with opened(settled, browser, screen) as (page, asked, wrong, answers):
        answer = await page.goto(f"{url}{path}")
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        for width, scheme in looks:
            await look(page, width, scheme)
            if pictures is not None:
                file = pictures / f"{screen.name}-{width}-{scheme}.png"
                await page.screenshot(path=file, full_page=True)
            violations = (await page.evaluate(AXE_RUN))["violations"]
            found[width, scheme] = [_said(each) for each in violations]
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[width, scheme].append("too wide")
        size = sum([len(await each.body()) for each in answers])

    assert answer.status == screen.status
    assert found == {each: [] for each in looks}
    assert {urlsplit(each).netloc for each in asked} - {""} == {urlsplit(url).netloc}
    assert [text for text in wrong if screen.status == 200] == []
    assert size < BYTES_MAX


async def test_graphiql_asks_with_the_session_of_who_looks(settled, browser):  # noqa: F811 - as above
    screen = Screen("graphiql", HUB, "", *AUDITOR)
    url = settled.keepers[HUB].service.server.url
    async with opened(settled, browser, screen) as (page, asked, wrong, _):
        await page.goto(f"{url}/graphql#query={quote('{ ownAccount { subject } }')}")
        async with page.expect_response(_is_of_own_account) as answered:
            await page.click(".graphiql-execute-button")
        answer = await (await answered.value).json()

    assert "errors" not in answer
    assert answer["data"] == {"ownAccount": {"subject": "auditor"}}
    assert {urlsplit(each).netloc for each in asked} - {""} == {urlsplit(url).netloc}
    assert wrong == []


def _is_of_own_account(response):
    """Tell it from the answer about the schema, for which GraphiQL asks by itself."""
    return "{ ownAccount {" in (response.request.post_data or "")


def _said(violation):
    return violation["id"], [node["html"] for node in violation["nodes"]]
