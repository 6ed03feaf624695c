"""Run by a Python of its own: pygrindvakt resolves a node by the hub's keys, and by no others."""

import json
import sys

from pygrindvakt import federation, http

hub, node, keys, others = sys.argv[1:]
client = http.ReqwestClient()
federation.resolve_via_trust_anchors(client, node, {hub: json.loads(keys)})
print("pygrindvakt: resolved by the hub's keys")
try:
    federation.resolve_via_trust_anchors(client, node, {hub: json.loads(others)})
except Exception as error:  # noqa: BLE001 - whatever it is called, it is a refusal
    print(f"pygrindvakt: refused by another's keys: {type(error).__name__}")
else:
    sys.exit("an anchor with other keys was believed")
