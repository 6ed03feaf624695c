"""`federation registry reservations`: a file goes in from a shell, is shown, and ends by two."""

import json
from datetime import timedelta

from tests.federation.desk_commands import run
from tests.federation.harness import DAY, resumed


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
