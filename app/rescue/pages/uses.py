"""What can be done already with what a rescue brought home."""

from sqlalchemy.orm import Session

from app.core.pages import number
from app.rescue.models import Kind, Outcome
from app.rescue.pages import queries
from app.rescue.pages.seen import Seen
from app.rescue.views import Use


def uses_of(session: Session, seen: Seen) -> list[Use]:
    """Links to what came of the objects, each with its count."""
    made = queries.made_of(session, seen.connection_ids)
    evals, models = seen.counts[Kind.EVAL], seen.counts[Kind.MODEL]
    project = {"project_id": seen.rescue.project_id}
    found = []

    def objects(kind: Kind) -> str:
        query = {"kind": kind, "outcome": Outcome.HOME}
        return seen.link("rescues.manifest", rescue_id=seen.rescue.id, query=query)

    if evals:
        title = f"{many(evals, 'eval')} with every answer"
        words = "Read run by run, or taken along to promptfoo."
        found.append(Use("eval", title, words, seen.link("rescued_evals.index", **project)))
    if made.jobs:
        title = f"{many(made.jobs, 'job')} with their curves"
        words = "Redrawn from events and result files."
        rescued = seen.link("jobs.index", **project, query={"from": "elsewhere"})
        found.append(Use("job", title, words, rescued))
        title, words = "Retrain one elsewhere", "A job's page has it: with its rows and settings."
        found.append(Use("split", title, words, rescued))
    if made.datasets:
        became = "a dataset" if made.datasets == 1 else "datasets"
        title = f"{many(made.datasets, 'file')} became {became}"
        words = "Checked like an upload."
        if made.raw_files:
            words += f" {many(made.raw_files, 'file')} stay as they came, to be read."
        found.append(Use("data", title, words, seen.link("datasets.index", **project)))
    elif made.raw_files:
        title = f"Read {many(made.raw_files, 'file')}"
        found.append(Use("file", title, "As they came, page by page.", objects(Kind.FILE)))
    if models:
        title = f"{many(models, 'model')} with their lineage"
        words = "What each was tuned on, and from which rows."
        found.append(Use("model", title, words, seen.link("models.index", **project)))
    if seen.counts[Kind.USAGE]:
        title = "Who still calls which model"
        words = "By model, project and key, as the provider counted."
        found.append(Use("activity", title, words, seen.link("rescued_usage.show", **project)))
    return found


def many(count: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"
