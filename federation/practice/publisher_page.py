"""What `federation practice publisher` prints: everything a publisher copies while trying."""

from typing import Final

from federation.clock import Clock, system_clock, today
from federation.practice.publisher import LAB, MEMBER, MEMBER_FILE, Practice

PAGE: Final = """\
{what} in {folder}: nothing of it is real.

  hub   {hub}
  node  {node}
  site  {origin}, which you run

1. Install your site with its code, where your application is; start it, and see whether it works:

  federation-site init {code}
  federation-site doctor

2. Be the lab, which has licence {licence} and a client of the hub: buy a token by RSL, and fetch.

  {terms}
  {taken}
  {bought}
  {fetched}

3. After half a minute, see what your collective has heard:

  {seen}

4. Be the lab's buyer, with a token of hers for 12 hours, and do what docs/rsl.md shows:

  {buyer}
  {her_token}

5. A second installation (nginx beside your application, say) takes a code of its own:

  {officer}
  {another}

Ctrl-C ends it. federation practice publisher {folder} goes on with it, and prints another code;
delete the folder to start anew."""
TAKEN: Final = (
    "python3 -c 'import xml.etree.ElementTree as E; "
    'n = "{https://rslstandard.org/rsl}"; '
    'print(E.tostring(E.parse("license.xml").find(f"{n}content[@server]/{n}license"), "unicode"))\''
    " > license.txt"
)
SHOWN: Final = """python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'"""
SEEN: Final = (
    "{ memberSites { site kit mode waitingLines }"
    ' visits(fromDay: \\"DAY\\", toDay: \\"DAY\\") { edges { node { agent outcome count } } } }'
)


def told(practice: Practice, clock: Clock = system_clock) -> str:
    """Return the page for a federation that runs."""
    origin, lab = practice.origin, practice.lab
    words = ("grant_type=client_credentials", "license@license.txt", f"resource={origin}")
    form = " ".join(f"--data-urlencode {each}" for each in words)
    query = SEEN.replace("DAY", today(clock).isoformat())
    member = f'-H "Authorization: Bearer $(cat {practice.folder / MEMBER_FILE})"'
    return PAGE.format(
        what="A federation to practise on has started" if practice.is_new else "It goes on",
        folder=practice.folder,
        hub=practice.hub,
        node=practice.node,
        origin=origin,
        code=practice.code,
        licence=lab.licence,
        terms=f"curl -sf --retry 5 --retry-all-errors -o license.xml {origin}/license.xml",
        taken=TAKEN,
        bought=f"TOKEN=$(curl -su {lab.client}:{lab.secret} {form} {practice.token_url} | {SHOWN})",
        fetched=f'curl -si -A GPTBot -H "Authorization: License $TOKEN" {origin}/',
        seen=f"curl -s {member} -H 'Content-Type: application/json'"
        f' -d \'{{"query": "{query}"}}\' {practice.node}/graphql',
        buyer=f"export FEDERATION_URL={practice.hub} NODE_URL={practice.node}",
        her_token=f"export FEDERATION_TOKEN={_token(practice, 'hub', f'buyer@{LAB}', 'lab')}",
        officer=f"OFFICER={_token(practice, 'gb', 'registry', 'registry_officer')}",
        another=f'FEDERATION_URL={practice.node} FEDERATION_TOKEN="$OFFICER"'
        f" federation clients site-code {MEMBER} {origin}",
    )


def _token(practice: Practice, server: str, subject: str, role: str) -> str:
    """Return what signs a token for somebody of the practice federation."""
    config = practice.folder / f"{server}.toml"
    return f"$(federation token --config {config} --subject {subject} --role {role})"
