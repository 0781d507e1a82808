"""What the head of a run says: how things stand, and what follows from it. Pure."""

from collections.abc import Sequence

from app.core.pages import number
from app.evaluations.models import Contestant, ContestantKind, EvaluationRun, RunStatus
from app.evaluations.reports.figures import Figures
from app.evaluations.reports.scores import said, signed
from app.evidence.base import Verdict
from app.evidence.words import notes, sentence

PAUSED_BY = {
    "person": "Somebody paused it.",
    "cap": "It has spent what it may: raise the cap, and it goes on.",
    "key": "A connection's key is refused. It goes on when the key works again.",
    "provider": "A provider refuses what is asked. Go on when that is mended.",
}
STATES = {
    RunStatus.RUNNING: ("running", "Running"),
    RunStatus.PAUSED: ("paused", "Paused"),
    RunStatus.DONE: ("succeeded", "Done"),
    RunStatus.STOPPED: ("cancelled", "Stopped"),
}


def lead(run: EvaluationRun, figures: Figures | None, names: Sequence[str]) -> str:
    """The first sentence of the page, with its full stop."""
    answered = sum(one.graded + one.failed for one in run.contestants)
    expected = sum(one.expected for one in run.contestants)
    if run.status == RunStatus.RUNNING:
        return f"{number(answered)} of {number(expected)} answers are in."
    if figures is None:
        return "The evidence is being reckoned."
    if figures.leading is not None:
        verdict = figures.verdict(*figures.leading)
        assert verdict is not None  # noqa: S101 - every two have one
        return f"{sentence(verdict)}."
    best = next((one for one in figures.standings if one.score.value is not None), None)
    if best is None or best.score.value is None:
        return "No answer could be graded."
    what = "answers correctly in" if figures.measure == "passes" else "scores"
    return f"{names[best.place]} {what} {said(best.score.value, figures.measure)}."


def follows(run: EvaluationRun, figures: Figures | None) -> str:
    """What to do with it: the checkpoint to take, or why nothing goes on."""
    if run.status == RunStatus.PAUSED:
        return run.words or PAUSED_BY.get(run.paused_by or "", "It is paused.")
    if run.status == RunStatus.RUNNING:
        return _waits(run)
    if figures is None:
        return ""
    chosen = checkpoint(run.contestants, figures)
    leading = figures.verdict(*figures.leading) if figures.leading else None
    if leading is None:
        return chosen
    return " ".join(filter(None, [chosen, *notes(leading), _picked(leading, figures)]))


def awaited(run: EvaluationRun) -> int | None:
    """How many answers of people a run waits for; None where no people take part."""
    people = [one for one in run.contestants if one.kind == ContestantKind.PEOPLE]
    if not people:
        return None
    left = sum(one.expected - one.graded - one.failed for one in people)
    return left if run.ended_at is None else 0


def _waits(run: EvaluationRun) -> str:
    left = awaited(run)
    if not left:
        return ""
    said = f"{number(left)} answers of people are" if left > 1 else "One answer of people is"
    models = [one for one in run.contestants if one.kind != ContestantKind.PEOPLE]
    is_alone = all(one.expected and one.graded + one.failed == one.expected for one in models)
    return f"{said} missing{': it waits for nothing else' if is_alone else ''}."


def _picked(leading: Verdict, figures: Figures) -> str:
    """The best of several is in part the luckiest: its lead is told with that."""
    scored = sum(one.score.value is not None for one in figures.standings)
    if scored <= 2 or leading.kind != "better":  # noqa: PLR2004 - the two themselves
        return ""
    return f"The two were picked out of {scored:,} by these same cases, which flatters the first."


def checkpoint(contestants: Sequence[Contestant], figures: Figures) -> str:
    """Which step of a job to use, where several took part."""
    steps = {
        place: one
        for place, one in enumerate(contestants)
        if one.checkpoint_step is not None
        and (standing := figures.standing(place)) is not None
        and standing.score.value is not None
    }
    jobs = {one.job_id for one in steps.values()}
    if len(steps) < 2 or len(jobs) != 1:  # noqa: PLR2004 - there is nothing to choose
        return ""
    last = max(steps, key=lambda place: steps[place].checkpoint_step or 0)
    best = max(steps, key=lambda place: _score(figures, place))
    step = f"step {steps[best].checkpoint_step:,}"
    if best == last:
        return f"The last checkpoint did best: use {step}."
    verdict = figures.verdict(best, last)
    if verdict is not None and verdict.kind == "better" and verdict.difference is not None:
        less = signed(verdict.difference, verdict.measure).lstrip("+")
        unit = "" if verdict.measure == "number" else " points"
        return f"Its last step is {less}{unit} worse than {step}. Use {step}."
    return f"No checkpoint is shown to be better than the last; {step} scored highest."


def _score(figures: Figures, place: int) -> float:
    standing = figures.standing(place)
    return standing.score.value or 0.0 if standing else 0.0


def note_of(one: Contestant, *, is_tuned: bool) -> str:
    """What kind of contestant it is."""
    words = "tuned" if is_tuned else "not tuned here"
    if one.by_people is not None:
        words = _people(one)
    elif one.kind == ContestantKind.RECORDED:
        words = "recorded answers"
    if one.checkpoint_step is not None:
        words = f"{words}, step {one.checkpoint_step:,}"
    if one.shots:
        way = "nearest" if one.shots.get("way") == "nearest" else "drawn"
        words = f"{words}, {one.shots.get('k')} {way} examples in the prompt"
    return words


def _people(one: Contestant) -> str:
    """Those who answered by hand, and to how many cases where these were drawn."""
    words = "people" if one.kind == ContestantKind.PEOPLE else "recorded answers of people"
    return f"{words}, {one.expected:,} cases" if (one.by_people or {}).get("cases") else words
