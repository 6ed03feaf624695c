"""An invoice with all that one may say."""

from datetime import date

from federation.documents.charged import Charged
from federation.documents.vat import Vat
from federation.documents.writers import invoice
from federation.values.invoicing import InvoiceParty
from tests.documents.sheets import a_licence

SELLER = InvoiceParty("Wort & Bild e. V.", "Weidenstraße 5", "München", "DE", "81543")
BUYER = InvoiceParty("株式会社 AI", "1-1 Marunouchi", "Tokyo", "JP")


def an_invoice():
    charged = Charged(SELLER, BUYER, Vat("S", 1950), "DE89370400440532013000")
    days = (date(2026, 8, 31), date(2026, 9, 30))
    return invoice("INV-HUB-000001", a_licence(), *days, charged).as_json()
