"""What the forms show: a new evaluation, and a new run with its receipt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.budgets.lines import BudgetEffect
from app.budgets.money import said
from app.connections.models import Connection
from app.core.pages import number
from app.core.views import FormState
from app.datasets.models import DatasetVersion
from app.evaluations.models import Contestant, Evaluation
from app.evaluations.orders import recorded_name
from app.evaluations.prices import Cost
from app.evidence.words import amount
from app.grading.models import LibraryGrader
from app.jobs.queries_offered import Offered

PASTED = ("", "Rows that I paste below")
RULES = (("all", "every grader passes it"), ("any", "any grader passes it"))
WAYS = (
    ("seeded", "the same for every case, drawn with the seed"),
    ("nearest", "for each case those nearest to its question"),
)
KINDS = {
    "tuned": "Tuned models",
    "checkpoint": "Checkpoints",
    "base": "Base models",
    "listed": "Further models",
}
MOST_SHOWN = 40
START = {"temperature": "0", "max_tokens": "512", "repeats": "1", "shots_k": "5", "seed": ""}
START |= {"people_cases": "40"}
# How many of the cases two contestants are taken to disagree in, before anybody was asked.
DISCORDANT = 0.2
USUAL = ("zero_shot", "few_shot", "use_tuned")


@dataclass(frozen=True, slots=True)
class NewView:
    """The form of an evaluation. `asks` where the chosen rows are fields, so that somebody must say
    how they are asked; `versions` and `graders` are (id, words).
    """

    project_id: int
    form: FormState
    versions: Sequence[tuple[str, str]]
    graders: Sequence[tuple[int, str]]
    rules: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody who may answer: the name and value of the box, what it is called, and more."""

    box: str
    value: str
    title: str
    about: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What happens when the form is sent, and what its cases show. `problems` are in its way."""

    cases: int
    shows: str
    contestants: int
    requests: int | None
    judged: int
    tokens: str
    tokens_note: str
    sum: str
    sum_note: str
    cap: str
    budget: BudgetEffect | None
    is_free: bool
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class NewRunView:
    """The form of a run. `tuned` are the tuned models to begin with, `base` what the chosen one was
    tuned from; `groups` hold everybody else.
    """

    project_id: int
    evaluation_id: int
    name: str
    cases: int
    graders: Sequence[str]
    form: FormState
    tuned: Sequence[tuple[str, str]]
    base: str
    base_code: str
    versions: Sequence[tuple[str, str]]
    ways: Sequence[tuple[str, str]]
    groups: Sequence[tuple[str, Sequence[Choice]]]
    recorded: Sequence[Choice]
    connections: Sequence[tuple[int, str]]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """The receipt alone."""

    receipt: Receipt


def new_view(
    project_id: int,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    versions: Sequence[DatasetVersion],
    graders: Sequence[LibraryGrader],
) -> NewView:
    """The form as it was typed, or as it begins."""
    begun = {"version_id": str(versions[0].id) if versions else "", "seed": "1"}
    begun |= {"field": "answer", "pass_rule": "all", "prompt_user": "{{ item.question }}"}
    if len(graders) == 1:
        begun[f"grader.{graders[0].id}"] = "yes"
    rules = [*RULES, *((f"only.{one.id}", f"{one.name} passes it") for one in graders)]
    return NewView(
        project_id,
        FormState(values or begun, errors),
        [PASTED, *((str(one.id), words_of(one)) for one in versions)],
        [(one.id, f"{one.name} ({one.type})") for one in graders],
        rules,
    )


def words_of(version: DatasetVersion) -> str:
    """A version in a list of choices."""
    rows = number(version.rows or 0)
    return f"{version.dataset.name}, version {version.number} ({rows} {version.format} rows)"


def code_of(connection_id: int, model: str) -> str:
    """A model as the value of a box."""
    return f"{connection_id}:{model}"


def groups_of(
    offered: Sequence[Offered], names: Mapping[int, str]
) -> list[tuple[str, list[Choice]]]:
    """Everybody who may be asked, by kind; each by the name it has at its connection."""
    found: dict[str, list[Choice]] = {}
    for at, one in enumerate(offered):
        about = f"{one.model}, {names.get(one.connection_id, '')}"
        code = code_of(one.connection_id, one.model)
        choice = Choice(f"model.{at}", code, one.title, about)
        found.setdefault(KINDS[one.kind], []).append(choice)
    return [(title, found[title][:MOST_SHOWN]) for title in KINDS.values() if title in found]


def recorded_of(contestants: Sequence[Contestant]) -> list[Choice]:
    """Answers that were given before."""
    return [
        Choice(
            f"recorded.{at}",
            str(one.id),
            recorded_name(one),
            f"{number(one.graded)} answers",
        )
        for at, one in enumerate(contestants)
    ]


def receipt_of(
    evaluation: Evaluation,
    contestants: int,
    cost: Cost | None,
    cap: int | None,
    effect: BudgetEffect | None,
    problems: Sequence[str],
) -> Receipt:
    """What the form asks for, in words."""
    if cost is None:
        return Receipt(
            evaluation.cases, shows(evaluation.cases), contestants, None, 0,
            "unknown", "", "unknown", "", "none", effect, is_free=False, problems=problems,
        )  # fmt: skip
    tokens = f"{number(cost.prompt_tokens)} in, about {number(cost.answer_tokens)} out"
    note = "o200k_base; some of these models count otherwise" if cost.is_guess else "o200k_base"
    is_free = cost.most == 0
    most = "" if cost.most is None or is_free else f"at most {said(cost.most)}"
    return Receipt(
        cases=evaluation.cases,
        shows=shows(evaluation.cases),
        contestants=contestants,
        requests=cost.requests,
        judged=cost.judged,
        tokens=tokens,
        tokens_note=note,
        sum="nothing" if is_free else said(cost.expected),
        sum_note=most,
        cap=said(cap) if cap is not None else "none",
        budget=effect,
        is_free=is_free,
        problems=problems,
    )


def shows(cases: int) -> str:
    """The smallest difference in passes that so many cases show, four times in five."""
    from app.evidence.power import plan  # noqa: PLC0415 - numpy

    smallest = plan(cases, measure="passes", varying=DISCORDANT).smallest
    return "too few" if smallest is None else f"from {amount(smallest, 'passes')}"


def connection_names(connections: Sequence[Connection]) -> dict[int, str]:
    """What connections are called, by id."""
    return {one.id: one.name for one in connections}
