"""What the playground shows: the models side by side, what was asked, what each answered."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.budgets.money import said
from app.budgets.standing import Standing
from app.catalog.answer_prices import AnswerPrice, answer_price
from app.catalog.views import Snippet
from app.connections.models import Connection
from app.core.list_views import ListView
from app.core.pages import money, number
from app.grading.verdicts import Verdict
from app.jobs.queries_offered import Offered
from app.playground.codes import code_of
from app.playground.models import Answer, Conversation
from app.playground.preparing import Told
from app.playground.prompts import Difference
from app.playground.verdicts import GradingView
from app.projects.views import initials

GROUPS = {"tuned": "Tuned models", "checkpoint": "Checkpoints", "base": "Base models"}
OTHERS = "Whatever else is listed"
FINISHED = {
    "length": "cut off at max_tokens",
    "content_filter": "held back by the provider's filter",
}
MOMENT = 1000
# From which probability on a token is shaded less.
STEPS = (0.3, 0.6, 0.9, 0.99)
UNKNOWN_CONNECTION = "a connection that is gone"


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A model that is asked. `about` says what it is and where; `without_url` is the same page
    without it.
    """

    code: str
    title: str
    about: str
    connection_id: int
    model: str
    examples_from: int | None
    examples: int | None
    without_url: str


@dataclass(frozen=True, slots=True)
class ChanceView:
    """A token with how sure the model was of it: `step` from 0, hardly, to 4, nearly certain;
    `words` say that in percent with what else was likely.
    """

    text: str
    step: int
    words: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What came of one column: `state` as in `Answer`, or none where nothing was kept.
    `facts` are a few short words each: times, tokens, price.
    """

    place: int
    title: str
    about: str
    state: str
    text: str
    calls: tuple[Mapping[str, Any], ...]
    error: str | None
    facts: tuple[str, ...]
    chances: tuple[ChanceView, ...] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class TurnView:
    """One question and its answers."""

    number: int
    text: str
    answers: tuple[AnswerView, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Models of one kind that may be added: (code, words)."""

    words: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PromptView:
    """How the system prompt differs from those the models were trained with; `url` checks another,
    `has_any` where any of them was trained with one.
    """

    url: str
    differences: tuple[Difference, ...]
    has_any: bool


@dataclass(frozen=True, slots=True)
class PromptPart:
    """The check alone."""

    prompt: PromptView


@dataclass(frozen=True, slots=True)
class ShowView:
    """Asking several models. `settings` are texts by field; `can_ask` where the reader may spend
    and the conversation is theirs or new, `why_not` says why not; `can_save` where they may edit.
    `snippets` ask the last question again.
    """

    project_id: int
    conversation_id: int | None
    title: str
    by: str
    is_mine: bool
    is_shared: bool
    columns: tuple[ColumnView, ...]
    turns: tuple[TurnView, ...]
    settings: Mapping[str, str]
    prompt: PromptView
    grading: GradingView
    offers: tuple[Group, ...]
    connections: tuple[tuple[int, str], ...]
    versions: tuple[tuple[int, str], ...]
    snippets: tuple[Snippet, ...]
    can_ask: bool
    can_save: bool
    why_not: str
    cost_note: str
    most_columns: int


@dataclass(frozen=True, slots=True)
class ConversationRow:
    id: int
    title: str
    models: str
    questions: int
    by: str
    by_initials: str
    changed_at: datetime
    is_shared: bool


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The reader's conversations and those shared with the project."""

    project_id: int
    conversations: tuple[ConversationRow, ...]
    list: ListView
    has_any: bool


class Names:
    """What models and connections are called in this project."""

    def __init__(
        self,
        connections: Sequence[Connection],
        offered: Sequence[Offered],
        versions: Mapping[int, str],
    ) -> None:
        self.connections = {one.id: one for one in connections}
        self.offered = {(one.connection_id, one.model): one for one in offered}
        self.versions = versions

    def title(self, asked: Mapping[str, Any]) -> str:
        """The model as people call it."""
        found = self.offered.get((asked["connection_id"], asked["model"]))
        return found.title if found else str(asked["model"])

    def about(self, asked: Mapping[str, Any]) -> str:
        """What it is, and over which connection."""
        found = self.offered.get((asked["connection_id"], asked["model"]))
        connection = self.connections.get(asked["connection_id"])
        words = [found.kind] if found and found.kind in GROUPS else []
        if "examples" in asked:
            of = self.versions.get(asked["examples_from"], "rows that are gone")
            words.append(f"{asked['examples']} examples of {of} before")
        return ", ".join([*words, connection.name if connection else UNKNOWN_CONNECTION])


def columns_of(
    names: Names, asked: Sequence[Mapping[str, Any]], without: Sequence[str]
) -> tuple[ColumnView, ...]:
    """The models that are asked; `without` are the addresses without each."""
    return tuple(
        ColumnView(
            code_of(one),
            names.title(one),
            names.about(one),
            one["connection_id"],
            one["model"],
            one.get("examples_from"),
            one.get("examples"),
            url,
        )
        for one, url in zip(asked, without, strict=True)
    )


def turns_of(names: Names, told: Told, verdicts: Mapping[int, Verdict]) -> tuple[TurnView, ...]:
    """What was asked and answered; the verdicts are on the last answers, by their place."""
    turns = []
    for question in told.questions:
        answers = {answer.place: answer for answer in question.answers}
        shown = tuple(
            answer_view(answers.get(place), place, names.title(asked), names.about(asked))
            for place, asked in enumerate(question.columns)
        )
        if question is told.questions[-1]:
            shown = tuple(replace(one, verdict=verdicts.get(one.place)) for one in shown)
        turns.append(TurnView(question.number, question.text, shown))
    return tuple(turns)


def answer_view(answer: Answer | None, place: int, title: str = "", about: str = "") -> AnswerView:
    """What came of a column, or that nothing was kept."""
    if answer is None:
        return AnswerView(place, title, about, "none", "", (), None, ("nothing was kept",))
    return AnswerView(
        place, title, about, answer.state, answer.text, tuple(answer.calls), answer.error,
        tuple(_facts(answer)), tuple(_chance(*one) for one in answer.chances or ()),
    )  # fmt: skip


def _chance(token: str, logprob: float, likeliest: Sequence[tuple[str, float]]) -> ChanceView:
    share = math.exp(logprob)
    others = [f"{other!r} {math.exp(log):.1%}" for other, log in likeliest if other != token]
    words = [f"{token!r} {share:.1%}", *others]
    return ChanceView(token, bisect_right(STEPS, share), ", ".join(words))


def _facts(answer: Answer) -> list[str]:
    words = []
    if answer.first_ms is not None:
        words.append(f"first token {answer.first_ms / MOMENT:.2f} s")
    if answer.completion_tokens is not None:
        tokens = answer.completion_tokens
        words.append(f"{number(tokens)} {'token' if tokens == 1 else 'tokens'}")
    if not answer.has_ended:
        return [*words, "still being answered"]
    words.append(f"{answer.total_ms / MOMENT:.2f} s in all")
    if answer.state != "failed":
        words.append("price unknown" if answer.price is None else _priced(answer.price))
    if answer.state == "cut":
        words.append("cut short")
    elif answer.state == "done" and not answer.text and not answer.calls:
        words.append("the answer is empty")
    if answer.finish_reason in FINISHED:
        words.append(FINISHED[answer.finish_reason])
    return words


def _priced(price: float) -> str:
    return "free" if price == 0 else money(price) if price >= 0.0001 else f"${price:.6f}"  # noqa: PLR2004


def offers_of(offered: Sequence[Offered], connections: Sequence[Connection]) -> tuple[Group, ...]:
    """The models that may be added, by kind; one that is asked may be asked with examples too."""
    names = {one.id: one.name for one in connections}
    groups: dict[str, list[tuple[str, str]]] = {words: [] for words in (*GROUPS.values(), OTHERS)}
    for one in offered:
        if one.connection_id in names:
            code = code_of({"connection_id": one.connection_id, "model": one.model})
            words = f"{one.title}, {names[one.connection_id]}"
            groups[GROUPS.get(one.kind, OTHERS)].append((code, words))
    return tuple(Group(words, tuple(found)) for words, found in groups.items() if found)


def cost_note(
    asked: Sequence[Mapping[str, Any]], connections: Sequence[Connection], month: Standing | None
) -> str:
    """Who bills for a question, at which prices, and what the `month` has left for it."""
    found = {one.id: one for one in connections}
    billed, prices = [], []
    for one in asked:
        connection = found.get(one["connection_id"])
        price = answer_price(connection.profile, one["model"]) if connection else None
        if connection and (price is None or price.output):
            billed.append(connection.name)
            prices.append(_price_words(one["model"], price))
    names = list(dict.fromkeys(billed))
    if not names:
        return "Costs nothing."
    bills = f"{' and '.join(names)} {'bills' if len(names) == 1 else 'bill'} the answers."
    left = f"{said(month.left)} is left of the budget for {month.month:%B}." if month else ""
    return " ".join(filter(None, [bills, *dict.fromkeys(prices), left]))


def _price_words(model: str, price: AnswerPrice | None) -> str:
    if price is None:
        return f"What {model} costs is not known."
    read, written = money(price.input), money(price.output)
    return f"{model}: {read} per million tokens read, {written} written."


def row(conversation: Conversation) -> ConversationRow:
    """A conversation in the list."""
    models = [one["model"] for question in conversation.questions for one in question.columns]
    by = maker_of(conversation)
    return ConversationRow(
        conversation.id,
        conversation.title,
        ", ".join(dict.fromkeys(models)),
        len(conversation.questions),
        by,
        initials(by),
        conversation.changed_at,
        conversation.shared_at is not None,
    )


def maker_of(conversation: Conversation) -> str:
    """Who began it."""
    return conversation.creator.name if conversation.creator else "someone who left"


def line(answer: Answer) -> dict[str, Any]:
    """What the page's script is told when a column ends."""
    shown = answer_view(answer, answer.place)
    return {
        "state": shown.state,
        "text": shown.text,
        "calls": list(shown.calls),
        "error": shown.error,
        "facts": list(shown.facts),
        "chances": [[one.text, one.step, one.words] for one in shown.chances],
    }
