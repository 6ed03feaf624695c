"""A lab's program at a hub: buy, ask for rights, crawl, report, read invoices (docs/client.md).

`AsyncLab` is for programs with an event loop, `Lab` for others; they do the same.
"""

from federation.access.bearers import ClientCredential, GivenBearer
from federation.signing.keys import SigningKey
from federation_client.awaited.crawling import AsyncCrawler
from federation_client.awaited.lab import AsyncLab
from federation_client.awaited.pages import AsyncPages, AsyncWorks
from federation_client.blocking.crawling import Crawler
from federation_client.blocking.lab import Lab
from federation_client.blocking.pages import Pages, Works
from federation_client.generated.answers import ExpectedInput as Expected
from federation_client.generated.words import RightsStatus
from federation_client.page import Page
from federation_client.refusals import (
    IncompleteError,
    NotRegisteredInTimeError,
    NotUnderstoodError,
    OutcomeUnknownError,
    RefusedError,
    ReportStoppedError,
)
from federation_client.usage import UsageLine, UsageReceipt

__all__ = [
    "AsyncCrawler",
    "AsyncLab",
    "AsyncPages",
    "AsyncWorks",
    "ClientCredential",
    "Crawler",
    "Expected",
    "GivenBearer",
    "IncompleteError",
    "Lab",
    "NotRegisteredInTimeError",
    "NotUnderstoodError",
    "OutcomeUnknownError",
    "Page",
    "Pages",
    "RefusedError",
    "ReportStoppedError",
    "RightsStatus",
    "SigningKey",
    "UsageLine",
    "UsageReceipt",
    "Works",
]
