"""How large a message may be: as it is sent, and with what it is read into."""

import msgspec
import pytest

from federation.settlement.messages import RunApproved
from federation.store.messages import (
    READ_BYTES_MAX,
    MessageTooLargeError,
    _quotes,
    opened,
    read_bytes,
    seal,
)

RUN = "0" * 64
ROW = ["A1-000001", "~UNMATCHED", "x", "1"]


def approved(document="", rows=0):
    held = [ROW] * rows
    fields = {"run_id": RUN, "document": document, "credits": [], "held": held, "uses": []}
    return msgspec.json.encode(fields)


def test_the_largest_text_is_taken_and_a_byte_more_is_not():
    left = RunApproved.BYTES_MAX - len(approved())
    body = approved("x" * left)

    assert (len(body), len(opened(body, RunApproved).document)) == (RunApproved.BYTES_MAX, left)
    with pytest.raises(MessageTooLargeError, match=f"at most {RunApproved.BYTES_MAX}"):
        opened(approved("x" * (left + 1)), RunApproved)


def test_rows_that_would_take_too_much_memory_are_refused_before_they_are_read():
    body = approved(rows=500_000)
    size = read_bytes(len(body), body.count(b'"'))

    assert len(body) < RunApproved.BYTES_MAX
    with pytest.raises(MessageTooLargeError) as refusal:
        opened(body, RunApproved)
    assert refusal.value.detail == (
        f"run.approved: some {size} bytes with what it is read into, at most {READ_BYTES_MAX}"
    )


def test_a_document_with_quotes_in_it_is_one_text():
    document = '"a",' * 1_000_000

    assert opened(approved(document), RunApproved).document == document


def test_what_a_receiver_would_refuse_is_not_sealed():
    message = opened(approved(rows=1), RunApproved)
    too_much = msgspec.structs.replace(message, held=message.held * 500_000)

    with pytest.raises(MessageTooLargeError):
        seal(too_much)


@pytest.mark.parametrize("text", ["", "x", '"', "\\", '\\"', '"\\', "\\\\", 'a"b\\"c\\\\'])
def test_the_marks_of_a_text_are_two_whatever_stands_in_it(text):
    assert _quotes(msgspec.json.encode([text, text])) == 4
