"""The names that an import has to leave alone."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from app.evaluations.models import Contestant, Evaluation, EvaluationRun
from app.grading.models import GraderVersion, LibraryGrader


def evaluation_names(session: Session, project_id: int) -> Sequence[str]:
    """What a project's evaluations are called."""
    return session.scalars(select(Evaluation.name).where(Evaluation.project_id == project_id)).all()


def grader_names(session: Session, project_id: int) -> Sequence[str]:
    """What a project's graders are called."""
    query = select(LibraryGrader.name).where(LibraryGrader.project_id == project_id)
    return session.scalars(query).all()


def chosen_graders(
    session: Session, project_id: int, ids: Collection[int]
) -> dict[int, GraderVersion]:
    """The newest versions of those of the ids that are graders of the project, by grader."""
    query = (
        select(GraderVersion)
        .join(GraderVersion.grader)
        .options(contains_eager(GraderVersion.grader))
        .where(
            LibraryGrader.project_id == project_id,
            LibraryGrader.id.in_(ids),
            GraderVersion.number == LibraryGrader.number,
        )
    )
    return {one.grader_id: one for one in session.scalars(query)}


def first_contestants(session: Session, evaluation_id: int) -> Sequence[Contestant]:
    """Who came with an import: the contestants of its first run."""
    query = (
        select(Contestant)
        .join(Contestant.run)
        .where(EvaluationRun.evaluation_id == evaluation_id, EvaluationRun.number == 1)
        .order_by(Contestant.place)
    )
    return session.scalars(query).all()
