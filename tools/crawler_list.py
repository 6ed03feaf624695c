"""Writes the list of crawlers as a module of the JavaScript kit: `python -m tools.crawler_list`.

One list for all kits is kept, `federation/gate/crawlers.json`; not every runtime of JavaScript
imports JSON.
"""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIST = ROOT / "federation" / "gate" / "crawlers.json"
MODULE = ROOT / "kit" / "javascript" / "src" / "site" / "crawler-list.js"
HEAD = """/**
 * Who crawls and what for, by a part of the user agent: `federation/gate/crawlers.json`, from which
 * `python -m tools.crawler_list` writes this file.
 */

"""


def written(text: str) -> str:
    """Return the module that says what the list says."""
    found = json.loads(text)
    rows = "".join(f"  {json.dumps(agent)},\n" for agent in found["agents"])
    return (
        f"{HEAD}export const AS_OF = {json.dumps(found['as_of'])};\n"
        "/** @type {readonly {pattern: string, operator: string, purpose: string}[]} */\n"
        f"export const AGENTS = [\n{rows}];\n"
    )


if __name__ == "__main__":
    MODULE.write_text(written(LIST.read_text(encoding="utf-8")), encoding="utf-8")
