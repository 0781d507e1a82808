"""The worker's part: what a web process that is gone has left of answers that were arriving."""

from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.playground import queries, service, spending


@finds_work()
def waiting() -> list[Work]:
    """Answers to which nobody listens, and the money that is set aside for such."""
    with read_only() as session:
        since = service.silent_since(session)
        answers = queries.ids_of_silent_answers(session, since)
        spends = queries.ids_of_lost_spends(session, since)
    found = [("playground.cut_off", answer_id) for answer_id in answers]
    return found + [("playground.count_lost", spend_id) for spend_id in spends]


@task("playground.cut_off")
def cut_off(answer_id: int) -> None:
    """Say of an answer that it was cut off."""
    with unit_of_work() as session:
        service.cut_off(session, answer_id)


@task("playground.count_lost")
def count_lost(spend_id: int) -> None:
    """Count what was set aside for an answer that was cut off or dropped."""
    with unit_of_work() as session:
        found = queries.lost_spend(session, spend_id, since=service.silent_since(session))
        if found is not None:
            spending.count_lost(session, found)
