"""People of a fixed story in the stateful world: whoever gets no answer asks again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from federation.values.party import HUB
from tests.stateful import paying
from tests.stateful.life import OFFICER, Life
from tests.stateful.world import Request


@dataclass
class Story:
    """The people of two months; whoever gets no answer asks again."""

    life: Life

    async def do(self, code: str, role: str, name: str, /, **variables: Any) -> Any:
        who = {OFFICER: "settlement", "settlement_approver": "approver"}.get(role)
        subject = who or {"licensing_officer": "licensing"}.get(role, "registry")
        return await self.ask(Request(code, subject, role, name, variables))

    async def ask(self, request: Request) -> Any:
        was_done = False
        while True:
            answer = await self.life.world.send(request)
            if answer.is_done or (was_done and not answer.died):
                return answer.value  # refused because the first time, unheard, it was done
            assert answer.died, f"{request}: {answer}"
            was_done |= answer.died == "after"

    async def officer(self, code: str, name: str, /, **variables: Any) -> Any:
        return await self.do(code, OFFICER, name, **variables)

    async def approver(self, code: str, name: str, /, **variables: Any) -> Any:
        return await self.do(code, "settlement_approver", name, **variables)

    async def drain(self) -> None:
        await self.life.world.drain()

    def at(self, month: int, day: int) -> None:
        self.life.world.clock.instant = datetime.fromisoformat(f"2026-{month:02d}-{day:02d}T12:00Z")

    async def one(self, code: str, query: str) -> Any:
        [[found]] = await self.life.rows(code, query)
        return found

    async def sell(self, code: str, lab: str, fee: int, **terms: Any) -> None:
        offered = {
            "licensee": lab,
            "components": [{"uses": ["TRAIN", "GROUND"], "fee": str(fee)}],
            "currency": "EUR",
            "startsOn": "2026-09-01",
            "endsOn": "2027-08-31",
            "usageBasis": "lab",
            "unclaimed": "hold",
            "reason": "as agreed",
        }
        key = f"{code}-{lab}"
        await self.do(code, "licensing_officer", "offerLicence", input=offered | terms, key=key)
        offer = await self.one(
            code, f"SELECT id FROM licensing_offer WHERE state = 'OFFERED' AND licensee = '{lab}'"
        )
        accept = {"offer": offer, "key": key}
        await self.ask(Request(code, f"buyer@{lab}", "lab", "acceptOffer", accept))

    async def use(self, code: str, who: str, key: str, *lines: tuple[str, str, int, str]) -> None:
        body = b"\n".join(
            msgspec.json.encode(
                {
                    "event_id": f"{key}-{place}",
                    "licence": licence,
                    "url": f"https://{page}",
                    "use": "TRAIN",
                    "units": units,
                    "occurred_at": f"{day}T10:00:00Z",
                }
            )
            for place, (licence, page, units, day) in enumerate(lines)
        )
        headers = {"Idempotency-Key": key, "Content-Type": "application/x-ndjson"}
        role = "lab" if who.startswith("buyer") else "site"
        await self.ask(Request(code, who, role, "/usage", {}, body, headers))

    async def bank(self, code: str, *booked: tuple[int, dict[str, Any]]) -> None:
        bank = self.life.bank(code, "GBP" if code == "GB" else "EUR")
        for minor, said in booked:
            bank.book(minor, self.life.today, **said)
        await self.file(code, bank.state(self.life.today, 8))

    async def file(self, code: str, content: bytes) -> None:
        headers = {"Content-Type": "application/xml"}
        await self.ask(Request(code, "settlement", OFFICER, "/banking/files", {}, content, headers))

    async def banks_speak(self) -> None:
        """Import what every bank has booked."""
        for bank in self.life.banks:
            if bank.waiting:
                await self.file(bank.code, bank.state(self.life.today, 4))

    async def entry(self, code: str, state: str = "OPEN") -> str:
        found = await self.life.rows(code, f"SELECT id FROM bank_entry WHERE state = '{state}'")
        return str(found[0][0]) if found else "0"

    async def run(self, period: str) -> str:
        query = (
            "SELECT run_id FROM settlement_run WHERE period = :period AND corrects IS NULL "
            "AND state <> 'WITHDRAWN'"
        )
        [[found]] = await self.life.rows(HUB, query, period=period)
        return str(found)

    async def pay_all(self, code: str, state: str = "PROPOSED") -> list[Any]:
        """Approve and export all there is; return what the bank has now."""
        query = f"SELECT payment_id FROM settlement_payment WHERE state = '{state}'"
        ids = [row[0] for row in await self.life.rows(code, query)]
        clerk = Request(code, "clerk", "settlement_approver", "approvePayments", {"ids": ids})
        await self.ask(clerk)  # not who confirmed an exclusion
        query = "SELECT DISTINCT currency FROM settlement_payment WHERE state = 'APPROVED'"
        for (currency,) in sorted(await self.life.rows(code, query)):
            day = self.life.today.isoformat()
            await self.officer(code, "exportPayments", currency=currency, valueOn=day)
        return await self.life.rows(code, paying.SENT)
