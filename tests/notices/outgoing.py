"""What the tests of sending share: rounds of the timetable, time that passes, what was kept."""

import json
from datetime import UTC, datetime, timedelta

import openai

from app.core import clock
from app.core.database import read_only
from app.notices.models import Delivery, DeliveryTry, Endpoint, Notice
from app.notices.sending import tasks

PATH = "/told"
HOSTILE = 'a "b" <!channel> & @here </a>\u202e{{7*7}}'


def work():
    """One round of the timetable; how many ways out had something to send."""
    found = tasks.waiting()
    for _, delivery_id in found:
        tasks.send(delivery_id)
    return len(found)


def later(seconds):
    """So many seconds pass, and the tenth by which waits are spread."""
    clock.shift((clock_moved() + timedelta(seconds=seconds * 1.11)).total_seconds())


def clock_moved():
    with read_only() as session:
        return clock.now(session) - datetime.now(UTC)


def deliveries():
    with read_only() as session:
        return session.query(Delivery).order_by(Delivery.id).all()


def tries():
    with read_only() as session:
        return session.query(DeliveryTry).order_by(DeliveryTry.id).all()


def endpoint_of(endpoint_id):
    with read_only() as session:
        return session.get_one(Endpoint, endpoint_id)


def titles(team):
    with read_only() as session:
        rows = session.query(Notice).filter_by(project_id=team.project_id).order_by(Notice.id)
        return [row.title for row in rows]


def verified(received, secret):
    """The event, as somebody else's verifier takes it; raises where it does not."""
    client = openai.OpenAI(api_key="x", webhook_secret=secret)
    client.webhooks.verify_signature(received.body, received.headers)
    return json.loads(received.body)
