"""Large bodies are in memory within a budget, each sender in its turn, and none waits for ever."""

import asyncio

import pytest

from federation.edge.turns import PASSED_MAX, Turns


class Scene:
    """Bodies that ask for a turn, and have it until they are told to end."""

    def __init__(self, budget=10):
        self.turns, self.in_memory, self._tasks, self._ends = Turns(budget), [], {}, {}

    async def comes(self, name, cost, sender=None):
        ends = self._ends[name] = asyncio.Event()

        async def has_turn():
            async with self.turns.take(sender or name, cost):
                self.in_memory.append(name)
                await ends.wait()
                self.in_memory.remove(name)

        self._tasks[name] = asyncio.create_task(has_turn())
        await self._settled()

    async def ends(self, *names):
        for name in names:
            self._ends[name].set()
        await asyncio.gather(*(self._tasks[name] for name in names))
        await self._settled()

    async def gives_up(self, name):
        self._tasks[name].cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._tasks[name]
        await self._settled()

    async def _settled(self):
        for _ in range(3):
            await asyncio.sleep(0)


async def test_as_many_are_in_memory_as_the_budget_holds():
    scene = Scene(budget=10)
    for name, cost in (("a", 4), ("b", 6), ("c", 1)):
        await scene.comes(name, cost)
    assert scene.in_memory == ["a", "b"]

    await scene.ends("a")
    assert scene.in_memory == ["b", "c"]


async def test_a_slow_handler_holds_up_nobody_who_fits_beside_it():
    scene = Scene(budget=10)
    await scene.comes("slow", 4)
    for name in ("a", "b", "c"):
        await scene.comes(name, 6)
        assert scene.in_memory == ["slow", name]
        await scene.ends(name)


async def test_what_is_beyond_the_budget_is_in_memory_alone():
    scene = Scene(budget=10)
    await scene.comes("small", 1)
    await scene.comes("huge", 1_000)
    assert scene.in_memory == ["small"]

    await scene.ends("small")
    await scene.comes("another", 1)
    assert scene.in_memory == ["huge"]
    await scene.ends("huge")
    assert scene.in_memory == ["another"]


async def test_a_sender_with_less_in_memory_goes_first():
    scene = Scene(budget=10)
    await scene.comes("first", 6, "much")
    await scene.comes("other", 4, "other")
    for number in range(3):
        await scene.comes(f"more {number}", 4, "much")
    await scene.comes("little", 4, "little")

    await scene.ends("other")
    assert scene.in_memory == ["first", "little"]


async def test_one_that_does_not_fit_is_passed_a_few_times_and_then_waited_for():
    scene = Scene(budget=10)
    await scene.comes("slow", 1)
    await scene.comes("huge", 10)
    for number in range(PASSED_MAX):
        await scene.comes(f"small {number}", 1)
        await scene.ends(f"small {number}")
    await scene.comes("late", 1)
    assert scene.in_memory == ["slow"]

    await scene.ends("slow")
    assert scene.in_memory == ["huge"]
    await scene.ends("huge")
    assert scene.in_memory == ["late"]


async def test_who_gives_up_leaves_no_trace():
    scene = Scene(budget=10)
    await scene.comes("a", 10)
    await scene.comes("waits", 10)
    await scene.comes("b", 5)
    await scene.gives_up("waits")
    await scene.gives_up("a")

    assert scene.in_memory == ["a", "b"]  # `a` was cut off where it stood
    await scene.comes("c", 5)
    assert scene.in_memory == ["a", "b", "c"]
