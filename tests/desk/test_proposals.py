"""What is proposed is read in words on a terminal."""

import pytest

from federation.desk.proposals import in_words

WORDS = {
    '{"act":"END_CLAIM","claim":"C-1","on":"2026-10-01"}': "claim: C-1; on: 2026-10-01",
    '{"act":"REGISTER_CLAIM","member":"M-17","claim":{"address":"a.example/","content_tier":'
    '"standard","works":4,"valid_to":null}}': (
        "claim address: a.example/; claim content tier: standard; claim works: 4"
    ),
    '{"act":"RECORD_SUCCESSION","draft":{"subject":"member:M-17","successors":'
    '[{"member":"M-18","share_bps":10000}],"papers":[]}}': (
        "subject: member:M-17; successors 1 member: M-18; successors 1 share bps: 10000"
    ),
    '{"act":"RECORD_CONSENT","record":{"territories":["GB","IE"],"exclusive":false}}': (
        "record territories: GB, IE; record exclusive: no"
    ),
}


@pytest.mark.parametrize(("details", "words"), WORDS.items())
def test_what_is_to_be_done_is_worded_and_what_is_not_said_left_out(details, words):
    assert in_words(details) == words
