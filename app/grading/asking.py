"""Judges asked about some rows at once, each question over its connection's allowance; no unit of
work is open while they think.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import closing

import anyio
import anyio.to_thread

from app.catalog.asking import failed, opened, waiters
from app.connections.models import Connection
from app.core.errors import ProductError
from app.graders.judge import Ask, Judge
from app.grading.judging import At, Came
from app.providers.base import AllowanceSpent, ChatAnswer, ChatRequest, ProviderError

LONGEST_REPLY = 8_000
"""Characters that are kept: a verdict stands within its first thousand tokens."""
TRIES, LONGEST_WAIT_SECONDS = 4, 20.0
"""So often, and so long each time, a question waits for its turn."""


async def ask_judges(
    connection: Connection, judges: Mapping[str, Judge], questions: Sequence[tuple[At, Ask]]
) -> dict[At, Came]:
    """Put all these questions beside each other. What goes wrong is said of its own question."""
    found = await asyncio.gather(
        *(_asked(connection, judges[at[1]].model, ask) for at, ask in questions)
    )
    return {at: came for (at, _), came in zip(questions, found, strict=True)}


async def _asked(connection: Connection, model: str, ask: Ask) -> Came:
    request = ChatRequest(model=model, messages=ask.messages, **ask.sampling)
    try:
        answer = await _in_turn(connection, request)
    except ProviderError as error:
        return Came(None, (await failed(connection, error)).message)
    except ProductError as error:
        return Came(None, error.message)
    return Came(answer.text[:LONGEST_REPLY], "", answer.prompt_tokens, answer.completion_tokens)


async def _in_turn(connection: Connection, request: ChatRequest) -> ChatAnswer:
    def answer() -> ChatAnswer:
        with closing(opened(connection)) as provider:
            return provider.answer(request)

    for left in reversed(range(TRIES)):
        try:
            return await anyio.to_thread.run_sync(answer, limiter=waiters())
        except AllowanceSpent as error:
            if not left or (error.retry_after or 0) > LONGEST_WAIT_SECONDS:
                raise
            await anyio.sleep(error.retry_after or 1)
    raise AssertionError
