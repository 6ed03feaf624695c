"""What a run writes: report, runs, journal, payments, statements, members."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

from federation.scenario import paying
from federation.scenario.model import ScenarioError
from federation.scenario.servers import Running
from federation.scenario.story import Story
from federation.values.licence_key import LicenceKey, component_of, licence_key, number_of
from federation.values.month import Month
from federation.values.party import HUB

FOLDERS = ("runs", "payments", "statements", "members")
FILES = ("report.json", "journal.beancount")


def empty(out: Path) -> None:
    """Make OUT an empty folder; what an earlier run wrote goes, anything else is not touched."""
    out.mkdir(parents=True, exist_ok=True)
    foreign = [item.name for item in out.iterdir() if item.name not in {*FOLDERS, *FILES}]
    if foreign:
        raise ScenarioError(f"{out} holds other files: {', '.join(sorted(foreign)[:3])}")
    for name in FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)


async def collect(story: Story, period: Month) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return a month's files by name, and its part of the report, from what the servers give."""
    hub, files = story.federation.hub, dict[str, bytes]()
    files[f"runs/{period}.json"] = await _get(hub, f"runs/{period}.json")
    part = json.loads(await _get(hub, f"report/{period}.json"))
    names = {number: name for name, number in story.numbers.items()}
    checks: dict[str, dict[str, int]] = {}
    violations = _add_checks(checks, part["checks"], HUB)
    nodes: dict[str, Any] = {}
    servers = sorted(story.federation.nodes.items())
    for found, node_part in await asyncio.gather(
        *(_collect_node(code, node, period) for code, node in servers)
    ):
        files.update(found)
        code = node_part.pop("code")
        violations += _add_checks(checks, node_part.pop("checks"), code)
        nodes[code] = node_part
    for name, body in (await paying.files_of(hub, period)).items():
        files[f"payments/{HUB}-{period}-{name}.xml"] = body
    report = {
        "run_id": part["run_id"],
        "hub": part["hub"],
        "licences": {_named(key, names): item for key, item in part["licences"].items()},
        "nodes": nodes,
        "usage": part["usage"],
        "checks": checks,
    }
    return files, {"report": report, "violations": violations}


async def _collect_node(
    code: str, node: Running, period: Month
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return one node's files of a month, and its part of the report."""
    files: dict[str, bytes] = {}
    part = json.loads(await _get(node, f"report/{period}.json"))
    for form in ("csv", "json"):
        name = f"{period}.{form}"
        files[f"statements/{code}-{name}"] = await _get(node, f"statements/{name}")
    files[f"members/{code}-{period}.csv"] = await _get(node, f"members/{period}.csv")
    for name, body in (await paying.files_of(node, period)).items():  # in its one currency
        _, dash, number = name.partition("-")
        files[f"payments/{code}-{HUB}-{period}{dash}{number}.xml"] = body
    return files, {**part, "code": code}


def _named(key: str, names: dict[str, str]) -> LicenceKey:
    """Return a licence key with the scenario's own name for the licence in place of its number."""
    known = LicenceKey(key)
    return licence_key(names[number_of(known)], component_of(known))


def _add_checks(sums: dict[str, dict[str, int]], checks: dict[str, Any], party: str) -> list[str]:
    found = []
    for name, check in checks.items():
        item = sums.setdefault(name, {"examined": 0, "violations": 0})
        item["examined"] += check["examined"]
        item["violations"] += len(check["violations"])
        found += [f"{party} {name}: {text}" for text in check["violations"]]
    return found


async def journal(story: Story) -> bytes:
    """Return the servers' journals one after the other by party code; options stand once."""
    servers = {HUB: story.federation.hub, **story.federation.nodes}
    parts: list[bytes] = []
    for code in sorted(servers, key=str.encode):
        text = await _get(servers[code], "journal.beancount")
        lines = text.splitlines(keepends=True)
        parts.append(b"".join(x for x in lines if not (parts and x.startswith(b"option "))))
    return b"\n".join(parts)


async def _get(server: Running, path: str) -> bytes:
    return await server.person("auditor").get(f"/files/{path}")


def write(out: Path, files: dict[str, bytes]) -> None:
    """Write files below OUT."""
    for name, body in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def report_bytes(periods: dict[str, Any]) -> bytes:
    """Write `report.json`: keys in UTF-8 byte order, integers as integers."""
    report = {"format": 1, "periods": periods}
    return (json.dumps(report, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()
