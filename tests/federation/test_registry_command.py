"""`federation registry`: a catalogue goes in from a shell, its verdicts and the works come out."""

import gzip
import re

from tests.federation.desk_commands import run
from tests.federation.harness import resumed

WORKS = "work_id,title,identifiers\r\nW-1,Salt,ISBN:978-3-16-148410-0\r\nW-2,Rain,DOI:1\r\n"
EXPORTED = """work_id,starts_at,title,content_type,other_titles,languages,creators,creator_roles,\
creator_credit_lines,creator_pseudonyms,creator_rightholders,identifiers,addresses,content_tier,\
word_count,uniqueness,published_on,rightholder,canonical\r
W-1,2026-02-01T00:00:00Z,Salt,OTHER,,,,,,,,ISBN:9783161484100,,,,,,,\r
"""
VERDICTS = """row,place,id,verdict,code,reason\r
1,line 2,W-1,ACCEPTED_WITH_CHANGES,,identifiers: 'ISBN:978-3-16-148410-0' is kept as \
'ISBN:9783161484100'\r
2,line 3,W-2,REFUSED,BAD_WORK,"identifiers: DOI '1': a DOI is 10., a registrant's number, a slash \
and a name"\r
"""


async def test_a_catalogue_goes_in_and_comes_out(any_backend, opened_past, tmp_path):
    file, written, found = (tmp_path / name for name in ("w.csv.gz", "out.csv", "verdicts.csv"))
    file.write_bytes(gzip.compress(WORKS.encode()))
    async with resumed(any_backend, opened_past) as small:

        async def asked(*arguments):
            return await run(
                *arguments,
                FEDERATION_URL=small.running["GB"].url,
                FEDERATION_TOKEN=small.at("GB", "registry")._token(),
                COLUMNS="250",
            )

        sent = ("import", file, "--starts-at", "2026-02-01T00:00:00Z", "--verdicts", found)
        for _ in range(2):
            code, printed = await asked(*sent)
            row = [cell.strip() for cell in re.search(r"│(.*DONE.*)│", printed)[1].split("│")]
            assert (code, row[1:8]) == (
                1,
                ["works, CSV, commas, ASCII", "DONE", "2", "0", "1", "0", "0"],
            )
            assert found.read_bytes().decode() == VERDICTS
        assert await asked("export", "works", written) == (0, "")
        assert written.read_bytes().decode() == EXPORTED
        assert (await asked("import", file, "--id", "a b"))[0] == "BAD_IMPORT"
        assert (await asked("verdicts", "none", written))[0] == "UNKNOWN_IMPORT"
        code, printed = await asked("imports")
        assert (code, printed.count("DONE")) == (0, 1)
        assert written.read_bytes().decode() == EXPORTED
