"""Let bean-check and hledger judge a journal: they accept it, and refuse any change by one unit.

`journals.py` judges a sample that has every oddity and the books of the three months of
`tests/story`; `journals.py A.beancount B.hledger` judges files. A program that is missing is a
failure: install it (`apt-get install hledger`).
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from federation.ledger.beancount import ExportEntry, ExportPosting
from federation.ledger.export import FORMS
from tests.ledger.journals import write_journal

BEAN_CHECK = [str(Path(sys.executable).with_name("bean-check"))]
HLEDGER = ["hledger", "check", "--strict", "--file"]
JUDGES: Mapping[str, Sequence[str]] = {".beancount": BEAN_CHECK, ".hledger": HLEDGER}
SERVERS = 4  # of the story: a hub and three nodes
CHANGES_MAX = 24  # a process each; a longer journal is changed at this many places, evenly
_AMOUNT = re.compile(r"(?<!~ )(?<= )-?[0-9]+(?:\.[0-9]+)?(?= (?:~ 0 )?[A-Z]{3}\b)")


def main() -> int:
    """Judge the named files, or the sample in both forms; answer 1 if a judge disagrees."""
    missing = [command[0] for command in JUDGES.values() if shutil.which(command[0]) is None]
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [Path(name) for name in sys.argv[1:]]
        if not files:
            files = [*write_samples(folder), *write_books(folder)]
        return max(judge(file, folder) for file in files)


def judge(file: Path, folder: Path) -> int:
    """Answer 0 if the judge of a file's kind accepts it and refuses every change of an amount."""
    text = file.read_text(encoding="utf-8")
    if not accepts(file):
        print(f"{file.name}: refused")
        return 1
    changed = list(changes(text))
    copies = [folder / f"{number}{file.suffix}" for number in range(len(changed))]
    for copy, version in zip(copies, changed, strict=True):
        copy.write_text(version, encoding="utf-8")
    with ThreadPoolExecutor(2) as threads:
        accepted = sum(threads.map(accepts, copies))
    print(f"{file.name}: accepted; {len(changed)} changes by one unit, {accepted} not noticed")
    return int(accepted > 0 or not changed)


def accepts(file: Path) -> bool:
    """Say whether the judge accepts a journal."""
    command = [*JUDGES[file.suffix], str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def changes(text: str) -> Iterator[str]:
    """Yield the journal with one amount one minor unit larger, for each amount in turn."""
    found = [match for match in _AMOUNT.finditer(text) if is_of_books(text, match.start())]
    for match in found[:: -(-len(found) // CHANGES_MAX) or 1]:
        yield text[: match.start()] + one_more(match.group()) + text[match.end() :]


def is_of_books(text: str, place: int) -> bool:
    """Say whether a number stands in a posting or a balance, not in a declaration or comment."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return (line.startswith("  ") and "; " not in line and ": " not in line) or " balance " in line


def one_more(text: str) -> str:
    """Add one minor unit to a decimal text."""
    whole, _, part = text.partition(".")
    minor = int(whole + part) + 1
    digits = str(abs(minor)).rjust(len(part) + 1, "0")
    sign = "-" if minor < 0 else ""
    return f"{sign}{digits[: -len(part)]}.{digits[-len(part) :]}" if part else f"{sign}{digits}"


def write_samples(folder: Path) -> list[Path]:
    """Write a journal with three kinds of decimals, odd party codes and odd texts."""
    entries = [
        ExportEntry(
            date(2026, 9, 1),
            "receipt/1",
            'Received; "(all)" | 1 = 1 \\ *',
            [
                _posting("Assets:-1:Bank", "Liabilities:-1:Unearned", 123456, "EUR"),
                _posting("Assets:-1:Bank", "Liabilities:-1:Unearned", 1012, "JPY"),
                _posting("Assets:-1:Bank", "Liabilities:-1:Unearned", 10**20, "KWD"),
            ],
        ),
        ExportEntry(
            date(2026, 9, 30),
            "run/1",
            "(A) run",
            [
                _posting("Liabilities:-1:Unearned", "Liabilities:-1:Due:HUB", 1000, "EUR"),
                _posting("Liabilities:-1:Unearned", "Liabilities:-1:Due:X-1", 300, "JPY"),
                _posting("Liabilities:-1:Unearned", "Income:-1:CollectingFee", 5, "KWD"),
                _posting("Liabilities:-1:Due:HUB", "Liabilities:-1:Due", 1, "EUR"),
            ],
        ),
    ]
    files = []
    for form, text in FORMS.items():
        file = folder / f"sample.{form}"
        file.write_bytes(write_journal(text("Sample"), entries))
        files.append(file)
    return files


def write_books(folder: Path) -> list[Path]:
    """Play the three months of `tests/story`; return the books of its servers, in both forms."""
    root = Path(__file__).parents[2]
    story = [sys.executable, "-m", "pytest", "-q", "tests/story", "-k", "sqlite"]
    subprocess.run([*story, f"--basetemp={folder / 'story'}"], cwd=root, check=True)
    files = sorted({file.resolve() for file in (folder / "story").glob("*/books-*")})
    if len(files) != SERVERS * len(JUDGES):
        sys.exit(f"the story left {len(files)} journals")
    return files


def _posting(debit: str, credit: str, amount: int, currency: str) -> ExportPosting:
    return ExportPosting(debit, credit, amount, currency, {"note": "a, b; c: 1.00 EUR"})


if __name__ == "__main__":
    sys.exit(main())
