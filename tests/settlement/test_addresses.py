"""A member's amount split over addresses by what they weigh."""

from federation.settlement.addresses import COPIES, Earner, address_of, by_address

EARNER = Earner("2026-09", "bert", "HUB-000001", "TRAIN")


def test_an_amount_is_split_by_weight_and_where_weights_tie_by_digest():
    """`2026-09/DE/HUB-000001/bert/TRAIN/b.example/` hashes to 60417cd4…, a.example/ to b1f2dfb6…"""
    assert by_address(EARNER, "DE", 1_001, {"a.example/": 3, "b.example/": 1}) == {
        "a.example/": 751,
        "b.example/": 250,
    }
    assert by_address(EARNER, "DE", 3, {"a.example/": 1, "b.example/": 1}) == {
        "a.example/": 1,
        "b.example/": 2,
    }
    assert EARNER.scope("DE") == "2026-09/DE/HUB-000001/bert/TRAIN"


def test_where_nothing_weighs_there_is_nothing_to_split_by():
    assert by_address(EARNER, "DE", 5, {}) == {}
    assert by_address(EARNER, "DE", 5, {"a.example/": 0}) == {}
    assert by_address(EARNER, "DE", 5, {"a.example/": 0, "b.example/": 2}) == {"b.example/": 5}


def test_copies_at_other_collectives_stand_at_an_address_of_their_own():
    assert (address_of(None), address_of(""), address_of("a.example/")) == (
        COPIES,
        COPIES,
        "a.example/",
    )
    assert COPIES == "~"
