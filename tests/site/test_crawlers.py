"""The list of crawlers: each entry says where its name is documented, and when it was compared."""

import tomllib
from datetime import date
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec
import pytest

from federation.site.crawlers import AI_CRAWLERS, Crawler, read_crawlers

TEXT = (files("federation.site") / "crawlers.toml").read_text(encoding="utf-8")
ENTRIES = tomllib.loads(TEXT)["crawler"]
GOOD = '[[crawler]]\ntoken = "Bot"\nmaker = "M"\nsource = "https://m.example/"\ndate = 2026-11-26\n'


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.get("token", "?"))
def test_every_entry_names_its_source_and_the_day_it_was_compared(entry):
    assert entry.keys() == {"token", "maker", "source", "date"}
    source = urlsplit(entry["source"])
    assert (source.scheme, bool(source.hostname)) == ("https", True)
    assert type(entry["date"]) is date
    assert all(entry[name].strip() == entry[name] != "" for name in ("token", "maker", "source"))


def test_every_token_stands_once_and_every_entry_is_read():
    tokens = [entry["token"].casefold() for entry in ENTRIES]

    assert len(set(tokens)) == len(tokens)
    assert len(AI_CRAWLERS) == len(ENTRIES)


def test_an_entry_is_read_as_it_is_written():
    assert read_crawlers(GOOD) == (Crawler("Bot", "M", "https://m.example/", date(2026, 11, 26)),)


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(name))
            for name in ("token", "maker", "source", "date")
        ),
        GOOD.replace("2026-11-26", '"yesterday"'),
        GOOD.replace("2026-11-26", "2026"),
        GOOD.replace('"https://m.example/"', '""'),
        GOOD.replace('"https://m.example/"', '"m.example"'),
        GOOD + 'seen = "often"\n',
    ],
)
def test_an_entry_that_lacks_something_is_not_read(wrong):
    with pytest.raises(msgspec.ValidationError):
        read_crawlers(wrong)


def test_a_date_that_is_none_is_not_read():
    with pytest.raises(tomllib.TOMLDecodeError):
        read_crawlers(GOOD.replace("2026-11-26", "2026-13-01"))
