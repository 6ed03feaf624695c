"""The settlement handbook does what it says, for a reader who has nothing else."""

import pytest

from tests.handbook.runner import (
    HANDBOOK,
    books_of,
    differences,
    kept_books,
    normal,
    read_steps,
)

TEXT = HANDBOOK.read_text(encoding="utf-8")


def test_the_practice_federation_starts_as_the_first_chapter_says(tmp_path):
    first, _, _ = TEXT.partition("\n## 2. ")

    assert len(read_steps(first)) == 4
    assert differences(first, tmp_path) == []


@pytest.mark.slow
def test_every_command_of_the_handbook_prints_what_stands_below_it(tmp_path):
    assert differences(TEXT, tmp_path) == []
    assert books_of(tmp_path / "practice") == kept_books()


def test_a_number_that_is_wrong_is_found(tmp_path):
    right = "```console\n$ echo 365000.00\n365000.00\n```\n"
    wrong = right.replace("\n365000.00", "\n365000.01")
    assert differences(right, tmp_path) == []
    assert differences(wrong, tmp_path) == ["line 2: echo 365000.00", "365000.01\n", "365000.00\n"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```sh\n$ true\n```\n", "line 1: a block of sh, not console"),
        ("```console\ntrue\n```\n", "what prints 'true\\n'?"),
        ("\n```console\n```\n", "line 2: a block without a command"),
    ],
)
def test_a_block_that_is_not_tried_is_refused(text, why):
    with pytest.raises(ValueError, match=why.replace("?", r"\?").replace("\\n", r"\\n")):
        read_steps(text)


def test_commands_go_on_over_lines_and_print_what_stands_below_the_last():
    [first, second] = read_steps("```console\n$ echo a \\\n> b\na b\n$ true\n```\n")
    assert (first.command, first.expected) == ("echo a \\\n b\n", "a b\n")
    assert (second.command, second.expected) == ("true\n", "")


def test_what_is_printed_is_compared_without_trailing_spaces_and_heads_of_journals():
    assert normal(f"journal 3 entries, head {'a' * 64}  \n\n") == "journal 3 entries, head …\n"


def test_a_command_that_fails_is_no_refusal(tmp_path):
    text = "```console\n$ exit 3\n```\n"
    assert differences(text, tmp_path) == ["line 2: exit 3", "exit code 3"]
