"""What is repeated of a refusal that another server answered with."""

import pytest

from federation.errors import answered


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"code": "NOT_ADMITTED", "message": "no"}', "HTTP 409 NOT_ADMITTED"),
        (b'{"code": "bad\\nline"}', "HTTP 409"),
        (b'{"code": "%s"}' % (b"A" * 65), "HTTP 409"),
        (b'{"code": 1}', "HTTP 409"),
        (b'{"message": "no"}', "HTTP 409"),
        (b'["code"]', "HTTP 409"),
        (b"<html>", "HTTP 409"),
        (b"\xff", "HTTP 409"),
        (b"[" * 100_000, "HTTP 409"),
        (b"", "HTTP 409"),
    ],
)
def test_the_code_of_an_answer_is_told_and_nothing_else_of_it(body, said):
    assert answered(409, body) == said
