"""A month of a lab at a hub, from the quote to the invoices: docs/client.md."""

from datetime import date
from pathlib import Path

from federation_client import AsyncLab, ClientCredential, Expected, RightsStatus, UsageLine


async def one_month(hub: str, client: ClientCredential, urls: list[str]) -> None:
    async with AsyncLab(hub, client) as lab:
        pages = Expected(node="DE", use="TRAIN", content_tier="premium", units=500_000)
        more = Expected(node="GB", use="TRAIN", content_tier="standard", units=200_000)
        offer = await lab.quote([pages, more], date(2026, 10, 1), date(2027, 9, 30))
        if offer.not_covered:  # in neither the price nor the licence
            raise LookupError(offer.not_covered)
        licence = await lab.buy(offer)
        await lab.registered(licence.number)
        rights = await lab.rights(urls, "TRAIN")
        key, lines = Path("crawl-key.pem"), list[UsageLine]()
        crawler = lab.crawler(licence.number, key, user_agent="lab-bot/1.0")
        for item in rights.items:
            if item.status == RightsStatus.LICENSABLE:
                page = await crawler.get(item.url, use="TRAIN")
                if page.is_served:
                    lines.append(crawler.line(item.url, use="TRAIN"))
        await lab.report(lines, key="2026-10")
        async for invoice in lab.invoices():
            print(invoice.licence, invoice.net.minor, invoice.open.minor, invoice.open.currency)
