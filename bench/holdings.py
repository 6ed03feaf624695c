"""What filters of identifiers cost: made of a million, and looked through at 200 nodes.

A filter is made as a node does it, out of 1,000,000 ISBNs, and looked at with keys that are in it
and with others. Then one identifier is looked for in 200 filters of 100,000 each, as the hub does
it after its questions to the database.
"""

import random
import statistics
import sys
import time
from secrets import token_bytes

from federation.holdings import bloom

KEYS, LOOKED_AT, NODES, KEYS_EACH, TIMES = 1_000_000, 200_000, 200, 100_000, 200
WRONG_MAX, BYTES_MAX, LOOK_MAX_MS = 0.0002, 2.5, 5.0


def made(count: int, first: int) -> tuple[bytes, bytes]:
    """Return (seed, filter) of so many identifiers."""
    seed = token_bytes(bloom.SEED_BYTES)
    filled = bytearray(bloom.size_of(count))
    bloom.put(filled, (bloom.key_of(f"ISBN:{first + n}", seed) for n in range(count)))
    return seed, bytes(filled)


def main() -> int:
    """Measure, print, and return 1 where a limit is missed."""
    began = time.process_time()
    seed, filled = made(KEYS, 9_780_000_000_000)
    took = time.process_time() - began
    each = len(filled) / KEYS
    in_it = [bloom.key_of(f"ISBN:{9_780_000_000_000 + n}", seed) for n in range(0, KEYS, 5)]
    if not all(bloom.may_hold(filled, key) for key in in_it):
        print("a key that was put in is not found")
        return 1
    others = [bloom.key_of(f"DOI:10.1/{n}", seed) for n in range(LOOKED_AT)]
    began = time.process_time()
    wrong = sum(bloom.may_hold(filled, key) for key in others)
    look = (time.process_time() - began) / LOOKED_AT
    print(
        f"{KEYS:,} identifiers: {took:.1f} s of CPU, {each:.2f} bytes each, "
        f"{wrong / LOOKED_AT:.4%} of others found, {look * 1e6:.1f} us a look"
    )
    nodes = [made(KEYS_EACH, number * KEYS_EACH) for number in range(20)] * (NODES // 20)
    times, asked = list[float](), 0
    for _ in range(TIMES):
        identifier = f"ISSN:{random.randrange(10**9)}"  # noqa: S311
        began = time.process_time()
        asked += sum(bloom.may_hold(data, bloom.key_of(identifier, one)) for one, data in nodes)
        times.append((time.process_time() - began) * 1000)
    middle = statistics.median(times)
    print(f"{NODES} filters: {middle:.2f} ms, {asked / TIMES:.3f} nodes asked for nothing")
    is_good = wrong / LOOKED_AT <= WRONG_MAX and each <= BYTES_MAX and middle <= LOOK_MAX_MS
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
