"""Evaluations and their cases; the runs, who takes part in them, what was answered and how it was
graded.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.catalog.models import ModelRef
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.datasets.models import DatasetVersion
from app.grading.models import GraderVersion, LibraryGrader

NAME_LENGTH = 120
# Pass rules beside the place of a grader.
ALL, ANY = "all", "any"


class EvaluationStatus(StrEnum):
    """Whether an evaluation has its cases: they are read by a worker."""

    READING = "reading"
    READY = "ready"
    REFUSED = "refused"


class RunStatus(StrEnum):
    """Where a run of an evaluation is. `paused_by` says who or what paused it."""

    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"


class ContestantKind(StrEnum):
    """What gives a contestant's answers: a model, `people` of the project by hand; `recorded` ones
    were given before, in another run or elsewhere.
    """

    MODEL = "model"
    PEOPLE = "people"
    RECORDED = "recorded"


class ResultStatus(StrEnum):
    """Where one contestant's answer to one case is: `asked` is on its way or was lost with its
    worker, `answered` waits for graders that take their time, `judging` only for its judges.
    """

    WAITING = "waiting"
    ASKED = "asked"
    ANSWERED = "answered"
    JUDGING = "judging"
    GRADED = "graded"
    FAILED = "failed"


class Evaluation(Leased, Base):
    """Cases and what a good answer to them is. The cases never change; the graders may, and each
    run keeps the versions it used.

    `source` says where the cases come from, as `sources.py` reads it: a dataset version, rows that
    were pasted, an eval that came home. `prompt` is the messages with places (`{{ item.x }}`) that
    ask a case that brings none of its own. `pass_rule` is "all", "any", or the place of the one
    grader that decides. The lease is that of the reading of its cases. `tokens` are those of all
    its cases as they are asked, `answer_tokens` those of their references, by o200k_base.
    """

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    status: Mapped[str] = mapped_column(String(16))
    source: Mapped[dict[str, Any]]
    dataset_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="RESTRICT"), index=True
    )
    prompt: Mapped[list[Any] | None]
    pass_rule: Mapped[str] = mapped_column(String(8))
    cases: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    answer_tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    dataset_version: Mapped[DatasetVersion | None] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
    graders: Mapped[list["EvaluationGrader"]] = relationship(
        lazy="raise", order_by="EvaluationGrader.place", passive_deletes="all"
    )


class EvaluationGrader(Base):
    """A grader of the library that an evaluation uses, in the version that is its newest when a run
    begins.
    """

    __tablename__ = "evaluation_graders"

    evaluation_id: Mapped[int] = mapped_column(
        ForeignKey("evaluations.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    grader_id: Mapped[int] = mapped_column(
        ForeignKey("graders.id", ondelete="RESTRICT"), index=True
    )

    grader: Mapped[LibraryGrader] = relationship(lazy="raise")


class Case(Base):
    """One question: `messages` is how it is asked, `item` what graders know of it, `reference` the
    right answer as a text where there is one. `number` counts from 1. `line` and `row_id` say which
    row of the dataset version it was.
    """

    __tablename__ = "cases"
    __table_args__ = (UniqueConstraint("evaluation_id", "number"),)

    id: Mapped[Id]
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))
    number: Mapped[int]
    line: Mapped[int | None]
    row_id: Mapped[int | None]
    messages: Mapped[list[Any]]
    tools: Mapped[list[Any] | None]
    item: Mapped[dict[str, Any]]
    reference: Mapped[str | None] = mapped_column(Text)
    tokens: Mapped[int] = mapped_column(default=0, server_default="0")


class CaseTag(Base):
    """What sorts a case into a slice: a field with few values, or an entry of its tags."""

    __tablename__ = "case_tags"
    __table_args__ = (Index(None, "evaluation_id", "field", "value"),)

    case_id: Mapped[int] = mapped_column(
        ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True
    )
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(64), primary_key=True)
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="CASCADE"))


class EvaluationRun(Base):
    """The evaluation's cases put to contestants once. `number` counts an evaluation's runs from 1.

    `settings` are `forms.AnswerSettings`: how answers are sampled, and how fast they are asked for.
    Each case is asked `repeats` times. Money is in millionths of a dollar: `estimate` is what it
    was to cost (null: unknown), `cap` where it pauses by itself, `spent` what the answers and
    judges came to, `guessed` the part of that for what was asked and never came: it may be billed.
    `origin` says in words what asked for it where no person did. `is_frozen` runs are recordings:
    they stay. `request_sha256` is of what the `request_key` asked for.
    """

    __tablename__ = "evaluation_runs"
    __table_args__ = (
        UniqueConstraint("evaluation_id", "number"),
        UniqueConstraint("project_id", "request_key"),
        Index(None, "project_id", "created_at"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    evaluation_id: Mapped[int] = mapped_column(ForeignKey("evaluations.id", ondelete="RESTRICT"))
    number: Mapped[int]
    request_key: Mapped[str] = mapped_column(String(64))
    request_sha256: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    paused_by: Mapped[str | None] = mapped_column(String(16))
    words: Mapped[str | None] = mapped_column(Text)
    settings: Mapped[dict[str, Any]]
    pass_rule: Mapped[str] = mapped_column(String(8))
    repeats: Mapped[int] = mapped_column(default=1)
    estimate: Mapped[int | None]
    cap: Mapped[int | None]
    spent: Mapped[int] = mapped_column(default=0)
    guessed: Mapped[int] = mapped_column(default=0, server_default="0")
    is_frozen: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str | None] = mapped_column(String(64))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    evaluation: Mapped[Evaluation] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
    contestants: Mapped[list["Contestant"]] = relationship(
        back_populates="run", lazy="raise", order_by="Contestant.place", passive_deletes="all"
    )
    graders: Mapped[list["RunGrader"]] = relationship(
        lazy="raise", order_by="RunGrader.place", passive_deletes="all"
    )
    judges: Mapped[list["RunJudge"]] = relationship(
        lazy="raise", order_by="RunJudge.place", passive_deletes="all"
    )


class RunGrader(Base):
    """A grader as a run used it."""

    __tablename__ = "run_graders"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(
        ForeignKey("grader_versions.id", ondelete="RESTRICT"), index=True
    )

    version: Mapped[GraderVersion] = relationship(lazy="raise")


class RunJudge(Leased, Base):
    """A grader of a run, by its place, that asks models. The lease is that of its slices; `asked`
    counts what was sent, `spent` what that came to, in millionths of a dollar.
    """

    __tablename__ = "run_judges"
    __table_args__ = (UniqueConstraint("run_id", "place"),)

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_runs.id", ondelete="CASCADE"))
    place: Mapped[int]
    asked: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)


class Contestant(Leased, Base):
    """Who answers the cases of a run. The lease is that of its slices.

    `shots` are the examples it is shown (`{"k": 20, "way": "nearest", "seed": 1}` of the version
    `shots_version_id`). A recorded contestant has the answers of `recorded_id`. `checkpoint_step`
    is set where the model is a checkpoint of a job. `by_people` is set where people answered, now
    or when it was recorded: `{"cases": 40, "seed": 1}`, all the cases where `cases` is null. The
    sums are over its results, so that pages need not count.
    """

    __tablename__ = "contestants"
    __table_args__ = (UniqueConstraint("run_id", "place"),)

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_runs.id", ondelete="CASCADE"))
    place: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(255))
    model_ref_id: Mapped[int | None] = mapped_column(
        ForeignKey("model_refs.id", ondelete="RESTRICT"), index=True
    )
    shots: Mapped[dict[str, Any] | None]
    shots_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="RESTRICT"), index=True
    )
    recorded_id: Mapped[int | None] = mapped_column(
        ForeignKey("contestants.id", ondelete="RESTRICT"), index=True
    )
    job_id: Mapped[int | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="SET NULL"), index=True
    )
    checkpoint_step: Mapped[int | None]
    by_people: Mapped[dict[str, Any] | None]
    expected: Mapped[int] = mapped_column(default=0)
    graded: Mapped[int] = mapped_column(default=0)
    passed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    prompt_tokens: Mapped[int] = mapped_column(default=0)
    completion_tokens: Mapped[int] = mapped_column(default=0)
    spent: Mapped[int] = mapped_column(default=0)

    run: Mapped[EvaluationRun] = relationship(back_populates="contestants", lazy="raise")
    ref: Mapped[ModelRef | None] = relationship(lazy="raise")


class GivenAnswer(Base):
    """What a model answered, kept under what it was asked: `digest` is of the connection, the
    model, the messages, the settings and which repeat it is. Asked the same again, a run takes it
    from here. Judges' replies too. `total_ms` is how long it took, `cost` in millionths of a
    dollar; null where nobody knows.
    """

    __tablename__ = "given_answers"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    calls: Mapped[list[Any]]
    refusal: Mapped[str | None] = mapped_column(Text)
    finish_reason: Mapped[str | None] = mapped_column(String(64))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    total_ms: Mapped[int | None]
    cost: Mapped[int | None]
    answered_at: Mapped[datetime]


class Questioned:
    """Columns of a row that a model is asked about. `asked` counts the times it was sent, written
    down before each; `not_before` is when it may be sent again, `tries` how often that failed while
    the provider answered others. `held` is the most that it can cost while it is asked (null:
    unknown). `error` says why there is no answer, or why there was none the last time.
    """

    id: Mapped[Id]
    status: Mapped[str] = mapped_column(String(16))
    asked: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    held: Mapped[int | None]
    answer_id: Mapped[int | None] = mapped_column(
        ForeignKey("given_answers.id", ondelete="RESTRICT"), index=True
    )
    error: Mapped[str | None] = mapped_column(Text)


class Result(Questioned, Base):
    """One contestant's answer to one case, `repeat` from 0. `score` is the mean of what its graders
    gave, `passed` what the pass rule makes of them; both are null until it is graded, and where a
    judge's reply is missing or malformed.
    """

    __tablename__ = "results"
    __table_args__ = (
        UniqueConstraint("contestant_id", "case_id", "repeat"),
        Index(None, "contestant_id", "status", "not_before"),
        Index(None, "case_id"),
    )

    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), index=True
    )
    contestant_id: Mapped[int] = mapped_column(ForeignKey("contestants.id", ondelete="CASCADE"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    repeat: Mapped[int] = mapped_column(default=0)
    is_cached: Mapped[bool] = mapped_column(default=False)
    passed: Mapped[bool | None]
    score: Mapped[float | None]

    answer: Mapped[GivenAnswer | None] = relationship(lazy="raise")
    case: Mapped[Case] = relationship(lazy="raise")


class Grade(Base):
    """What the grader at `place` of the run says of a result: `detail` is what it saw, `fault` why
    it has no score.
    """

    __tablename__ = "grades"

    result_id: Mapped[int] = mapped_column(
        ForeignKey("results.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), index=True
    )
    value: Mapped[float | None]
    passed: Mapped[bool | None]
    fault: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]]


class AnswerPace(Base):
    """How fast the models of a connection turned out to answer, in requests a second, for all who
    ask over it together. `most` is what it came down to when the provider said no too often;
    `outages` counts the slices in a row in which it answered nothing at all.
    """

    __tablename__ = "answer_paces"

    connection_id: Mapped[int] = mapped_column(
        ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    )
    rate: Mapped[float]
    most: Mapped[float | None]
    outages: Mapped[int] = mapped_column(default=0, server_default="0")
