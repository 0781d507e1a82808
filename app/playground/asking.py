"""A question from its form to the models that are to answer it: what is written, and what is read
for it, before the first of them is asked.
"""

from collections.abc import Callable
from typing import NamedTuple

import anyio.to_thread

from app.core.database import unit_of_work
from app.core.errors import NotFound
from app.playground import queries, service
from app.playground.forms import AgainForm, AskForm
from app.playground.models import Question
from app.playground.preparing import Asking, prepare


class Asked(NamedTuple):
    """A question that is written down, and its columns as they are about to be asked."""

    conversation_id: int
    number: int
    columns: list[Asking]


async def begin(project_id: int, user_id: int, form: AskForm) -> Asked:
    """Begin a conversation. Raises what `service.begin` does."""

    def write() -> Question:
        with unit_of_work() as session:
            return service.begin(session, project_id=project_id, user_id=user_id, form=form)

    return await _asked(write)


async def go_on(conversation_id: int, form: AskForm) -> Asked:
    """Ask further. Raises what `service.ask` does."""

    def write() -> Question:
        with unit_of_work() as session:
            found = queries.conversation_by_id(session, conversation_id)
            if found is None:
                raise NotFound
            return service.ask(session, found, form)

    return await _asked(write)


async def again(conversation_id: int, form: AgainForm) -> Asked:
    """Ask one column of a question once more. Raises NotFound."""

    def work() -> Asked:
        columns = prepare(conversation_id, form.number, place=form.place)
        return Asked(conversation_id, form.number, columns)

    return await anyio.to_thread.run_sync(work)


async def _asked(write: Callable[[], Question]) -> Asked:
    def work() -> Asked:
        question = write()
        columns = prepare(question.conversation_id, question.number)
        return Asked(question.conversation_id, question.number, columns)

    return await anyio.to_thread.run_sync(work)
