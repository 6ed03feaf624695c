"""Files as publishers have them: what has one meaning is read, what has not is refused by row."""

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.registryfiles.columns import TABLES
from federation.registryfiles.csv_reader import _HINT
from federation.registryfiles.formats import UnknownFormatError, reader_of, require_format
from federation.registryfiles.rows import ROW_BYTES_MAX, BadRegistryFileError, FileFormat, FileKind
from federation.registryfiles.sitemaps import page_id
from federation.registryimports.intake import Unpacked
from federation.works.work import DraftCreator

CSV, ONIX, SITEMAP = FileFormat.CSV, FileFormat.ONIX, FileFormat.SITEMAP


def read(form, data, part=64 * 1024):
    """Return the reader and the rows of a file that comes in parts."""
    reader, rows = reader_of(FileKind.WORKS, form), []
    for start in range(0, len(data), part):
        rows += reader.feed(data[start : start + part])
    return reader, rows + list(reader.end())


def titles(data):
    _, rows = read(CSV, data)
    return [row.draft.title if row.draft else row.fault for row in rows]


@pytest.mark.parametrize(
    ("data", "read_as"),
    [
        ("work_id,title\nW-1,Über\n".encode(), "CSV, commas, UTF-8"),
        ("\ufeffwork_id,title\r\nW-1,Über\r\n".encode(), "CSV, commas, UTF-8"),
        ("work_id;title\r\nW-1;Über".encode("cp1252"), "CSV, semicolons, Windows-1252"),
        ('"title"\t"work_id"\nÜber\tW-1\n'.encode(), "CSV, tabs, UTF-8"),
        ('work_id,title\n"W-1","Über"\n'.encode(), "CSV, commas, UTF-8"),
    ],
)
def test_csv_is_read_as_spreadsheets_write_it(data, read_as):
    reader, [row] = read(CSV, data)

    assert (reader.read_as, row.place, row.thing, row.draft.title) == (
        read_as,
        "line 2",
        "W-1",
        "Über",
    )


def test_a_cell_in_quotes_holds_line_breaks_separators_and_quotes():
    data = b'work_id,title\nW-1,"a ""b"",\nc"\nW-2,d\n'

    _, rows = read(CSV, data)

    assert [(row.place, row.draft.title) for row in rows] == [
        ("line 2", 'a "b",\nc'),
        ("line 4", "d"),
    ]


QUOTE = f"a quote within a cell: {_HINT}"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (
            b'W-1,5" disk\nW-2,b',
            [QUOTE, "b"],
        ),
        (b"W-1\nW-2,b", ["1 cells instead of 2", "b"]),
        (b"W-1,a,b\nW-2,b", ["3 cells instead of 2", "b"]),
        (b"\n\r\nW-2,b", ["b"]),
        (b",\r\nW-2,b\r\n,", ["b"]),
        (b",,\nW-2,b\n,x", ["b", "x"]),
        (b"W-1,'=SUM(A1)\nW-2,'b", ["=SUM(A1)", "'b"]),
        (
            "W-1,é\n".encode() + b"W-2,\xe9\n",
            ["é", "byte 5 is no UTF-8, while lines before are"],
        ),
        (
            b"W-1,\xe9\n" + "W-2,é\n".encode(),
            ["é", "UTF-8, while lines before are Windows-1252"],
        ),
        (b"W-1,\x81\nW-2,b", ["byte 5 is neither UTF-8 nor Windows-1252", "b"]),
        (b"W-1," + b"x" * ROW_BYTES_MAX + b"\nW-2,b", ["longer than 1048576 bytes", "b"]),
    ],
)
def test_a_row_of_two_meanings_is_refused_and_the_next_one_read(rows, found):
    assert titles(b"work_id,title\n" + rows) == found


@pytest.mark.parametrize(
    ("instant", "reason"),
    [
        ("0001-01-01T00:00:00+00:01", "`starts_at` is in no year of UTC"),
        ("9999-12-31T23:59:59-00:01", "`starts_at` is in no year of UTC"),
        ("0001-01-01T00:00:00Z", ""),
        ("9999-12-31T23:59:59.999999Z", ""),
    ],
)
@pytest.mark.parametrize("kind", list(FileKind))
def test_an_instant_that_utc_has_no_year_for_is_a_refused_row(kind, instant, reason):
    of = TABLES[kind]
    names = [of.id, *of.required, of.starts_at]
    cells = ["X-1", *(["x"] * len(of.required)), instant]
    line = msgspec.json.encode(dict(zip(names, cells, strict=True)))
    table = f"{','.join(names)}\n{','.join(cells)}".encode()

    rows = []
    for form, data in ((FileFormat.NDJSON, line), (CSV, table)):
        reader = reader_of(kind, form)
        rows += [*reader.feed(data), *reader.end()]

    assert [row.fault for row in rows] == [
        reason.replace("starts_at", of.starts_at),
        reason and f"{of.starts_at}: no RFC 3339 time: {instant!r}",
    ]
    assert [row.draft is None for row in rows] == [reason != ""] * 2


@pytest.mark.parametrize(
    ("form", "data", "detail"),
    [
        (CSV, b"", "line 1: no header row"),
        (CSV, b"work_id\ntitle", "line 1: missing column: title"),
        (CSV, b"work_id,name\n", "line 1: unknown columns: name"),
        (CSV, b"work_id;title;;\n", "line 1: unknown columns: (empty), (empty)"),
        (CSV, b"work_id,title\rW-1,a\r", "line 1: lines end with CR alone: LF or CR LF is read"),
        (CSV, b"title,languages\n", "line 1: missing column: work_id"),
        (CSV, b"work_id,title,title\n", "line 1: column title is there twice"),
        (
            CSV,
            "work_id,title".encode("utf-16"),
            "line 1: UTF-16 is not read: save the file as UTF-8",
        ),
        (
            CSV,
            b'work_id,title\nW-1,"' + b"x\n" * ROW_BYTES_MAX,
            "line 2: a quote is opened and not closed within 1048576 characters",
        ),
        (ONIX, b"<!DOCTYPE a><ONIXMessage/>", "line 1: a document type (DOCTYPE) is not read"),
        (ONIX, b"<a/>" + b" " * 99, "line 1: 'a' is no message of ONIX 3"),
        (ONIX, b"<a><b/></a>", "line 1: 'a' is no message of ONIX 3"),
        (ONIX, b"<ONIXMessage>" + b"<a>" * 40, "line 1: deeper than 32 levels"),
        (
            ONIX,
            b"<ONIXMessage>" + b" " * 2**21,
            "the last record: no record ends within 1048576 bytes",
        ),
        (ONIX, b"\xff\xfe<\x00", "line 1: encoding 'utf-8' is not read: use UTF-8"),
        (ONIX, b"PK\x03\x04", "line 1: what is no XML is not read"),
        (ONIX, b"<ONIXMessage>\n<a>&nbsp;</a>", "line 2: Entity 'nbsp' not defined"),
        (
            SITEMAP,
            b"<sitemapindex><sitemap/></sitemapindex>",
            "line 1: a list of sitemaps: send the sitemaps it names",
        ),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_place(form, data, detail):
    with pytest.raises(BadRegistryFileError) as refused:
        read(form, data)

    assert refused.value.detail == detail


PRODUCT = b"""<Product><RecordReference>com.x.1</RecordReference>
<ProductIdentifier><ProductIDType>03</ProductIDType><IDValue>9783161484100</IDValue>
</ProductIdentifier><ProductIdentifier><ProductIDType>06</ProductIDType><IDValue>10.1/a</IDValue>
</ProductIdentifier><DescriptiveDetail><ProductForm>BC</ProductForm><TitleDetail>
<TitleType>01</TitleType><TitleElement><TitleElementLevel>01</TitleElementLevel>
<TitlePrefix>The</TitlePrefix><TitleWithoutPrefix>Salt &amp; Sea</TitleWithoutPrefix>
<Subtitle>A <i>history</i></Subtitle></TitleElement></TitleDetail>
<Contributor><SequenceNumber>2</SequenceNumber><ContributorRole>B06</ContributorRole>
<PersonName>Bo Ek</PersonName></Contributor>
<Contributor><SequenceNumber>1</SequenceNumber><ContributorRole>A01</ContributorRole>
<PersonNameInverted>Weir, Ann</PersonNameInverted></Contributor>
<Language><LanguageRole>01</LanguageRole><LanguageCode>ger</LanguageCode></Language>
</DescriptiveDetail><PublishingDetail><PublishingDate>
<PublishingDateRole>01</PublishingDateRole><Date>20190304</Date></PublishingDate>
</PublishingDetail></Product>"""
SHORT = {
    b"ONIXMessage": b"ONIXmessage",
    b"ProductIdentifier": b"productidentifier",
    b"ProductIDType": b"b221",
    b"ProductForm": b"b012",
    b"Product>": b"product>",
    b"RecordReference": b"a001",
    b"IDValue": b"b244",
    b"DescriptiveDetail": b"descriptivedetail",
    b"TitleElementLevel": b"x409",
    b"TitleDetail": b"titledetail",
    b"TitleType": b"b202",
    b"TitleElement": b"titleelement",
    b"TitlePrefix": b"b030",
    b"TitleWithoutPrefix": b"b031",
    b"Subtitle": b"b029",
    b"ContributorRole": b"b035",
    b"Contributor": b"contributor",
    b"SequenceNumber": b"b034",
    b"PersonNameInverted": b"b037",
    b"PersonName": b"b036",
    b"LanguageRole": b"b253",
    b"LanguageCode": b"b252",
    b"Language": b"language",
    b"PublishingDetail": b"publishingdetail",
    b"PublishingDateRole": b"x448",
    b"PublishingDate": b"publishingdate",
    b"Date": b"b306",
}


def message(product):
    return b'<?xml version="1.0"?><!-- x --><ONIXMessage>' + product + b"</ONIXMessage>"


def in_short_tags(data):
    for name, short in SHORT.items():
        data = data.replace(name, short)
    return data


@pytest.mark.parametrize("data", [message(PRODUCT), in_short_tags(message(PRODUCT))])
@given(part=st.integers(1, 300))
def test_a_product_of_onix_is_a_work_in_whatever_tags_and_parts_it_comes(data, part):
    _, [row] = read(ONIX, data, part)

    draft = row.draft
    assert (row.thing, row.place, draft.title) == (
        "com.x.1",
        "product 1 (line 1)",
        "The Salt & Sea",
    )
    assert (draft.content_type, draft.other_titles) == ("BOOK", ["A history"])
    assert (draft.identifiers, draft.languages) == (["ISBN:9783161484100", "DOI:10.1/a"], ["de"])
    assert draft.creators == [DraftCreator("Ann Weir"), DraftCreator("Bo Ek", "TRANSLATOR")]
    assert str(draft.published_on) == "2019-03-04"


def test_what_onix_says_that_a_work_has_no_place_for_is_said():
    long = b"urn:x/1 2"
    month = PRODUCT.replace(b"com.x.1", long).replace(b"20190304", b"201903")
    deleted = (
        b"<Product><RecordReference>r</RecordReference><NotificationType>05</NotificationType>"
    )

    _, [first, second, third] = read(ONIX, message(month + deleted + b"</Product><Product/>"))

    assert [str(fault) for fault in first.altered] == [
        f"work_id: 'urn:x/1 2' is kept as '{first.thing}'",
        "published_on: '201903' is no day and not kept",
    ]
    assert (second.thing, second.fault) == ("r", "NotificationType 05: an import ends no work")
    assert third.fault == "no RecordReference"


def test_pages_of_a_sitemap_are_works_under_ids_of_their_addresses():
    data = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>
    <loc>https://Pub.example/a?b=1</loc><image><title>no</title></image></url><url>
    <loc>https://pub.example/n</loc><n:news xmlns:n="http://x"><n:publication><n:language>en
    </n:language></n:publication><n:title>News</n:title></n:news></url><url><loc>x</loc></url></urlset>"""

    _, [page, news, bad] = read(SITEMAP, data)

    assert (page.thing, page.draft.title) == (page_id("pub.example/a"), "pub.example/a")
    assert (page.draft.content_type, page.draft.addresses) == ("WEB_PAGE", ["pub.example/a"])
    assert (news.draft.title, news.draft.languages) == ("News", ["en"])
    assert (bad.place, bad.fault[:4]) == ("url 3 (line 4)", "loc:")


def test_the_address_of_a_page_is_its_own_not_that_of_an_image_before_it():
    page = b"""<url><image:image><image:loc>https://pub.example/fox.png</image:loc></image:image>
      <loc>https://pub.example/foxes</loc></url>"""
    data = b'<urlset xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">%b</urlset>'

    _, [row] = read(SITEMAP, data % page)

    assert row.draft.addresses == ["pub.example/foxes"]


def test_a_sitemap_of_more_addresses_than_its_protocol_has_breaks_off_there(monkeypatch):
    monkeypatch.setattr("federation.registryfiles.sitemaps.URLS_MAX", 2)
    url = b"<url><loc>https://a.example/</loc></url>"

    with pytest.raises(BadRegistryFileError) as refused:
        read(SITEMAP, b"<urlset>" + url * 3 + b"</urlset>")

    assert refused.value.detail == "url 3 (line 1): a sitemap has at most 2 addresses"


def unpacked(data, part):
    found, unpack = [], Unpacked()
    for start in range(0, len(data), part):
        found += unpack.pieces(data[start : start + part])
    return b"".join([*found, *unpack.end()])


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(1, 50))
def test_gzip_is_told_by_its_first_bytes(one, other, part):
    assert unpacked(gzip.compress(one) + gzip.compress(other), part) == one + other
    if not one.startswith(b"\x1f\x8b"):
        assert unpacked(one, part) == one


@pytest.mark.parametrize("data", [gzip.compress(b"x" * 99, mtime=0)[:-9], b"\x1f\x8bnot"])
def test_gzip_that_breaks_off_is_refused(data):
    with pytest.raises(BadRegistryFileError) as refused:
        unpacked(data, 7)

    assert refused.value.place == "gzip"


def test_what_unpacks_to_much_comes_in_small_pieces():
    pieces = Unpacked().pieces(gzip.compress(b"\x00" * 10**7))

    assert max(len(piece) for piece in pieces) == 64 * 1024


@pytest.mark.parametrize(
    ("kind", "form"), [("works", "pdf"), ("rightholders", "onix"), ("x", "csv")]
)
def test_a_format_that_is_not_read_is_refused(kind, form):
    with pytest.raises(UnknownFormatError):
        require_format(kind, form)


@pytest.mark.parametrize("part", [1, 64, 64 * 1024])
def test_no_document_type_comes_behind_an_entity_that_is_not_defined(part):
    product = b"<Product><RecordReference>W-1</RecordReference></Product>"
    first = b"<ONIXMessage>" + product + b"<Product><a>&q;</a></Product>"
    second = b"<!DOCTYPE a [<!ENTITY q 'x'>]><ONIXMessage><Product a='&q;'/>" + product

    reader, rows = reader_of(FileKind.WORKS, ONIX), []

    def feed_both():
        for data in (first, second):
            for start in range(0, len(data), part):
                rows.extend(reader.feed(data[start : start + part]))

    with pytest.raises(BadRegistryFileError) as refused:
        feed_both()
    assert refused.value.detail == "line 1: Entity 'q' not defined"
    assert [row.thing for row in rows] == ["W-1"]
