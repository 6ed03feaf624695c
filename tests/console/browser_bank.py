"""The bank desk by keyboard alone, in a browser: a file is uploaded, and reconciled to the cent."""

import httpx
import pytest
import pytest_asyncio

from federation.edge.sessions import SESSION_COOKIE, place_of
from tests.banking.counter import states
from tests.console.bank_desk import FILE, OFFICER, bank_house, register
from tests.console.browser import AXE, AXE_RUN, _said, browser, look, looks, pictures  # noqa: F401 - fixtures
from tests.console.visitors import signed_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = {
    "bank-match": "/reconciliation",
    "bank-entry": "/reconciliation/entries/6?suggestion=1",
    "bank-exceptions": "/reconciliation/exceptions",
    "bank-files": "/reconciliation/files",
    "bank-statement": "/reconciliation/statements/1",
    "bank-held": "/reconciliation/held",
    "bank-limits": "/reconciliation/limits",
    "why": "/why?number=INV-HUB-000001",
    "why-uses": "/why/uses",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(any_backend, tmp_path_factory):
    async with bank_house(any_backend, tmp_path_factory.mktemp("hub")) as place:
        yield place


@pytest_asyncio.fixture(loop_scope="session")
async def opened(desk, browser):  # noqa: F811 - as above
    """What opens a page as an officer."""
    server = desk.service.server
    async with httpx.AsyncClient(timeout=30) as http:
        alice = await signed_in(server, http, "alice", OFFICER)
        await register(alice)
    cookie = {"name": place_of(server).cookie(SESSION_COOKIE), "value": alice.secret}

    async def act():
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        await context.add_cookies([{**cookie, "url": server.url}])
        page = await context.new_page()
        page.wrong = []
        page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else 0)
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.at = server.url
        return page

    return act


async def test_a_file_is_uploaded_and_reconciled_by_keyboard_alone(desk, opened):
    page = await opened()
    await page.goto(f"{page.at}/reconciliation/files")
    for verdict in ("new", "again"):
        file = {"name": "bank.xml", "mimeType": "application/xml", "buffer": FILE}
        await page.set_input_files("[type=file]", file)
        await page.locator("#bank-file button").press("Enter")
        await page.wait_for_selector(f"[data-when={verdict}]:not([hidden])")
    assert await page.inner_text("[data-of=known]") == "0"
    assert not await page.is_visible("[data-when=refused]")
    assert await page.inner_text("#as-it-is .state") == "✓ adds up"

    await page.goto(f"{page.at}/reconciliation")
    for key in ("j", "c"):  # the first row, its suggestion
        await page.keyboard.press(key)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await page.keyboard.press("j")  # entry 2 is the first one now
    await page.keyboard.press("Space")
    while await page.evaluate("document.activeElement.id") != "item.INVOICE.HUB-000002":
        await page.keyboard.press("j")
    await page.keyboard.press("Space")
    before = await page.inner_text("#sums")
    await page.keyboard.press("c")
    for key in ("Tab", "Enter", "Tab", "Tab"):  # to the differences, open, past the table's frame
        await page.keyboard.press(key)
    await page.keyboard.type("bank charge")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("-10.00")
    after = await page.inner_text("#sums")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    done = await page.inner_text("[role=status]")

    assert before.split("\t")[1:] == [
        "2,490.00\u00a0EUR",
        "2,500.00\u00a0EUR",
        "\u221210.00\u00a0EUR",
    ]
    assert after.split("\t")[3] == "✓ 0.00\u00a0EUR"
    assert done.startswith("Said what it was for")
    assert page.wrong == []
    assert (await states(desk.database))[:3] == [(1, "SETTLED"), (2, "SETTLED"), (3, "OPEN")]


async def test_its_screens_are_accessible(opened, pictures, looks):  # noqa: F811 - as above
    page = await opened()
    found = {}
    await page.goto(f"{page.at}/reconciliation/entries/6")
    for act, text in (("entry-take", None), ("entry-comment", "The lab looks for its order.")):
        form = page.locator(f"form:has([value={act}])")
        if text is not None:
            await form.locator("textarea").fill(text)
        async with page.expect_navigation():
            await form.locator("button").click()
    for name, path in PAGES.items():
        await page.goto(f"{page.at}{path}")
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        if name == "bank-match":
            await page.locator("#match summary").click()
        for width, scheme in looks:
            await look(page, width, scheme)
            if pictures is not None:
                file = pictures / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=file, full_page=True)
            violations = (await page.evaluate(AXE_RUN))["violations"]
            found[name, width, scheme] = [_said(each) for each in violations]
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found[name, width, scheme].append("too wide")

    assert found == {(name, *each): [] for name in PAGES for each in looks}
    assert page.wrong == []
