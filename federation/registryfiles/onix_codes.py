"""The code lists of ONIX 3 as far as works have a place for what they say; and its short tags."""

from collections.abc import Mapping
from typing import Final

# Reference names of the elements read, by their short tags.
SHORT_TAGS: Final[Mapping[str, str]] = {
    "product": "Product",
    "a001": "RecordReference",
    "a002": "NotificationType",
    "productidentifier": "ProductIdentifier",
    "b221": "ProductIDType",
    "b244": "IDValue",
    "descriptivedetail": "DescriptiveDetail",
    "b012": "ProductForm",
    "titledetail": "TitleDetail",
    "b202": "TitleType",
    "titleelement": "TitleElement",
    "x409": "TitleElementLevel",
    "b203": "TitleText",
    "b030": "TitlePrefix",
    "b031": "TitleWithoutPrefix",
    "b029": "Subtitle",
    "contributor": "Contributor",
    "b034": "SequenceNumber",
    "b035": "ContributorRole",
    "b036": "PersonName",
    "b037": "PersonNameInverted",
    "b039": "NamesBeforeKey",
    "b040": "KeyNames",
    "b047": "CorporateName",
    "language": "Language",
    "b253": "LanguageRole",
    "b252": "LanguageCode",
    "publishingdetail": "PublishingDetail",
    "publisher": "Publisher",
    "b291": "PublishingRole",
    "b081": "PublisherName",
    "publishingdate": "PublishingDate",
    "x448": "PublishingDateRole",
    "b306": "Date",
}

# List 17. Written is the first code of a role.
ROLES: Final[Mapping[str, str]] = {
    "A01": "AUTHOR",
    "A02": "AUTHOR",
    "B01": "EDITOR",
    "B09": "EDITOR",
    "B11": "EDITOR",
    "B06": "TRANSLATOR",
    "A12": "ILLUSTRATOR",
    "A08": "PHOTOGRAPHER",
    "A13": "PHOTOGRAPHER",
    "A07": "ARTIST",
    "A06": "COMPOSER",
    "A05": "LYRICIST",
    "A04": "LYRICIST",
    "E08": "PERFORMER",
    "E07": "PERFORMER",
    "E01": "PERFORMER",
    "Z99": "OTHER",
}
ROLE_CODES: Final[Mapping[str, str]] = {ROLES[code]: code for code in list(ROLES)[::-1]}

# List 150, by the first letter of a form.
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "A": "RECORDING",
    "B": "BOOK",
    "E": "BOOK",
    "V": "VIDEO",
}
FORMS: Final[Mapping[str, str]] = {"BOOK": "BA", "RECORDING": "AA", "VIDEO": "VA"}
OTHER_FORM: Final = "ZZ"

# List 5. An EAN (03) is an ISBN where it begins with 978 or 979.
ID_TYPES: Final[Mapping[str, str]] = {"02": "ISBN", "03": "ISBN", "15": "ISBN", "06": "DOI"}
ID_TYPE_CODES: Final[Mapping[str, str]] = {"ISBN": "15", "DOI": "06"}

# List 74 (ISO 639-2/B) and the two letters that BCP 47 has for the same language.
_LANGUAGES: Final = (
    "alb:sq ara:ar arm:hy baq:eu bul:bg cat:ca chi:zh cze:cs dan:da dut:nl eng:en est:et fin:fi"
    " fre:fr geo:ka ger:de gle:ga gre:el heb:he hin:hi hrv:hr hun:hu ice:is ita:it jpn:ja kor:ko"
    " lat:la lav:lv lit:lt mac:mk nor:no per:fa pol:pl por:pt rum:ro rus:ru slo:sk slv:sl spa:es"
    " srp:sr swe:sv tur:tr ukr:uk wel:cy"
)
LANGUAGES: Final[Mapping[str, str]] = {pair[:3]: pair[4:] for pair in _LANGUAGES.split()}
LANGUAGE_CODES: Final[Mapping[str, str]] = {two: three for three, two in LANGUAGES.items()}
