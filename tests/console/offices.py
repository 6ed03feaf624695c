"""People at work in a browser, each in a window of their own: what the story of the month plays."""

import json
import re
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from federation.practice.people import PEOPLE, address_of
from federation.practice.servers import Request
from federation.practice.sign_in import PASSWORD

SECONDS = 60  # for a page on a busy machine


@dataclass
class Month:
    """The practice federation, its folder, and the browser in which it is looked at."""

    practice: Any
    folder: Path
    browser: Any
    pictures: Path | None = None
    wrong: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    offices: dict[str, "Office"] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    async def world(self, act: str, of: str = "") -> None:
        """Let a day pass, or a node fail, as `federation practice` does."""
        await self.practice.do(Request(act, of))

    async def at(self, name: str, path: str) -> "Office":
        """Open a page as somebody, who signs in wherever that is asked."""
        if name not in self.offices:
            [person] = [each for each in PEOPLE if each.name == name]
            context = await self.browser.new_context(locale="en", viewport=WINDOW)
            page = await context.new_page()
            page.set_default_timeout(SECONDS * 1_000)
            page.on("pageerror", lambda error: self.wrong.append(str(error)))
            page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
            url = address_of(self.folder, person)
            self.offices[name] = Office(self, person.known_as, page, url)
        office = self.offices[name]
        await office.open(path)
        return office


WINDOW = {"width": 1280, "height": 900}


@dataclass
class Office:
    """A person's window at a server."""

    month: Month
    subject: str
    page: Any
    url: str

    async def open(self, path: str) -> None:
        """Open a page; a session that is over begins anew with the password."""
        await self.page.goto(f"{self.url}{path}")
        if await self.page.locator("header a.button").count():  # a page for everybody: sign in
            await self.page.click("header a.button")
        if urlsplit(self.page.url).path == "/sign-in":
            await self.page.fill("#subject", self.subject)
            await self.page.fill("#password", PASSWORD)
            async with self.page.expect_navigation():
                await self.page.click("button:has-text('Sign in')")
        assert self.page.url == f"{self.url}{path}"
        await self._picture()

    async def do(self, act: str, row: str = "", button: str = "", **typed: str) -> str:
        """Fill in the form of an act and press its button; return what is said then.

        `typed` are fields by their names, `_` in the place of a point; `button` is its text where
        the form has several.
        """
        await self._send(act, row, button, typed)
        alerts = await self.page.locator("main > [role=alert]").all_inner_texts()
        assert alerts == []
        said: str = await self.page.inner_text("main > .flash[role=status]")
        await self.month.practice.settled()
        return said

    async def refused(self, act: str, row: str = "", **typed: str) -> str:
        """Send a form that is refused; return the code."""
        await self._send(act, row, "", typed)
        code: str = await self.page.inner_text("main > [role=alert] code")
        return code

    async def upload(self, file: Path) -> dict[str, str]:
        """Upload a file by the script of the page; return what it says of it."""
        form = self.page.locator("form[data-to]")
        await self._open_details(form)
        await form.locator("[type=file]").set_input_files(file)
        await form.locator("button").click()
        await self.page.wait_for_selector("#verdict [data-when=taken]:not([hidden])")
        await self._picture()
        found = await self.page.locator("#verdict [data-of]").evaluate_all(
            "all => Object.fromEntries(all.map((each) => [each.dataset.of, each.textContent]))"
        )
        await self.month.practice.settled()
        return dict(found)

    async def rows(self, label: str) -> list[list[str]]:
        """Return what the cells of a table say, spaces as one."""
        table = self.page.locator(f".scroll[aria-label={json.dumps(label)}] tbody tr")
        found = await table.evaluate_all(
            "rows => rows.map((row) => [...row.cells].map((cell) => cell.innerText))"
        )
        return [[re.sub(r"\s+", " ", text).strip() for text in row] for row in found]

    async def facts(self) -> dict[str, str]:
        """Return the facts of a page by their names."""
        found = await self.page.locator(".facts div").evaluate_all(
            "all => all.map((each) => [...each.children].map((one) => one.innerText))"
        )
        return {name: re.sub(r"\s+", " ", value) for name, value in found}

    async def _send(self, act: str, row: str, button: str, typed: dict[str, str]) -> None:
        of_row = f":has([name=row][value={json.dumps(row)}])" if row else ""
        form = self.page.locator(f"form:has([name=act][value={json.dumps(act)}]){of_row}").first
        await self._open_details(form)
        for name, value in typed.items():
            of_name = form.locator(f"[name={json.dumps(name.replace('_', '.'))}]")
            if name.startswith("kind"):
                await of_name.select_option(value)
            elif value == "on":
                await of_name.check()
            else:
                await of_name.fill(value)
        pressed = form.locator(f"button:has-text({json.dumps(button)})" if button else "button")
        async with self.page.expect_navigation():
            await pressed.last.click()
        await self._picture()

    async def _open_details(self, form: Any) -> None:
        """Open what the form is folded into."""
        await form.evaluate(
            "form => { const folded = form.closest('details'); if (folded) folded.open = true; }"
        )

    async def _picture(self) -> None:
        if self.month.pictures is not None:
            name = f"month-{next(self.month.numbers):03}-{self.subject}.png"
            await self.page.screenshot(path=self.month.pictures / name, full_page=True)
