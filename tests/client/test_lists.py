"""Long lists page by page, many addresses batch by batch: nothing is lost, nothing comes twice."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation_client import IncompleteError, NotUnderstoodError, batches
from federation_client.batches import of_lines, of_urls
from federation_client.generated.answers import NodeStatus, RightsAnswer, UrlRights
from federation_client.generated.words import NodeState, RightsStatus
from tests.client.faces import FACES, Server, data, errors, from_lab

in_both_faces = pytest.mark.parametrize("face", FACES)
MONEY = {"minor": "1", "currency": "EUR"}


def an_invoice(number):
    amounts = dict.fromkeys(["net", "credited", "vat", "withheld", "paid", "open"], MONEY)
    days = dict.fromkeys(["number", "creditNote", "issuedOn", "dueOn"])
    sides = {"licence": f"L-{number}", "licensor": "HUB", "licensee": "lab-one"}
    return sides | days | amounts | {"isOverdue": False}


class Hub(Server):
    """A hub with so many invoices, that shows so many of them on a page."""

    def __init__(self, count, size):
        super().__init__()
        self._count, self._size = count, size

    def __call__(self, request):
        self.requests.append(request)
        after = msgspec.json.decode(request.content)["variables"]["after"]
        begin = 0 if after is None else int(after) + 1
        shown = range(begin, min(begin + self._size, self._count))
        edges = [{"cursor": str(number), "node": an_invoice(number)} for number in shown]
        end = str(shown[-1]) if shown else None
        info = {"hasNextPage": shown.stop < self._count, "endCursor": end}
        return data(invoices={"edges": edges, "pageInfo": info})


@in_both_faces
@given(count=st.integers(0, 12), size=st.integers(1, 5), stop=st.integers(0, 12))
def test_a_list_that_is_gone_on_with_gives_each_entry_once(face, count, size, stop):
    seen, cursor = [], None
    if stop:
        pages = {}

        def some(lab):
            pages["invoices"] = lab.invoices()
            return pages["invoices"]

        seen = from_lab(face, Hub(min(stop, count), size), some)
        cursor = pages["invoices"].cursor
    rest = from_lab(face, Hub(count, size), lambda lab: lab.invoices(after=cursor))

    assert [each.licence for each in [*seen, *rest]] == [f"L-{number}" for number in range(count)]


@in_both_faces
@pytest.mark.parametrize("end", [None, "c"])
def test_a_list_that_would_never_end_is_refused(face, end):
    page = {"edges": [], "pageInfo": {"hasNextPage": True, "endCursor": end}}
    server = Server(data(invoices=page), data(invoices=page))

    with pytest.raises(NotUnderstoodError):
        from_lab(face, server, lambda lab: lab.invoices(after="c"))

    assert len(server.requests) == 1


def a_work(number):
    nothing = dict.fromkeys(["contentTier", "wordCount", "publishedOn", "canonical"])
    names = ["otherTitles", "languages", "creators", "identifiers", "addresses"]
    lists = {name: [] for name in names}
    return {"id": f"DE:{number}", "title": "Reef", "contentType": "BOOK"} | nothing | lists


def works(*numbers, late=(), end=None, missing=()):
    nodes = [{"node": "FR", "state": "OK", "code": None, "message": None}]
    nodes += [{"node": node, "state": "TIMEOUT", "code": None, "message": None} for node in missing]
    page = {
        "edges": [{"cursor": str(number), "node": a_work(number)} for number in numbers],
        "pageInfo": {"hasNextPage": end is not None, "endCursor": end or str(numbers[-1])},
        "late": [a_work(number) for number in late],
        "nodes": nodes,
        "complete": not missing,
    }
    return data(works=page)


@in_both_faces
def test_what_comes_late_is_given_and_the_list_is_complete(face):
    server = Server(works(1, 2, end="2", missing=["DE"]), works(4, late=[3]))

    found = from_lab(face, server, lambda lab: lab.works("reef"))

    assert [each.id for each in found] == ["DE:1", "DE:2", "DE:3", "DE:4"]
    assert [each["variables"]["after"] for each in server.asked] == [None, "2"]


@in_both_faces
def test_a_list_that_lacks_a_node_says_so_at_its_end(face):
    made = {}

    def look(lab):
        made["works"] = lab.works("reef")
        return made["works"]

    with pytest.raises(IncompleteError) as stopped:
        from_lab(face, Server(works(1, missing=["DE", "GB"])), look)

    assert stopped.value.missing == ("DE", "GB")
    assert (made["works"].cursor, made["works"].is_complete) == ("1", False)


@in_both_faces
def test_who_asks_for_a_part_is_given_one_and_told(face):
    made = {}

    def look(lab):
        made["works"] = lab.works("reef", partial=True)
        return made["works"]

    found = from_lab(face, Server(works(1, missing=["DE"])), look)

    assert [each.id for each in found] == ["DE:1"]
    assert (made["works"].is_complete, made["works"].nodes[1].node) == (False, "DE")


def right(url, status="LICENSABLE"):
    nothing = dict.fromkeys(["collective", "contentTier", "per1000", "reason"])
    return {"url": url, "status": status} | nothing


class Rights(Server):
    """A hub to which each address is open, and whose node DE fails at some of the requests."""

    def __init__(self, *failing):
        super().__init__()
        self._failing = failing

    def __call__(self, request):
        self.requests.append(request)
        urls = msgspec.json.decode(request.content)["variables"]["urls"]
        is_well = len(self.requests) not in self._failing
        state = "OK" if is_well else "TIMEOUT"
        nodes = [{"node": "DE", "state": state, "message": None}]
        answer = {"items": [right(url) for url in urls], "nodes": nodes, "complete": is_well}
        return data(rights=answer)


@in_both_faces
@pytest.mark.parametrize(
    ("failing", "is_complete"), [([], True), ([1], False), ([2], False), ([3], False)]
)
def test_many_addresses_are_asked_about_in_parts_and_answered_in_their_order(
    face, failing, is_complete
):
    urls = [f"https://a.example/{number}" for number in range(2_001)]
    server = Rights(*failing)

    found = from_lab(face, server, lambda lab: lab.rights(iter(urls), "TRAIN"))

    assert [len(each["variables"]["urls"]) for each in server.asked] == [1_000, 1_000, 1]
    assert [each.url for each in found.items] == urls
    assert (found.complete, len(found.nodes)) == (is_complete, 1)
    assert (found.nodes[0].state == NodeState.OK) is is_complete


@in_both_faces
def test_addresses_by_batch_are_not_held_together(face):
    found = from_lab(
        face, Rights(), lambda lab: lab.rights_by_batch(["https://a.example/"] * 1_001, "TRAIN")
    )

    assert [len(answer.items) for answer in found] == [1_000, 1]


@in_both_faces
def test_no_address_is_no_request(face):
    server = Rights()

    found = from_lab(face, server, lambda lab: lab.rights([], "TRAIN"))

    assert (found, server.requests) == (RightsAnswer(items=(), nodes=(), complete=True), [])


texts = st.lists(st.text(max_size=20), max_size=40)


@given(texts, st.integers(1, 7), st.integers(1, 60))
def test_batches_hold_all_in_order_within_both_limits_and_no_fewer_than_needed(
    items, most, bytes_max
):
    lines = [text.encode() for text in items]
    found = list(batches._parted(lines, len, most, bytes_max))

    assert [line for batch in found for line in batch] == lines
    for number, batch in enumerate(found):
        assert 1 <= len(batch) <= most
        assert sum(map(len, batch)) <= bytes_max or len(batch) == 1
        if number + 1 < len(found):  # the next line did not fit any more
            is_full = len(batch) == most
            assert is_full or sum(map(len, batch)) + len(found[number + 1][0]) > bytes_max


def test_addresses_are_parted_by_what_a_hub_reads_of_a_request():
    urls = ["https://a.example/" + "é" * 1_000] * 500  # of two bytes each

    found = list(of_urls(urls))

    assert all(len(msgspec.json.encode(batch)) <= 400_001 for batch in found)
    assert [len(batch) for batch in found] == [197, 197, 106]


def test_lines_are_parted_by_what_a_server_reads_of_a_report():
    found = list(of_lines([b"x" * 4_000_000] * 3 + [b"y"] * 5_001))

    assert [len(batch) for batch in found] == [1, 1, 5_000, 2]


states = st.sampled_from(list(NodeState))
statuses = st.builds(NodeStatus, node=st.sampled_from("ABC"), state=states, message=st.none())
items = st.builds(
    UrlRights,
    url=st.text(max_size=3),
    status=st.sampled_from(list(RightsStatus)),
    collective=st.none(),
    content_tier=st.none(),
    per1000=st.none(),
    reason=st.none(),
)
answers = st.builds(
    RightsAnswer,
    items=st.lists(items, max_size=3).map(tuple),
    nodes=st.lists(statuses, max_size=4).map(tuple),
    complete=st.booleans(),
)


@given(st.lists(answers, max_size=4))
def test_answers_together_are_as_good_as_the_worst_of_them(found):
    joined = batches.joined_rights(found)

    assert joined.items == tuple(item for answer in found for item in answer.items)
    assert joined.complete is all(answer.complete for answer in found)
    every = [status for answer in found for status in answer.nodes]
    assert [each.node for each in joined.nodes] == sorted({each.node for each in every})
    for status in joined.nodes:
        of_node = [each for each in every if each.node == status.node]
        assert status in of_node
        assert (status.state == NodeState.OK) is all(each.state == NodeState.OK for each in of_node)


@in_both_faces
def test_an_error_in_the_midst_of_a_list_leaves_its_place(face):
    first = {"edges": [{"cursor": "0", "node": an_invoice(0)}]}
    first["pageInfo"] = {"hasNextPage": True, "endCursor": "0"}
    made = {}

    def look(lab):
        made["invoices"] = lab.invoices()
        return made["invoices"]

    with pytest.raises(Exception, match="BUSY"):
        from_lab(face, Server(data(invoices=first), errors("BUSY")), look)

    assert made["invoices"].cursor == "0"
