"""The rules of EN 16931 that an invoice of ours can break, by their names; each is [] or a fault.

Written from the rules' own texts (CEN/TC 434), independent of what writes the invoice.
"""

from decimal import Decimal

from lxml import etree

UBL = "urn:oasis:names:specification:ubl:schema:xsd"
NS = {
    "b": f"{UBL}:CommonBasicComponents-2",
    "a": f"{UBL}:CommonAggregateComponents-2",
}
CATEGORIES = {"S", "Z", "AE", "O"}
# The order in which UBL 2.1 has the elements of a document that stand in ours.
ORDER = (
    *("CustomizationID", "ID", "IssueDate", "DueDate", "InvoiceTypeCode", "CreditNoteTypeCode"),
    *("Note", "DocumentCurrencyCode", "InvoicePeriod", "BillingReference"),
    *("ContractDocumentReference", "AccountingSupplierParty", "AccountingCustomerParty"),
    *("PaymentMeans", "TaxTotal", "LegalMonetaryTotal", "InvoiceLine", "CreditNoteLine"),
)
SELLER, BUYER = "a:AccountingSupplierParty/a:Party", "a:AccountingCustomerParty/a:Party"
ADDRESS, COUNTRY = "a:PostalAddress", "a:PostalAddress/a:Country/b:IdentificationCode"
NAME, VAT_ID = "a:PartyLegalEntity/b:RegistrationName", "a:PartyTaxScheme/b:CompanyID"
TOTAL, SUBTOTAL = "a:LegalMonetaryTotal", "a:TaxTotal/a:TaxSubtotal"


class Read:
    """A document and what stands at a path of it."""

    def __init__(self, body):
        self.root = etree.fromstring(body)
        self.kind = etree.QName(self.root).localname

    def texts(self, path, below=None):
        found = (self.root if below is None else below).findall(path, NS)
        return [each.text for each in found]

    def one(self, path, below=None):
        [text] = self.texts(path, below) or [None]
        return text

    def amount(self, path, below=None):
        return Decimal(self.one(path, below))

    @property
    def lines(self):
        return self.root.findall(f"a:{self.kind}Line", NS)


def broken(body):
    """Return the names of the rules that a document breaks."""
    read = Read(body)
    rules = {**_core(read), **_sums(read), **_tax(read)}
    return sorted(name for name, holds in rules.items() if not holds)


def _core(read):
    is_invoice = read.kind == "Invoice"
    names = [etree.QName(each).localname for each in read.root]
    places = [ORDER.index(name) for name in names]
    accounts = read.root.findall("a:PaymentMeans/a:PayeeFinancialAccount/b:ID", NS)
    codes = read.texts("a:PaymentMeans/b:PaymentMeansCode")
    seller_ids = [
        *read.texts(f"{SELLER}/a:PartyIdentification/b:ID"),
        *read.texts(f"{SELLER}/a:PartyLegalEntity/b:CompanyID"),
        *read.texts(f"{SELLER}/{VAT_ID}"),
    ]
    vat_ids = [
        (read.one(f"{side}/{COUNTRY}"), text)
        for side in (SELLER, BUYER)
        for text in read.texts(f"{side}/{VAT_ID}")
    ]
    return {
        "UBL-order": places == sorted(places),
        "BR-01": read.one("b:CustomizationID") == "urn:cen.eu:en16931:2017",
        "BR-02": bool(read.one("b:ID")),
        "BR-03": bool(read.one("b:IssueDate")),
        "BR-04": read.one(f"b:{read.kind}TypeCode") == ("380" if is_invoice else "381"),
        "BR-05": len(read.one("b:DocumentCurrencyCode")) == 3,
        "BR-06": bool(read.one(f"{SELLER}/{NAME}")),
        "BR-07": bool(read.one(f"{BUYER}/{NAME}")),
        "BR-08": read.root.find(f"{SELLER}/{ADDRESS}", NS) is not None,
        "BR-09": bool(read.one(f"{SELLER}/{COUNTRY}")),
        "BR-10": read.root.find(f"{BUYER}/{ADDRESS}", NS) is not None,
        "BR-11": bool(read.one(f"{BUYER}/{COUNTRY}")),
        "BR-16": len(read.lines) > 0,
        "BR-29": read.one("a:InvoicePeriod/b:StartDate") <= read.one("a:InvoicePeriod/b:EndDate"),
        "BR-49": len(codes) <= 1,
        "BR-50": not ({"30", "58"} & {*codes}) or len(accounts) == 1,
        "BR-55": is_invoice or bool(read.one("a:BillingReference/a:InvoiceDocumentReference/b:ID")),
        "BR-CO-09": all(text[:2] == {"GR": "EL"}.get(at, at) for at, text in vat_ids),
        "BR-CO-25": not is_invoice or bool(read.one("b:DueDate")),
        "BR-CO-26": bool(seller_ids),
    }


def _sums(read):
    currency = read.one("b:DocumentCurrencyCode")
    amounts = [each for each in read.root.iter() if "currencyID" in each.attrib]
    nets = [read.amount("b:LineExtensionAmount", line) for line in read.lines]
    quantity = "InvoicedQuantity" if read.kind == "Invoice" else "CreditedQuantity"
    net, tax = read.amount(f"{TOTAL}/b:TaxExclusiveAmount"), read.amount("a:TaxTotal/b:TaxAmount")
    gross = read.amount(f"{TOTAL}/b:TaxInclusiveAmount")
    prices = [read.amount("a:Price/b:PriceAmount", line) for line in read.lines]
    quantities = [read.amount(f"b:{quantity}", line) for line in read.lines]
    return {
        "BR-21": len({read.one("b:ID", line) for line in read.lines}) == len(read.lines),
        "BR-23": all(line.find(f"b:{quantity}", NS).get("unitCode") for line in read.lines),
        "BR-24": nets == [a * b for a, b in zip(prices, quantities, strict=True)],
        "BR-25": all(read.one("a:Item/b:Name", line) for line in read.lines),
        "BR-27": all(price >= 0 for price in prices),
        "BR-DEC": all(-Decimal(each.text).as_tuple().exponent <= 2 for each in amounts),
        "BR-CL-03": {each.get("currencyID") for each in amounts} == {currency},
        "BR-CO-10": read.amount(f"{TOTAL}/b:LineExtensionAmount") == sum(nets),
        "BR-CO-13": net == sum(nets),
        "BR-CO-14": tax == sum(map(Decimal, read.texts(f"{SUBTOTAL}/b:TaxAmount"))),
        "BR-CO-15": gross == net + tax,
        "BR-CO-16": read.amount(f"{TOTAL}/b:PayableAmount") == gross,
    }


def _tax(read):
    category = read.one(f"{SUBTOTAL}/a:TaxCategory/b:ID")
    percent = read.one(f"{SUBTOTAL}/a:TaxCategory/b:Percent")
    reason = read.one(f"{SUBTOTAL}/a:TaxCategory/b:TaxExemptionReason")
    of_item = "a:Item/a:ClassifiedTaxCategory"
    of_lines = {
        (read.one(f"{of_item}/b:ID", line), read.one(f"{of_item}/b:Percent", line))
        for line in read.lines
    }
    taxable = read.amount(f"{SUBTOTAL}/b:TaxableAmount")
    tax = read.amount(f"{SUBTOTAL}/b:TaxAmount")
    seller, buyer = read.texts(f"{SELLER}/{VAT_ID}"), read.texts(f"{BUYER}/{VAT_ID}")
    cent = Decimal(1).scaleb(read.amount(f"{SUBTOTAL}/b:TaxAmount").as_tuple().exponent)
    expected = (taxable * Decimal(percent or 0) / 100).quantize(cent, "ROUND_HALF_UP")
    is_taxed = category == "S"
    return {
        "BR-CO-04": of_lines == {(category, percent)},
        "BR-CO-17": tax == expected,
        "BR-CO-18": category in CATEGORIES,
        "BR-45": taxable == read.amount(f"{TOTAL}/b:TaxExclusiveAmount"),
        "BR-48": (percent is None) == (category == "O"),
        "BR-S-02": not is_taxed or bool(seller),
        "BR-S-05": not is_taxed or Decimal(percent) > 0,
        "BR-S-10": (reason is None) == (category in {"S", "Z"}),
        "BR-Z-02": category != "Z" or bool(seller),
        "BR-Z-09": is_taxed or tax == 0,
        "BR-AE-02": category != "AE" or bool(seller and buyer),
        "BR-AE-05": category != "AE" or Decimal(percent) == 0,
        "BR-O-02": category != "O" or not (seller or buyer),
    }
