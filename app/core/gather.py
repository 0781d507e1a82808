"""Many calls to strangers at once, by a few threads; what they answer comes back in batches."""

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

# As many more wait their turn, so that no thread is idle while a batch is recorded.
IN_HAND = 2


def gather(
    call: Callable[[Asked], Answer], wanted: Iterator[Asked | None], *, at_once: int, every: float
) -> Generator[list[Answer]]:
    """Call it with each thing that is wanted, `at_once` at a time, and yield the answers in
    batches: one each `every` seconds, empty where nothing came, and the rest at the end.

    `wanted` is read by the caller's thread and only as far as there is room, so it may ask the
    database, and ends the whole by ending; None is nothing just now, and it is read again behind
    the next batch, which comes at once where nothing is out. What `call` raises is raised here.
    Leaving early drops what has not begun and waits for what has.
    """
    answered: SimpleQueue[Future[Answer]] = SimpleQueue()
    batch: list[Answer] = []
    out, told_at, is_open, is_dry = 0, time.monotonic(), True, False
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="gather")
    try:
        while True:
            while is_open and not is_dry and out < at_once * IN_HAND:
                try:
                    one = next(wanted)
                except StopIteration:
                    is_open = False
                    break
                if one is None:
                    is_dry = True
                    break
                pool.submit(call, one).add_done_callback(answered.put)
                out += 1
            if not out and not is_open:
                break
            left = told_at + every - time.monotonic()
            try:
                batch.append(answered.get(timeout=max(left, 0.001)).result())
                out -= 1
            except Empty:
                pass
            is_all = is_dry and not out and batch
            if is_all or time.monotonic() - told_at >= every:
                yield batch
                batch, told_at, is_dry = [], time.monotonic(), False
        yield batch
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
