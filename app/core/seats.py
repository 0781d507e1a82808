"""Seats for what makes a request wait for others: whoever waits for one holds no thread, and one
person takes few of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Seats:
    """`most` at once, and `of_one` of them by the same person."""

    def __init__(self, most: int, *, of_one: int) -> None:
        self._all = asyncio.Semaphore(most)
        self._of_one = of_one
        self._of: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def taken_by(self, user_id: int) -> AsyncIterator[None]:
        """A seat for as long as this lasts; waits until one is free."""
        mine = self._of.setdefault(user_id, asyncio.Semaphore(self._of_one))
        async with mine, self._all:
            yield
