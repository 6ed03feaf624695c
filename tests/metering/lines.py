"""Usage lines as a site writes them."""

import json


def a_line(event_id="e-1", *, units=5, **changes):
    line = {
        "event_id": event_id,
        "licence": "HUB-000001",
        "url": "https://x.example/a",
        "use": "TRAIN",
        "units": units,
        "occurred_at": "2026-09-10T12:00:00Z",
    }
    return json.dumps(line | changes)


def body(*lines):
    return "\n".join(lines).encode()
