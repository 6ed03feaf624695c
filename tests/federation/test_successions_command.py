"""`federation registry successions` and `proposals`: proposed and confirmed from a shell."""

import hashlib
import json
import re
import shlex
from pathlib import Path

from tests.federation.desk_commands import run
from tests.federation.harness import DAY, resumed, send

PAGE = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Who succeeds whom\n")[2].partition("\n## ")[0]
[SHELL] = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
MEMBERS = (
    "member_id,name,country,joined_on\nM-17,Ada,GB,2026-01-01\nM-18,Estate of Ada,GB,2026-01-01\n"
)


async def test_the_commands_that_the_page_shows_name_a_successor(
    any_backend, opened_past, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "probate.pdf").write_bytes(b"granted")
    async with resumed(any_backend, opened_past) as small:
        small.set_clock(DAY)
        officer, table = small.at("GB", "registry"), {"Content-Type": "text/csv"}
        await send(
            small,
            "GB",
            "/registry/members",
            MEMBERS.encode(),
            token=officer._token(),
            headers=table,
        )

        async def asked(line, who="registry"):
            program, group, *arguments = shlex.split(line)
            assert (program, group) == ("federation", "registry")
            return await run(
                *arguments,
                FEDERATION_URL=small.running["GB"].url,
                FEDERATION_TOKEN=small.at("GB", who, "registry_officer")._token(),
                COLUMNS="250",
            )

        record, proposals, successions = SHELL.splitlines()
        code, printed = await asked(record)
        assert (code, "RECORD_SUCCESSION" in printed, "WAITS" in printed) == (0, True, True)
        _, printed = await asked(f"{proposals} --json")
        [waiting] = json.loads(printed)
        said = json.loads(waiting["details"])["draft"]
        assert said["papers"][0]["sha256"] == hashlib.sha256(b"granted").hexdigest()
        confirm = f"federation registry proposals confirm {waiting['id']}"
        assert (await asked(confirm))[0] == "SAME_PERSON"
        assert (await asked(confirm, who="second-registry"))[0] == 0
        _, printed = await asked(f"{successions} --json")
        [known] = json.loads(printed)
        assert (known["subject"], known["startsOn"], known["successors"]) == (
            "member:M-17",
            "2026-01-02",
            [{"member": "M-18", "shareBps": 10_000}],
        )

        withdraw = f"federation registry successions withdraw {known['id']} --reason forged"
        assert (await asked(withdraw))[0] == 0
        _, printed = await asked(f"{proposals} --json")
        refuse = f"federation registry proposals refuse {json.loads(printed)[0]['id']}"
        assert (await asked(f"{refuse} --reason genuine", who="second-registry"))[0] == 0
        assert json.loads((await asked(f"{proposals} --json"))[1]) == []
        assert len(json.loads((await asked(f"{successions} --json"))[1])) == 1
