"""An answer is recorded once, whichever of two threads comes first, and holds up no other."""

import asyncio
import threading
from contextlib import suppress

from federation.gate.metering import Meter
from federation.gate.refusals import SpoolError


def meter_of(site):
    gate = site.gate.gate
    meter = Meter(gate, gate.decide(site.licensed()), is_bodiless=False)
    meter.status = 200
    meter.count(b"A page.")
    return meter


def test_two_threads_that_record_one_answer_count_it_once(site):
    for _ in range(50):
        meter, together = meter_of(site), threading.Barrier(2)

        def act(meter=meter, together=together):
            together.wait()
            meter.record()

        threads = [threading.Thread(target=act) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    assert len(site.events()) == 50


async def test_an_answer_that_breaks_off_is_recorded_beside_the_event_loop(site, monkeypatch):
    """Its line waits for the disk: other answers do not."""
    site.spool.fsync = True
    by, record = [], Meter.record_cut_short

    def noted(meter):
        by.append(threading.current_thread() is threading.main_thread())
        record(meter)

    monkeypatch.setattr(Meter, "record_cut_short", noted)

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"A ", "more_body": True})
        raise SpoolError("it ends here")

    async def receive():
        await asyncio.Event().wait()

    async def send(_message):
        pass

    with suppress(SpoolError):
        await site.make_gate(app)(site.licensed(), receive, send)

    assert by == [False]
    assert [event.body_bytes for event in site.events()] == [2]
