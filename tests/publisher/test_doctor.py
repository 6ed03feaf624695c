"""What the doctor advises, of answers that are not what they should be."""

import pytest

from federation.access.wire import Answer
from federation.publisher.doctor import _not_refused


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b'{"code": "GATE_DOWN"}', "nginx reaches no endpoint"),
        (b'{"code": "POLICY_UNAVAILABLE"}', "401 is due"),
        (b"<html>", "401 is due"),
    ],
)
def test_a_crawler_that_is_not_refused_has_its_reason(body, advice):
    assert _not_refused(Answer(503, {}, body)).startswith(advice)
