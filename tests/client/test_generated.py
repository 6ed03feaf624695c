"""What is written of the client is what is committed; what cannot be written is said."""

import subprocess
import sys

import pytest

from tools.client import write
from tools.client.blocking import blocking
from tools.client.types import UnknownFormError, generated

SCHEMA = """
scalar BigInt
scalar Colour
"Which way."
enum Way { "Up there." up DOWN }
"A sum."
type Money { "How much." minor: String! currency: String! }
type Refused { code: String! }
"A thing." type Thing {
  id: ID!
  "What it is called."
  someName: String
  ways: [Way!]!
  sums: [Money]
  from: Int
  colour: Colour
}
union Result = Thing | Refused
input Part { units: BigInt! }
input Asked { parts: [Part!]!, way: Way! = up, note: String }
type Query { "All things." things(first: Int!, way: Way): [Thing!]! }
type Mutation { make(asked: Asked!): Result! }
"""
THING = "fragment Thing on Thing { id someName ways sums { ...Money } from }"
MONEY = "fragment Money on Money { minor currency }"
ASKED = f"""
{MONEY} {THING} fragment Refused on Refused {{ code }}
query things($first: Int!, $way: Way) {{ things(first: $first, way: $way) {{ ...Thing }} }}
mutation make($asked: Asked!) {{ make(asked: $asked) {{ __typename ...Thing ...Refused }} }}
"""


def test_what_is_committed_is_what_is_written():
    found = {path: path.read_text(encoding="utf-8") for path in write.there()}

    assert found == write.texts()


def test_a_check_names_what_is_other_missing_or_too_much(monkeypatch, capsys, tmp_path):
    other, missing, extra = (tmp_path / f"{name}.py" for name in ("other", "missing", "extra"))
    other.write_text("1", encoding="utf-8")
    extra.write_text("1", encoding="utf-8")
    monkeypatch.setattr(write, "ROOT", tmp_path)
    monkeypatch.setattr(write, "texts", lambda: {other: "2", missing: "3"})
    monkeypatch.setattr(write, "there", lambda: [other, extra])
    monkeypatch.setattr(sys, "argv", ["write", "--check"])

    with pytest.raises(SystemExit) as ended:
        write.main()

    assert ended.value.code is True
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["extra.py", "missing.py", "other.py"]

    monkeypatch.setattr(sys, "argv", ["write"])
    write.main()
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {
        "other.py": "2",
        "missing.py": "3",
    }


def test_a_fragment_an_enum_an_input_and_an_operation_are_each_written():
    modules = generated(SCHEMA, ASKED)

    assert '''class Way(Word):
    """Which way.

    UP: Up there.
    DOWN:
    """

    UP = "up"
    DOWN = "DOWN"''' in "\n".join(line.rstrip() for line in modules["words"].splitlines())
    answers = modules["answers"]
    assert "minor: int\n" in answers
    assert 'tag="Thing", tag_field="__typename"' in answers
    assert 'tag="Money"' not in answers
    assert "some_name: str | None\n" in answers
    assert "ways: tuple[Way, ...]\n" in answers
    assert "sums: tuple[Money | None, ...] | None\n" in answers
    assert "from_: int | None" in answers
    assert answers.index("class Part(") < answers.index("class Asked(")
    assert "units: int\n" in answers
    assert "way: Way | UnsetType = UNSET\n" in answers
    assert "note: str | None | UnsetType = UNSET\n" in answers
    asked = modules["questions"]
    assert (
        "def things(*, first: int, way: Way | None = None) -> Question[tuple[Thing, ...]]:" in asked
    )
    assert '"""All things."""' in asked
    assert "def make(*, asked: Asked) -> Question[Thing | Refused]:" in asked
    made = "mutation make($asked:Asked!){make(asked:$asked){__typename ...Thing ...Refused}}"
    assert f'MAKE: Final = "{made}fragment Money on Money' in asked
    assert asked.count("fragment Money on Money") == 2


ROOT_FIELD = "things(first: $first) { ...T }"
FIRST = "query things($first: Int!)"
ONE = f"{FIRST} {{ {ROOT_FIELD} }}"
ID = "fragment T on Thing { id }"
OTHER = "fragment U on Thing { id }"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (f"query things {{ things {{ ...T }} }} {ID}", "first"),  # not valid
        (f"query other($first: Int!) {{ {ROOT_FIELD} }} {ID}", "another name"),
        (f"{FIRST} {{ things(first: $first) {{ id }} }}", "id is no fragment"),
        (
            f"{FIRST} {{ things(first: $first) {{ ...T ...U }} }} {ID} {OTHER}",
            "one fragment",
        ),
        (f"{FIRST} {{ a: {ROOT_FIELD} b: {ROOT_FIELD} }} {ID}", "one root field"),
        (f"{ONE} fragment T on Thing {{ it: id }}", "plain fields"),
        (f"{ONE} fragment T on Thing {{ colour }}", "no type for Colour"),
        (f"{ONE} fragment T on Result {{ __typename }}", "on no object"),
    ],
)
def test_a_form_that_there_is_no_class_for_is_refused_by_name(asked, why):
    with pytest.raises(UnknownFormError, match=why):
        generated(SCHEMA, asked)


@pytest.mark.parametrize(
    ("awaited", "twin"),
    [
        ("async def get(self) -> None:", "def get(self) -> None:"),
        ("async with AsyncLab(a) as lab:", "with Lab(a) as lab:"),
        ("[x async for x in await y()]", "[x for x in y()]"),
        ("token = await asyncio.to_thread(self._bearer.current)", "token = self._bearer.current()"),
        ("x: Callable[[float], Awaitable[None]]", "x: Callable[[float], None]"),
        ("sleep = asyncio.sleep", "sleep = time.sleep"),
        ("Callable[[str | None], Awaitable[Page[T]]], x", "Callable[[str | None], Page[T]], x"),
        ("async def __aiter__(self) -> AsyncIterator[T]:", "def __iter__(self) -> Iterator[T]:"),
        ("await self._own.aclose()", "self._own.close()"),
        ("async for part in response.aiter_bytes():", "for part in response.iter_bytes():"),
        ("http: httpx.AsyncClient", "http: httpx.Client"),
        ("import federation_client.awaited.lab", "import federation_client.blocking.lab"),
        ("shown = await self._bound.headers(a)", "shown = self._bound.blocking_headers(a)"),
        ("an awaited Asynchronous thing", "an awaited Asynchronous thing"),
    ],
)  # fmt: skip
def test_the_blocking_face_is_spelled_without_waiting(awaited, twin):
    assert blocking(f"title\n{awaited}").splitlines()[-1] == twin


def test_the_check_is_a_command():
    command = [sys.executable, "-m", "tools.client.write", "--check"]
    done = subprocess.run(command, cwd=write.ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
