"""What a release is built from: one version, its changes, dependencies whose licences are known."""

import re
import tomllib

import pytest

from federation import __version__
from tools import release


def test_every_dependency_is_listed_with_a_licence_that_goes_with_ours():
    pins = release.pinned()
    needed = tomllib.loads((release.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    direct = {re.split(r"[\[>=<; ]", one)[0] for one in needed["project"]["dependencies"]}

    release.require_licences(pins)
    assert direct - {pin.name for pin in pins} == {"federation-site"}
    assert [pin.name for pin in pins if pin.licence is None] == ["win32-setctime"]  # for Windows


def test_a_licence_that_does_not_go_with_ours_is_named():
    pins = [release.Pin("free", "1", "MIT"), release.Pin("strict", "2", "AGPL-3.0-only")]

    with pytest.raises(release.NotReleasableError, match=r"licences of strict \(AGPL-3.0-only\)"):
        release.require_licences(pins)


def test_all_distributions_have_one_version():
    release.require_one_version()


def test_a_version_without_its_section_is_none():
    with pytest.raises(release.NotReleasableError, match=r"no section \[9\.9\.9\]"):
        release.changes("9.9.9")
    assert release.changes("Unreleased").startswith("### In which order to upgrade\n")


def test_the_bill_of_materials_names_each_by_version():
    bill = release.bill_of([release.Pin("MsgSpec", "0.22", "BSD-3-Clause")])

    assert bill == {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/federation@{__version__}",
                "name": "federation",
                "version": __version__,
                "purl": f"pkg:pypi/federation@{__version__}",
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": "pkg:pypi/msgspec@0.22",
                "name": "MsgSpec",
                "version": "0.22",
                "purl": "pkg:pypi/msgspec@0.22",
                "licenses": [{"license": {"name": "BSD-3-Clause"}}],
            }
        ],
    }
