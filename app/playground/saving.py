"""Saving an answer in a collection of the project, and the form that asks how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.orm import Session

from app.collections import queries as collections
from app.collections import service
from app.collections.models import Kind
from app.collections.service import Saved
from app.core.errors import NotFound
from app.core.pages import path_for
from app.core.views import FormState
from app.playground import queries
from app.playground.forms import SaveForm
from app.playground.models import Conversation
from app.playground.rows import has_words, row_of, told_of

USUAL = {
    Kind.CHAT: "Good answers",
    Kind.PREFERENCE: "Preferred answers",
    Kind.EVALUATION: "Questions to measure with",
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way to save: the collection that is offered, and those there are."""

    kind: str
    collection: str
    collections: tuple[str, ...]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SaveView:
    """How to save the answer of `model`; `others` are the places and models of what it may be
    preferred over.
    """

    project_id: int
    conversation_id: int
    title: str
    number: int
    place: int
    model: str
    ways: tuple[Way, ...]
    others: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SavedView:
    """Where a row was saved; undo takes it out again where it is new."""

    conversation_id: int
    collection: str
    collection_url: str
    row_id: int
    is_new: bool


def save(session: Session, conversation: Conversation, form: SaveForm, *, user_id: int) -> Saved:
    """Keep the answer as a row. Raises what `row_of` and `collections.service.save` do."""
    row, origin = row_of(queries.questions_of(session, conversation.id), form)
    service.check_row(form.way, row)  # before a collection is made for it
    collection = service.named(
        session,
        project_id=conversation.project_id,
        actor_id=user_id,
        name=form.collection,
        kind=form.way,
    )
    return service.save(
        session,
        collection,
        row,
        actor_id=user_id,
        origin=origin,
        conversation_id=conversation.id,
    )


def undo(session: Session, conversation: Conversation, row_id: int, *, user_id: int) -> None:
    """Take out a row that was saved from this conversation. Raises NotFound."""
    found = collections.row_by_id(session, row_id)
    if found is None or found.conversation_id != conversation.id:
        raise NotFound
    service.remove_row(session, found, actor_id=user_id)


def save_view(
    session: Session, conversation: Conversation, number: int, place: int, sent: FormState
) -> SaveView:
    """The ways to save an answer, with what was wrong with the one that was `sent`. Raises NotFound
    where there is no such answer.
    """
    question = queries.question_numbered(session, conversation.id, number)
    answers = queries.answers_of(session, question.id) if question else ()
    said = {one.place: one for one in answers if has_words(one)}
    if question is None or place not in said:
        raise NotFound
    others = tuple((at, told_of(question.columns[at])) for at in sorted(said) if at != place)
    there = collections.names_of_collections(session, conversation.project_id)
    kinds = [kind for kind in Kind if kind != Kind.PREFERENCE or others]
    return SaveView(
        conversation.project_id,
        conversation.id,
        conversation.title,
        number,
        place,
        told_of(question.columns[place]),
        tuple(_way(kind, there, sent) for kind in kinds),
        others,
    )


def _way(kind: Kind, there: Sequence[tuple[str, str]], sent: FormState) -> Way:
    names = tuple(name for format_, name in there if format_ == kind)
    is_sent = sent.values.get("as") == kind
    typed = sent.values.get("collection", "") if is_sent else next(iter(names), USUAL[kind])
    return Way(kind, typed, names, sent.errors if is_sent else {})


def saved_view(request: Request, conversation: Conversation, saved: Saved) -> SavedView:
    """What to say of a row that is kept."""
    collection = saved.row.collection
    url = path_for(request, "collections.show", collection_id=collection.id)
    return SavedView(conversation.id, collection.name, url, saved.row.id, saved.is_new)
