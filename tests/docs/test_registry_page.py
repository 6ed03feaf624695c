"""The files that docs/registry.md shows are read as it says, by the readers of a node."""

import re
from pathlib import Path

from federation.registry.imports import read_claims, read_members, read_opt_outs
from federation.registry.overlaps import Standing

TEXT = (Path(__file__).parents[2] / "docs" / "registry.md").read_text(encoding="utf-8")
MEMBERS, WORKS, OPT_OUTS = (
    block.encode() for block in re.findall(r"```csv\n(.*?)```", TEXT, re.DOTALL)[:3]
)
TIERS = re.findall(r"tiers that the hub weighs \((.*?)\)", TEXT)[0].replace("`", "").split(", ")


def test_the_files_that_the_page_shows_are_taken():
    [member] = read_members(MEMBERS, node="GB")
    known = {member.member_id: Standing(member.joined_on)}
    [claim] = read_claims(WORKS, node="GB", members=known, tiers=TIERS, held={})
    path, whole = read_opt_outs(OPT_OUTS, node="GB", members=known, uses={"TRAIN"})

    assert (member.member_id, member.name, member.account_scheme) == ("M-17", "The Daily", "IBAN")
    assert (claim.member_id, claim.key.text, claim.content_tier) == (
        "M-17",
        "pub.example/",
        "standard",
    )
    assert path.key is not None
    assert (path.key.text, path.use) == ("pub.example/poems/", "*")
    assert (whole.member_id, whole.key, whole.use) == ("M-17", None, "TRAIN")
