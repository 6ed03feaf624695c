"""Bring the catalogues of the console up to its texts: `python -m tools.catalogues`.

New texts stand in each catalogue without a translation, those that are gone are taken out. Another
language begins with an empty file, `federation/console/locale/fr.po`.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

CONSOLE = Path(__file__).parent.parent / "federation" / "console"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]


def texts() -> Catalog:
    """Return every text of the console that is to be translated."""
    found = Catalog(charset="utf-8")
    keywords = {**DEFAULT_KEYWORDS, "N_": None}
    for _, _, text, comments, _ in sorted(
        extract_from_dir(CONSOLE, METHODS, keywords=keywords), key=lambda each: (each[0], each[1])
    ):
        found.add(text, auto_comments=comments)
    return found


def untranslated(language: str) -> Iterator[str]:
    """Yield the texts that a language has not, and those that only it still has."""
    catalogue, wanted = read(language), texts()
    known = {message.id for message in catalogue if message.id}
    for message in wanted:
        found = catalogue.get(message.id) if message.id else None
        whole = found is not None and not found.fuzzy and found.string
        if message.id and (not whole or (isinstance(whole, tuple) and not all(whole))):
            yield f"not translated: {message.id}"
    for text in known - {message.id for message in wanted}:
        yield f"said nowhere any more: {text}"


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it is."""
    with (CONSOLE / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def main() -> None:
    """Write each catalogue, and say what each lacks."""
    for path in sorted((CONSOLE / "locale").glob("*.po")):
        catalogue = read(path.stem)
        catalogue.update(texts(), no_fuzzy_matching=True)
        written = BytesIO()
        write_po(
            written, catalogue, width=100, no_location=True, omit_header=True, ignore_obsolete=True
        )
        header = b'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        path.write_bytes(header + written.getvalue().rstrip() + b"\n")
        for each in untranslated(path.stem):
            print(f"{path.name}: {each}")


if __name__ == "__main__":
    main()
