"""In which language a page speaks: English is the source, others are catalogues in `locale`."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent / "locale"
SOURCE: Final = "en"
LANGUAGE_COOKIE: Final = "federation-language"
_HEADER_LENGTH_MAX: Final = 400


@cache
def languages() -> tuple[str, ...]:
    """Return every language: the source, and each that has a catalogue."""
    return (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


@cache
def words(language: str) -> NullTranslations:
    """Return the texts of a language; what its catalogue lacks is said in English."""
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    with (FOLDER / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def language_of(chosen: str | None, accepted: str | None) -> str:
    """Return the language to speak: what the person chose, else what the browser accepts."""
    if chosen in languages():
        return str(chosen)
    wanted = [
        each.partition(";")[0].strip() for each in (accepted or "")[:_HEADER_LENGTH_MAX].split(",")
    ]
    tags = [tag for tag in wanted if tag.replace("-", "").isalnum()]
    try:
        return negotiate_locale(tags, languages(), sep="-") or SOURCE
    except ValueError:
        return SOURCE
