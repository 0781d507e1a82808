"""A question from its form to the models that are to answer it: what is read for it, what is
written and set aside, before the first of them is asked.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import anyio.to_thread
from sqlalchemy.orm import Session

from app.budgets import telling
from app.budgets.standing import OverBudget
from app.core.database import read_only, unit_of_work
from app.core.errors import NotFound
from app.playground import queries, service, spending
from app.playground.forms import AgainForm, AskForm
from app.playground.models import Conversation, Question
from app.playground.preparing import Asking, Planned, plan, wanted_again, wanted_of


class Asked(NamedTuple):
    """A question that is written down, and its columns as they are about to be asked."""

    conversation_id: int
    number: int
    columns: list[Asking]


async def begin(project_id: int, user_id: int, form: AskForm) -> Asked:
    """Begin a conversation. Raises WrongInput, Gone and OverBudget, and nothing is written then."""

    def work() -> Asked:
        with read_only() as session:
            service.check_columns(session, project_id, form.columns)
        planned = plan(project_id, wanted_of(form), ())

        def write(session: Session) -> Question:
            return service.begin(session, project_id=project_id, user_id=user_id, form=form)

        return _opened(project_id, user_id, planned, write)

    return await anyio.to_thread.run_sync(work)


async def go_on(conversation: Conversation, user_id: int, form: AskForm) -> Asked:
    """Ask further. Raises what `begin` does, and Conflict where a conversation is too long."""
    project_id = conversation.project_id

    def work() -> Asked:
        with read_only() as session:
            service.check_columns(session, project_id, form.columns)
            before = queries.questions_of(session, conversation.id)
        number = form.number or len(before) + 1
        earlier = [one for one in before if one.number < number]
        planned = plan(project_id, wanted_of(form), earlier)

        def write(session: Session) -> Question:
            found = queries.conversation_by_id(session, conversation.id)
            if found is None:
                raise NotFound
            return service.ask(session, found, form)

        return _opened(project_id, user_id, planned, write)

    return await anyio.to_thread.run_sync(work)


async def again(conversation: Conversation, user_id: int, form: AgainForm) -> Asked:
    """Ask one column of a question once more. Raises NotFound, Gone and OverBudget."""

    def work() -> Asked:
        with read_only() as session:
            asked = queries.questions_of(session, conversation.id)
        question = next((one for one in asked if one.number == form.number), None)
        if question is None or form.place >= len(question.columns):
            raise NotFound
        earlier = [one for one in asked if one.number < form.number]
        wanted = wanted_again(question)
        planned = plan(conversation.project_id, wanted, earlier, place=form.place)

        def find(session: Session) -> Question:
            found = queries.question_numbered(session, conversation.id, form.number)
            if found is None or found.id != question.id:
                raise NotFound
            return found

        return _opened(conversation.project_id, user_id, planned, find)

    return await anyio.to_thread.run_sync(work)


def _opened(
    project_id: int,
    user_id: int,
    planned: Sequence[Planned],
    write: Callable[[Session], Question],
) -> Asked:
    """In one unit of work: a question is written only if the budget lets it be asked."""
    try:
        with unit_of_work() as session:
            question = write(session)
            tickets = service.open_answers(session, question, [one.place for one in planned])
            for one in planned:
                spending.reserve(session, one, tickets[one.place], by=user_id)
    except OverBudget as error:
        with unit_of_work() as session:
            telling.tell_blocked(session, project_id, "A question", error, actor_id=user_id)
        raise
    columns = [Asking(tickets[one.place], one) for one in planned]
    return Asked(question.conversation_id, question.number, columns)
