"""A notice in the words of each way out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.notices.models import Notice, Topic
from app.settings import settings

# The type of a message, in Standard Webhooks' manner.
TYPES = {
    Topic.JOB_ENDED: "job.ended",
    Topic.NEEDS_DECISION: "decision.needed",
    Topic.BUDGET: "budget.alert",
    Topic.DATES: "date.near",
    Topic.DRIFT: "model.drifted",
}
TEST = "test"
TEST_TITLE = "A test from Luthier"
TEST_TEXT = "Somebody pressed Send a test. Notices will arrive like this one."
# What pings a whole room in Slack and its likes, wherever it stands in a text.
EVERYBODY = re.compile(r"@(?=channel|here|everyone|all)", re.IGNORECASE)
SLACK_LENGTH = 3_000
# The page of a person's choices.
CHOICES = "/account/notices"


def address_of(notice: Notice | None, project_id: int) -> str:
    """The page that a message leads to."""
    path = notice.path if notice is not None else f"/projects/{project_id}/notices"
    return settings().base_url + path


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one person, in plain text."""

    to: str
    subject: str
    text: str
    message_id: str
    choices_url: str
    at: datetime


def as_mail(
    notice: Notice | None, *, to: str, project_id: int, project: str, message_id: str, at: datetime
) -> Mail:
    """The mail about a notice: its words, its page, and where to choose what comes."""
    title, text = (TEST_TITLE, TEST_TEXT) if notice is None else (notice.title, notice.text)
    choices = settings().base_url + CHOICES
    end = (
        f"-- \n{project}, in Luthier. You chose to be told of this by mail; choose anew, for "
        f"every project or this one: {choices}"
    )
    lines = [f"{title}.", text, address_of(notice, project_id), end]
    return Mail(
        to,
        f"{title} ({project})",
        "\n\n".join(line for line in lines if line),
        message_id,
        choices,
        at,
    )


def as_event(notice: Notice | None, *, project_id: int, project: str, at: datetime) -> bytes:
    """The body for programs: `type`, `timestamp` and `data`. Without a notice it is a test."""
    told: Mapping[str, object] = {"title": TEST_TITLE, "text": TEST_TEXT}
    if notice is not None:
        told = {"title": notice.title, "text": notice.text, **notice.facts}
    body = {
        "type": TYPES[Topic(notice.topic)] if notice is not None else TEST,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "data": {
            "project_id": project_id,
            "project": project,
            "url": address_of(notice, project_id),
            **told,
        },
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def as_slack(notice: Notice | None, *, project_id: int, project: str) -> bytes:
    """The body for Slack and what takes the same: one text with a link, nothing in it a command."""
    title, text = (TEST_TITLE, TEST_TEXT) if notice is None else (notice.title, notice.text)
    link = f"<{slack_text(address_of(notice, project_id))}|{slack_text(title)}>"
    lines = [f"{link} ({slack_text(project)})", slack_text(text)]
    return json.dumps({"text": "\n".join(line for line in lines if line)}).encode()


def slack_text(text: str) -> str:
    """Text as text: Slack reads `<`, `>` and `&` as its own, and some servers @channel too."""
    plain = text[:SLACK_LENGTH].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return EVERYBODY.sub("@\u200b", plain)
