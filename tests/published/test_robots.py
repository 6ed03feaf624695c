import pytest

from federation.gate.crawlers import AGENTS
from federation.published.agents import AGENT_USES, AI_USES, INDEXING, INPUT, TRAINING
from federation.published.lines import READ_BYTES
from federation.published.reading import FILE_BYTES_MAX, read_source
from federation.published.robots import read_ai_txt, read_robots
from federation.published.rules import (
    ALIKE_MAX,
    NOT_EXPRESSED_MAX,
    BadSourceError,
    Kind,
    NotExpressed,
    Rule,
    RuleList,
    SourceTooLargeError,
)
from tests.published.reserving import reserving

HOST = "site.example"


def robots(*lines: str, ours: tuple[str, ...] = ()):
    return read_robots("\n".join(lines).encode(), HOST, ours)


def test_a_rule_keeps_its_line_and_text_as_evidence():
    reading = robots(
        "# hello", "User-agent: GPTBot", "Disallow: /news # not for you", "Allow: /news/free$"
    )

    assert reading.lists == (
        RuleList(
            "User-agent: GPTBot",
            TRAINING,
            (
                Rule("/news*", allow=False, place="line 3", text="Disallow: /news"),
                Rule("/news/free$", allow=True, place="line 4", text="Allow: /news/free$"),
            ),
        ),
    )
    assert reading.not_expressed == ()


def test_what_everybody_is_refused_is_refused_for_every_use():
    reading = robots("User-agent: *", "Disallow: /a/")

    assert [(each.name, each.uses) for each in reading.lists] == [("User-agent: *", ("*",))]
    assert reserving(reading, "/a/b", "SOME_USE_OF_TOMORROW") != []
    assert reserving(reading, "/b", "TRAIN") == []


def test_a_permission_of_one_crawler_takes_nothing_from_the_refusal_of_another():
    reading = robots(
        "User-agent: GPTBot", "Disallow: /", "User-agent: ClaudeBot", "Allow: /a", "Disallow: /b"
    )

    assert [rule.place for rule in reserving(reading, "/a", "TRAIN")] == ["line 2"]
    assert {rule.place for rule in reserving(reading, "/b", "TRAIN")} == {"line 2", "line 5"}
    assert reserving(reading, "/a", "GROUND") == []


def test_each_purpose_has_its_uses():
    assert AGENT_USES["GPTBot"] == TRAINING == ("TRAIN", "FINE_TUNE")
    assert AGENT_USES["ChatGPT-User"] == INPUT == ("GROUND", "RAG", "PROMPT_INPUT")
    assert AGENT_USES["OAI-SearchBot"] == (*INPUT, *INDEXING)
    assert AGENT_USES["CCBot"] == AI_USES


def test_the_table_has_every_crawler_that_a_gate_asks_for_a_licence():
    on_the_list = {each.pattern for each in AGENTS.agents if each.purpose == "ai"}

    assert on_the_list - set(AGENT_USES) == {"federation-site-doctor"}
    assert set(AGENT_USES) <= on_the_list


def test_a_name_with_a_version_is_that_crawler_too():
    reading = robots("User-agent: GPTBot/1.2", "Disallow: /a", "User-agent: *", "Disallow: /b")

    assert [rule.path for rule in reserving(reading, "/a", "TRAIN")] == ["/a*"]
    assert [rule.path for rule in reserving(reading, "/b", "TRAIN")] == ["/b*"]


def test_crawlers_that_are_not_for_ai_are_listed():
    reading = robots(
        "User-agent: Slurp",
        "Disallow: /",
        "User-agent: Nobody",
        "Disallow: /a",
        "User-agent: Quiet",
    )

    assert reading.lists == ()
    assert [(each.place, each.why) for each in reading.not_expressed] == [
        ("line 1", "a crawler for search, as of 2026-11-27: not for AI"),
        ("line 3", "a crawler that nobody here knows, as of 2026-11-27: not for AI"),
    ]


def test_lines_that_nobody_knows_are_listed():
    reading = robots("Disallow: /a", "User-agent: *", "Noindex: /b", "hello", "Crawl-delay: 4")

    assert [(each.place, each.why) for each in reading.not_expressed] == [
        ("line 1", "no User-agent stands before it"),
        ("line 3", "a line that nobody knows"),
        ("line 4", "a line that nobody knows"),
    ]


def test_a_signal_is_a_list_of_each_label():
    reading = robots(
        "User-agent: *", "Content-Signal: search=yes, ai-input=no, ai-train=no", "Allow: /"
    )

    assert [(each.name, each.uses, each.rules[0].path) for each in reading.lists] == [
        ("content-signal: ai-input, for *", INPUT, "/"),
        ("content-signal: ai-train, for *", TRAINING, "/"),
    ]


def test_of_usages_with_paths_the_longest_counts_and_of_equals_the_refusal():
    reading = robots(
        "User-agent: *",
        "Content-Usage: train-ai=n",
        "Content-Usage: /open/ train-ai=y",
        "Content-Usage: /open/x train-ai=y",
        "Content-Usage: /open/x train-ai=n",
    )

    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(reading, "/open/a", "TRAIN") == []
    assert reserving(reading, "/open/x", "TRAIN") != []
    assert reserving(reading, "/a", "GROUND") == []


def test_of_a_label_said_twice_in_one_line_the_last_counts():
    assert robots("Content-Usage: train-ai=n, train-ai=y").lists == ()
    assert [each.uses for each in robots("Content-Usage: train-ai=y, train-ai=n").lists] == [
        TRAINING
    ]


def test_what_is_no_label_is_listed_and_permits_nothing_beside_it():
    reading = robots("Content-Usage: train-ai=n", "Content-Usage: /a train-ai=y, ===, tdm-x=n")

    assert reserving(reading, "/a", "TRAIN") != []
    assert [each.why for each in reading.not_expressed] == [
        "train-ai: allowed beside something that cannot be read",
        "===: this is no label with its value",
        "tdm-x: a label that nobody knew on 2026-11-27",
    ]


def test_terms_are_pointed_to():
    reading = robots("License: https://other.example/license.xml")

    assert reading.not_expressed == (
        NotExpressed(
            "line 1",
            "License: https://other.example/license.xml",
            "it points to terms, which are a source of their own: hand them over as well",
        ),
    )


def test_a_signal_beside_a_licence_of_ours_says_no_more_than_that():
    lines = (
        "License: https://node.example/olp/m/license.xml",
        "User-agent: *",
        "Content-Signal: ai-train=no",
    )
    refused = ("User-agent: GPTBot", "Disallow: /a")

    sold = robots(*lines, *refused, ours=("node.example",))

    assert [each.name for each in sold.lists] == ["User-agent: GPTBot"]
    assert [each.place for each in sold.not_expressed] == ["line 3"]
    assert len(robots(*lines, ours=("elsewhere.example",)).lists) == 1


def test_what_reaches_further_than_it_says_is_listed_with_what_is_reserved():
    reading = robots(
        "User-agent: *",
        "Disallow: /search?q=",
        "Disallow: /a" + "/*b" * 17,
        "Disallow: news/",
        "Disallow: https://site.example/old/",
        "Disallow: /*/../x",
        "Allow: /search?page=",
    )

    assert [(each.place, each.reserved) for each in reading.not_expressed] == [
        ("line 2", ("/search$",)),
        ("line 3", ("/a" + "/*b" * 16 + "/",)),
        ("line 4", ("/news/",)),
        ("line 5", ("/old/",)),
        ("line 6", ("/*/",)),
        ("line 7", ()),
    ]
    assert reserving(reading, "/search", "TRAIN") != []


def test_a_path_in_another_encoding_is_reserved_up_to_what_can_be_read():
    reading = read_robots("User-agent: *\nDisallow: /caf\xe9/menu\n".encode("latin-1"), HOST)

    assert [rule.path for each in reading.lists for rule in each.rules] == ["/caf*"]
    assert [each.why for each in reading.not_expressed] == ["a character that no address has"]


def test_a_rule_about_queries_alone_is_listed_and_reserves_no_whole_site():
    reading = robots("User-agent: *", "Disallow: /*?")

    assert reading.lists == ()
    assert reading.not_expressed == (
        NotExpressed(
            "line 2", "Disallow: /*?", "it speaks of queries alone, and addresses have none here"
        ),
    )


def test_a_thousand_stars_in_a_row_are_one():
    reading = robots("User-agent: *", "Disallow: /a" + "*" * 1_000 + "b$")

    assert [rule.path for rule in reading.lists[0].rules] == ["/a*b$", "/a*b%24"]


def test_a_thousand_stars_are_listed_and_what_is_reserved_is_their_start():
    reading = robots("User-agent: *", "Disallow: /" + "*a" * 1_000)

    assert [rule.path for rule in reading.lists[0].rules] == ["/" + "*a" * 16]
    assert reading.not_expressed[0].why == "more than 16 * in a pattern"


def test_the_first_500_kib_are_honoured_and_the_rest_is_listed():
    head = b"User-agent: *\nDisallow: /first\n"
    last = b"Disallow: /last\n"
    filler = b"#" * (READ_BYTES - len(head) - len(last) - 1) + b"\n"
    data = head + filler + last + b"Disallow: /beyond\n"

    reading = read_robots(data, HOST)

    assert len(head + filler + last) == READ_BYTES == 500 * 1024
    assert [rule.path for rule in reading.lists[0].rules] == ["/first*", "/last*"]
    assert [(each.place, each.text) for each in reading.not_expressed] == [
        ("byte 512001", "18 bytes")
    ]


def test_a_line_that_is_cut_is_not_read():
    head = b"User-agent: *\n"
    filler = b"#" * (READ_BYTES - len(head) - 10) + b"\n"

    reading = read_robots(head + filler + b"Allow: /a/b/c/d", HOST)

    assert reading.lists == ()
    assert [each.text for each in reading.not_expressed] == ["15 bytes"]


def test_a_hundred_megabytes_are_refused():
    with pytest.raises(SourceTooLargeError, match="104857600 bytes, of 2000000 at most"):
        read_source(Kind.ROBOTS, b"a" * 104_857_600, "https://site.example/robots.txt")
    assert FILE_BYTES_MAX == 2_000_000


@pytest.mark.parametrize(
    "data", [b"<!doctype html><p>", b"  <html>", b"User-agent: *\x00\nDisallow: /"]
)
def test_a_page_is_no_robots_txt(data):
    with pytest.raises(BadSourceError, match="byte 1"):
        read_robots(data, HOST)


def test_a_page_behind_the_head_of_its_answer_is_refused_with_its_line():
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html>\r\n<p>gone"

    with pytest.raises(BadSourceError) as refused:
        read_robots(answer, HOST)

    assert refused.value.detail == "line 4: <!DOCTYPE html begins a page of HTML, no text of rules"
    assert read_robots(b"# <html>\nUser-agent: *\nDisallow: /<html>\n", HOST).lists != ()


def test_too_many_rules_and_agents_are_refused():
    rules = b"User-agent: *\n" + b"Disallow: /a&\nAllow: /b&\n" * 1
    many = (
        b"User-agent: *\n"
        + b"".join(b"Allow: /%d=\n" % i for i in range(30_000))
        + b"Disallow: /a\n"
    )
    agents = b"".join(b"User-agent:%d\n" % i for i in range(20_001))

    assert read_robots(rules, HOST).lists != ()
    with pytest.raises(BadSourceError, match="more than 50000 rules"):
        read_robots(many, HOST)
    with pytest.raises(BadSourceError, match="more than 20000 agents"):
        read_robots(agents, HOST)


def test_what_many_say_alike_is_one_list_and_what_they_say_apart_is_refused():
    alike = b"".join(b"User-agent: a%d\nContent-Usage: ai=n\n" % i for i in range(2_000))
    apart = b"".join(b"User-agent: a%d\nContent-Usage: /%d ai=n\n" % (i, i) for i in range(2_000))

    assert len(read_robots(alike, HOST).lists) == 1
    with pytest.raises(BadSourceError, match="more than 1000 lists of rules"):
        read_robots(apart, HOST)


def test_of_endless_notes_the_first_are_kept_and_the_others_counted():
    reading = read_robots(
        b"User-agent: *\n" + b"".join(b"x%d: y\n" % i for i in range(1_500)), HOST
    )

    assert len(reading.not_expressed) == NOT_EXPRESSED_MAX + 1
    assert reading.not_expressed[-1].why == "500 more are not shown"


def test_an_ai_txt_is_about_ai_alone():
    reading = read_ai_txt(b"User-Agent: *\nDisallow: *.jpg\nAllow: *.txt\nDisallow: /\n", HOST)

    assert [each.uses for each in reading.lists] == [AI_USES]
    assert reserving(reading, "/a.jpg", "TRAIN") != []
    assert reserving(reading, "/a.txt", "TRAIN") == []
    assert reserving(reading, "/a.jpg", "SEARCH") == []


@pytest.mark.parametrize("mark", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize(
    "hidden", ["Allow: /", "User-agent: nobody", "License: https://hub.example/"]
)
def test_what_stands_in_a_comment_to_some_crawlers_opens_nothing(mark, hidden):
    text = (
        f"User-agent: *\nCrawl-delay: 1\n# x{mark}{hidden}\nDisallow: /\nContent-Usage: search=n\n"
    )
    reading = read_source(Kind.ROBOTS, text.encode(), f"https://{HOST}/", ours=("hub.example",))

    assert reserving(reading, "/a", "TRAIN") != []
    assert reserving(reading, "/a", "SEARCH") != []


def test_what_ends_a_line_to_some_crawlers_reserves_as_they_read_it():
    reading = read_source(
        Kind.ROBOTS, "User-agent: *\u2028Disallow: /a".encode(), f"https://{HOST}/"
    )

    assert reserving(reading, "/a", "TRAIN") != []


def test_lines_told_to_many_agents_are_refused_before_they_are_spelled_out():
    agents = "".join(f"User-agent: {number:x}\n" for number in range(14_000))
    with pytest.raises(BadSourceError, match="more than 1000000 lines"):
        read_source(Kind.ROBOTS, (agents + "Allow:/\n" * 34_000).encode(), f"https://{HOST}/")


def test_labels_told_to_many_agents_are_refused_with_their_place():
    agents = "".join(f"User-agent: {number:x}\n" for number in range(900))
    labels = ",".join(f"a{number}=n" for number in range(99))
    text = agents + f"Content-Usage: {labels}\n" * 500

    with pytest.raises(BadSourceError, match="line 901: more than 20000 labels"):
        read_source(Kind.ROBOTS, text.encode(), f"https://{HOST}/")


def test_of_endless_patterns_that_start_alike_all_that_starts_so_is_reserved_and_listed():
    many = [f"Disallow: /a/*x{number}" for number in range(ALIKE_MAX + 1)]
    reading = robots("User-agent: *", "Disallow: /b/*.pdf", "Allow: /a/*x1y", *many)

    assert reading.lists == (
        RuleList(
            "User-agent: *", ("*",), (Rule("/b/*.pdf", False, "line 2", "Disallow: /b/*.pdf"),)
        ),
        RuleList(
            "User-agent: * (wider than said)",
            ("*",),
            (Rule("/a/", False, "line 4", "Disallow: /a/*x0"),),
        ),
    )
    why = "one of more than 1000 patterns that start with /a/"
    assert reading.not_expressed == (
        NotExpressed("line 3", "Allow: /a/*x1y", why, ()),
        NotExpressed("line 4", "Disallow: /a/*x0", why, ("/a/",)),
    )
    assert reserving(reading, "/a/x1y", "TRAIN") != []
    assert reserving(reading, "/b/x1", "TRAIN") == []


def test_patterns_that_start_alike_are_counted_over_all_crawlers_and_each_once():
    few = [f"Disallow: /*x{number}" for number in range(ALIKE_MAX)]
    twice = ["User-agent: GPTBot", *few, "User-agent: CCBot", *few, "Disallow: /b"]
    more = [*twice, "Disallow: /*y"]

    assert sorted(len(each.rules) for each in robots(*twice).lists) == [ALIKE_MAX, ALIKE_MAX + 1]
    wider = {each.name: [rule.path for rule in each.rules] for each in robots(*more).lists}
    assert wider == {
        "User-agent: GPTBot (wider than said)": ["/"],
        "User-agent: CCBot": ["/b*"],
        "User-agent: CCBot (wider than said)": ["/"],
    }
