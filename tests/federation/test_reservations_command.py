"""`federation registry reservations`: a file goes in from a shell, is shown, and ends by two."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path

from tests.federation.desk_commands import run
from tests.federation.harness import DAY, resumed

PAGE = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Reservations that sites publish\n")[2].partition("\n## ")[0]
[ROBOTS] = re.findall(r"```text\n(.*?)```", SECTION, re.DOTALL)
FIRST, LATER = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)


async def test_a_file_goes_in_is_shown_and_ended_by_another(any_backend, opened_past, tmp_path):
    file = tmp_path / "robots.txt"
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)

        async def asked(*arguments, who="registry"):
            return await run(
                "reservations",
                *arguments,
                FEDERATION_URL=small.running["GB"].url,
                FEDERATION_TOKEN=small.at("GB", who, "registry_officer")._token(),
                COLUMNS="250",
            )

        async def handed_over(text):
            file.write_text(text)
            site = ("--kind", "robots", "--site", "https://pub.example/", "--reason", "seen")
            return await asked("hand-over", file, *site)

        code, printed = await handed_over("User-agent: GPTBot\nDisallow: /news/\nDisallow: /*?\n")
        assert code == 0
        assert "Taken" in printed
        code, printed = await asked("show", "1")
        assert code == 0
        assert "disallow /news/" in printed
        assert "it speaks of queries alone, and addresses have none here" in printed
        code, printed = await asked("list", "--host", "pub.example", "--json")
        assert (code, json.loads(printed)) == (
            0,
            [{"id": "1", "kind": "ROBOTS", "host": "pub.example", "page": None}],
        )

        small.set_clock(DAY + timedelta(days=1))
        assert (await handed_over(""))[0] == 0
        assert (await asked("end", "2", "--reason", "x"))[0] == "SAME_PERSON"
        other = {"who": "second-registry"}
        code, printed = await asked("end", "2", "--reason", "they said so", "--json", **other)
        assert (code, json.loads(printed)["lists"]) == (0, 1)
        assert (await asked("keep", "2", "--reason", "late", **other))[0] == "NO_ENDING"
        assert (await asked("show", "7"))[0] == 1


async def test_the_commands_that_the_page_shows_do_what_it_says(
    any_backend, opened_past, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "robots.txt"
    file.write_text(ROBOTS)
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)

        async def asked(line, who="registry"):
            program, group, *arguments = shlex.split(line)
            assert (program, group) == ("federation", "registry")
            return await run(
                *arguments,
                "--json",
                FEDERATION_URL=small.running["GB"].url,
                FEDERATION_TOKEN=small.at("GB", who, "registry_officer")._token(),
            )

        answers = [await asked(line) for line in FIRST.splitlines()]
        assert [code for code, _ in answers] == [0, 0, 0]
        taken, listed, shown = (json.loads(printed) for _, printed in answers)
        assert (taken["listsThatCame"], taken["notExpressed"]) == (2, 1)
        assert [each["host"] for each in listed] == ["pub.example"]
        assert [
            (each["uses"], [(rule["allow"], rule["path"]) for rule in each["rules"]])
            for each in shown["lists"]
        ] == [
            (
                ["TRAIN", "FINE_TUNE", "GROUND", "RAG", "PROMPT_INPUT", "INDEX"],
                [(False, "/news/"), (True, "/news/free/")],
            ),
            (["TRAIN", "FINE_TUNE"], [(False, "/")]),
        ]

        small.set_clock(DAY + timedelta(days=1))
        file.write_text("")
        code, printed = await asked(FIRST.splitlines()[0])
        assert (code, json.loads(printed)["listsThatWait"]) == (0, 2)
        [end] = LATER.splitlines()
        assert (await asked(end))[0] == "SAME_PERSON"
        code, printed = await asked(end, who="second-registry")
        assert (code, json.loads(printed)["lists"]) == (0, 2)
