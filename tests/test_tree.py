"""What a committed file may not say: where packages come from, where a machine keeps its files."""

import ast
import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Written in pieces, so that this file passes its own test.
REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(labels))
        for labels in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("yarnpkg", "com"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
            ("crates", "io"),
            ("proxy", "golang", "org"),
        )
    )
)
INDEX_OPTIONS = re.compile(r"--(?:extra-)?index-url[ =]\S|--registry[ =]\S|--find-links[ =]\S")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|root|Users|work|tmp)/\w")
LOCK_URLS = re.compile(r"://|(?:^|\s)(?:file:|/|\.{1,2}/|-e )")


def tracked_files():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts():
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.fixture(autouse=True)
def _in_a_checkout():
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")


@pytest.mark.parametrize("pattern", [REGISTRY_HOSTS, INDEX_OPTIONS, MACHINE_PATHS])
def test_no_file_names_a_registry_or_a_place_on_a_machine(pattern):
    found = [
        f"{path}: {match.group()}" for path, text in texts() for match in pattern.finditer(text)
    ]

    assert found == []


def test_the_patterns_find_what_they_are_for():
    assert REGISTRY_HOSTS.search("https://files." + "pythonhosted" + ".org/x")
    assert INDEX_OPTIONS.search("pip install " + "--index-url" + "=http")
    assert MACHINE_PATHS.search('open("/ho' + 'me/me/x")')
    assert not MACHINE_PATHS.search("https://example.com/home/page")


def test_no_lock_file_with_addresses_is_kept():
    names = {path.name for path in tracked_files()}

    assert names.isdisjoint({"uv.lock", "pylock.toml", "package-lock.json", "yarn.lock"})


@pytest.mark.parametrize("name", ["main.lock", "dev.lock"])
def test_the_locks_hold_names_versions_and_hashes_only(name):
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith((" ", "#"))]

    assert [line for line in lines if LOCK_URLS.search(line.split("# via")[0])] == []
    assert pinned
    assert all(re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+ ", line) for line in pinned)


@pytest.mark.parametrize("folder", ["bench", "tools"])
def test_what_a_script_imports_of_the_project_is_there(folder):
    """Scripts are run by hand, so that no other test meets a name they lost."""
    lost = []
    for path in sorted((ROOT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("federation"):
                module = importlib.import_module(node.module)
                names = [name.name for name in node.names]
                lost += [
                    f"{path.name}: {node.module}.{name}"
                    for name in names
                    if not hasattr(module, name)
                    and importlib.util.find_spec(f"{node.module}.{name}") is None
                ]

    assert lost == []


def test_what_several_tests_use_stands_in_no_test_module():
    imported = re.compile(r"\n\s*from tests[.\w]*(?:\.test_| import .*\btest_)")
    modules = (ROOT / "tests").rglob("*.py")

    assert [path.name for path in modules if imported.search(path.read_text("utf-8"))] == []
