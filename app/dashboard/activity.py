"""Activity rows in words: who did what, when, to what."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, or_

from app.auth.models import Activity
from app.core.list_views import ListView
from app.core.listing import Column, Table, by_id, one_of, since
from app.core.pages import Link, size
from app.dashboard.views import ActivityView, Happening
from app.projects.views import initials

VERBS = {
    "project.created": "made",
    "member.added": "added",
    "member.changed": "changed the role of",
    "member.removed": "removed",
    "member.left": "left:",
    "invitation.created": "invited somebody as",
    "invitation.revoked": "took back the invitation of an",
    "connection.created": "connected",
    "connection.renamed": "renamed",
    "connection.moved": "moved",
    "connection.key_changed": "changed the key of",
    "connection.admin_key_changed": "changed the admin key of",
    "connection.admin_key_removed": "removed the admin key of",
    "connection.removed": "removed",
    "connection.webhook_made": "made a webhook for",
    "connection.webhook_secret": "gave a signing secret to the webhook of",
    "connection.webhook_removed": "removed the webhook of",
    "dataset.uploaded": "uploaded",
    "upload.begun": "began to upload",
    "upload.removed": "gave up uploading",
    "dataset.checked": "checked",
    "dataset.retried": "asked again to check",
    "dataset.remade": "found damaged, and checks again,",
    "dataset.moderated": "asked for moderation of",
    "job.created": "started",
    "job.evaluation_asked": "asked for an evaluation after",
    "job.evaluation_taken_back": "took back the evaluation after",
    "job.cancel_asked": "asked to cancel",
    "job.cancelled": "saw the cancelling of",
    "job.vanished": "lost sight of",
    "job.retried": "asked again to start",
    "job.looked_again": "asked to look again for",
    "job.started_again": "took the risk to start again",
    "job.did_not_start": "ended, as not started,",
    "job.spare_cancelled": "cancelled a run too many of",
    "job.adopted": "adopted the run of",
    "connection.run_cancel_asked": "asked to cancel the run",
    "dataset.archived": "archived",
    "dataset.unarchived": "brought back",
    "model.archived": "archived",
    "model.unarchived": "brought back",
    "job.archived": "archived",
    "job.unarchived": "brought back",
    "job.succeeded": "saw the end of",
    "job.failed": "saw the failure of",
    "model.added": "kept the model",
    "collection.created": "began the collection",
    "collection.renamed": "renamed a collection to",
    "collection.deleted": "deleted the collection",
    "collection.row_saved": "saved a row in",
    "collection.row_removed": "took a row out of",
    "collection.row_put_back": "put a row back into",
    "evaluation.created": "made the evaluation",
    "evaluation.imported": "imported the evaluation",
    "evaluation.run_started": "started a run of",
    "evaluation.run_paused": "paused a run of",
    "evaluation.run_resumed": "went on with a run of",
    "evaluation.run_stopped": "stopped a run of",
    "evaluation.asked_again": "scheduled asking again",
    "evaluation.asked_again_paused": "paused asking again",
    "evaluation.asked_again_resumed": "went on asking again",
    "evaluation.asked_again_removed": "ended asking again",
    "evaluation.wait_ended": "ended the wait for people in a run of",
    "golden.recorded": "began the golden recording of",
    "grader.created": "made the grader",
    "grader.changed": "made a version of",
    "grader.deleted": "deleted",
    "duels.begun": "had a judge compare the contestants of",
    "duels.paused": "paused a judge over",
    "duels.resumed": "let a judge go on over",
    "duels.stopped": "stopped a judge over",
    "judges.measured": "had the judges measured of",
    "round.begun": "began a round of grading of",
    "round.asked": "asked somebody to grade",
    "round.closed": "closed a round of grading of",
    "conversation.shared": "shared the conversation",
    "conversation.unshared": "no longer shares",
    "conversation.deleted": "deleted",
    "rescue.begun": "began",
    "rescue.asked_for": "asked to fetch for",
    "rescue.paused": "paused",
    "rescue.resumed": "went on with",
    "rescue.asked_again": "asked again for all of",
    "rescue.verified": "asked to verify",
    "rescue.ended": "saw the end of",
    "notice.given": "gave notice:",
    "endpoint.added": "had notices sent to",
    "endpoint.changed": "changed where notices go:",
    "endpoint.rotated": "made a new signing secret for",
    "endpoint.tested": "sent a test to",
    "endpoint.sent_again": "had a notice sent again to",
    "endpoint.stopped": "switched off",
    "endpoint.removed": "had notices no longer sent to",
    "budget.changed": "set the budget to",
    "budget.cost_said": "said what was billed for",
    "calendar.linked": "made a link to the dates for",
    "calendar.unlinked": "revoked the link to the dates for",
}
PAGES = {
    "version": ("datasets.show", "version_id"),
    "job": ("jobs.show", "job_id"),
    "model": ("models.show", "model_id"),
    "rescue": ("rescues.show", "rescue_id"),
    "round": ("rounds.show", "round_id"),
    "duels": ("duels.show", "duels_id"),
    "budget": ("budgets.show", "project_id"),
}


ABOUT = {
    "job": "jobs",
    "dataset": "datasets",
    "model": "models",
    "collection": "collections",
    "grader": "graders",
    "evaluation": "evaluations",
    "golden": "golden recordings",
    "round": "rounds of grading",
    "duels": "head to head",
    "judges": "judges",
    "conversation": "conversations",
    "connection": "connections",
    "rescue": "rescues",
    "budget": "the budget",
    "notice": "notices",
    "endpoint": "where notices go",
    "calendar": "links to the calendar",
    "member": "members",
    "invitation": "invitations",
    "project": "the project",
}


def _about(kinds: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(Activity.verb.startswith(f"{kind}.", autoescape=True) for kind in kinds))


ACTIVITY = Table(
    noun="event",
    row_id=Activity.id,
    columns=(Column("at", "When", Activity.id, is_down=True, is_kept=True),),
    filters=(
        replace(one_of("about", "About", Activity.verb, ABOUT.items()), where=_about),
        by_id("by", "Done by", lambda value: Activity.actor_id == value),
        since("since", "Since", Activity.at),
    ),
    start="-at",
)


def activity(
    project_id: int, rows: Sequence[Activity], listed: ListView, link: Link, *, is_first: bool
) -> ActivityView:
    """A page of what happened in a project; only the first refreshes itself."""
    return ActivityView(
        project_id=project_id,
        happenings=tuple(happening(row, link) for row in rows),
        list=listed,
        topic=f"project:{project_id}" if is_first else None,
    )


def happening(row: Activity, link: Link) -> Happening:
    """One row in words. `link` makes paths of route names."""
    kind, _, number = row.subject.partition(":")
    route = PAGES.get(kind)
    name = row.detail.get("name") or row.detail.get("email") or f"{kind} {number}"
    if kind == "version" and "number" in row.detail:
        name = f"{name}, version {row.detail['number']}"
    return Happening(
        who=row.actor.name if row.actor else "Luthier",
        initials=initials(row.actor.name) if row.actor else None,
        what=VERBS.get(row.verb, row.verb.partition(".")[2].replace("_", " ")),
        subject=str(name),
        url=link(route[0], **{route[1]: int(number)}) if route else None,
        at=row.at,
        more=_more(row),
    )


def _more(row: Activity) -> str:
    detail = row.detail
    if "role" in detail and "before" in detail:
        return f"from {detail['before']} to {detail['role']}"
    if "role" in detail:
        return f"as {detail['role']}"
    if "amount" in detail:
        return str(detail["amount"])
    if "base_model" in detail:
        return f"on {detail['base_model']}"
    return str(size(detail["bytes"])) if "bytes" in detail else ""
