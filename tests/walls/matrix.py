"""The walls, as one table: every route, whom it lets in, and what it answers to them.

A new route is one line of TABLE under the thing it is about:

    "jobs.archive": edit(303),

The word says who comes in: `view` every member, `edit` and `spend` editors and owners, `manage` a
project's owners, `instance` the instance's owner, `own` everybody who is signed in, `public`
everybody and why. The number is what they are answered who send nothing (for most forms 422), or
who send what follows the number; a person's name after that is answered something else.

The rest follows. To outsiders, and about another team's ids, nothing exists (404); members without
the right are refused (403); whoever is not signed in is sent to the door (303 from a page, 401 from
the API).

A path with a new kind of id needs it in `tests/walls/world.py`; a form or a query that names a row
by id needs a line in `tests/walls/named_rows.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.auth.models import Access

Sends = Mapping[str, Any]
MAY: dict[str, set[str]] = {
    "viewer": {"view"},
    "editor": {"view", "edit", "spend"},
    "owner": {"view", "edit", "spend", "manage"},
}


@dataclass(frozen=True)
class Expected:
    """Whom a route lets in and what it answers them; `but` names the persons who get something
    else, and `sends` is the query or form it cannot be asked without.
    """

    access: Access | None
    answer: int = 200
    reason: str = ""
    sends: Sends = field(default_factory=dict)
    but: Mapping[str, int] = field(default_factory=dict)


def public(answer: int, reason: str, **but: int) -> Expected:
    """Open to everybody, for this reason."""
    return Expected(None, answer, reason, but=but)


def own(answer: int = 200, sends: Sends | None = None, **but: int) -> Expected:
    """For everybody who is signed in, about what is theirs alone."""
    return Expected("self", answer, sends=sends or {}, but=but)


def instance(answer: int = 200, **but: int) -> Expected:
    """For the instance's owner."""
    return Expected("instance", answer, but=but)


def view(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For every member of the project."""
    return Expected("view", answer, sends=sends or {})


def edit(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For editors and owners."""
    return Expected("edit", answer, sends=sends or {})


def spend(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For editors and owners, and it may cost money."""
    return Expected("spend", answer, sends=sends or {})


def manage(answer: int = 200, sends: Sends | None = None) -> Expected:
    """For the owners of the project."""
    return Expected("manage", answer, sends=sends or {})


TABLE: dict[str, Expected] = {
    # The doors
    "auth.login": public(200, "the door"),
    "auth.login_post": public(422, "the door"),
    "auth.welcome": public(303, "says where the first owner's link is printed"),
    "auth.welcome_link": public(303, "the first owner has no account; the link is the proof"),
    "auth.welcome_post": public(422, "the first owner has no account; the link is the proof"),
    "auth.password": public(200, "without a password nobody signs in; the link is the proof"),
    "auth.password_post": public(422, "without a password nobody signs in; the link is the proof"),
    "auth.logout": own(303),
    "invitations.show": public(200, "the invited may have no account; the link is the proof"),
    "invitations.join": public(422, "the invited may have no account; the link is the proof"),
    "invitations.accept": own(404),
    # What machines and browsers ask
    "livez": public(200, "containers ask, and learn only that the process answers"),
    "healthz": public(503, "supervisors ask, and learn only which part is missing: the broker"),
    "favicon": public(308, "browsers ask before anybody signs in"),
    "static": public(307, "style and scripts of the login page; the folder itself shows nothing"),
    "docs.openapi": public(200, "the shape of the API is no secret"),
    "docs.page": public(200, "the shape of the API is no secret"),
    # A person's own
    "dashboard.front": own(303),
    "dashboard.kit": own(404),  # in development only
    "dashboard.kit_metrics": own(404),
    "live": own(404, {"topic": "no-such-kind:1"}),  # any other answer is a stream without an end
    "account.show": own(),
    "account.rename": own(422),
    "account.password": own(303),
    "account.end_session": own(303),
    "account.end_other_sessions": own(303),
    "account.create_token": own(422),
    "account.revoke_token": own(303),
    "account.settings": own(422),
    "account.theme": own(422),
    "account.tour": own(303),
    "dashboard.jump": own(),
    # The instance
    "dashboard.metrics": instance(),
    "people.index": instance(),
    "people.disable": instance(303),
    "people.enable": instance(303),
    "people.reset": instance(200),
    "people.make_owner": instance(303),
    "people.unmake_owner": instance(303),
    "instance.allow_starts": instance(409),  # nothing holds jobs back
    "storage.index": instance(),
    "storage.measure": instance(303),
    "storage.prune": instance(303),
    "dates.index": instance(),
    "dates.change": instance(422),
    "dates.add": instance(422),
    "dates.take_back": instance(422),
    "prices.index": instance(),
    "prices.say": instance(422),
    "prices.take_back": instance(422),
    "api.prices.index": own(),
    "api.prices.say": instance(422),
    "api.prices.take_back": instance(422),
    "api.dates.index": own(),
    "api.dates.add": instance(422),
    "api.dates.change": instance(422),
    "api.dates.strike": instance(422),
    "api.dates.take_back": instance(422),
    # Projects and their members
    "projects.index": own(),
    "projects.new": own(),
    "projects.create": own(422),
    "api.projects.index": own(),
    "api.projects.create": own(422),
    "api.projects.show": view(),
    "dashboard.home": view(),
    "dashboard.side": view(),
    "dashboard.tour": view(),
    "activity.index": view(),
    # Notices and the calendar that other programs read
    "notices.index": view(),
    "notices.count": view(),
    "notices.read": own(303),  # a member's own note, whatever their role
    "notices.read_all": own(303),
    "notices.link": view(),
    "notices.make_link": own(200),
    "notices.revoke_link": own(200),
    "notices.calendar": public(404, "calendar programs have no cookie; the link is the proof"),
    "api.notices.index": view(),
    "choices.show": own(),
    "choices.choose": own(303),
    "choices.mute": own(303),
    "choices.unmute": own(303),
    # Where else notices go
    "endpoints.index": manage(),
    "endpoints.test_mail": manage(409),
    "endpoints.create": manage(422),
    "endpoints.show": manage(),
    "endpoints.change": manage(422),
    "endpoints.switch_on": manage(303),
    "endpoints.switch_off": manage(303),
    "endpoints.test": manage(303),
    "endpoints.rotate": manage(200),
    "endpoints.delete": manage(303),
    "deliveries.again": manage(303),
    "api.endpoints.index": manage(),
    "api.endpoints.create": manage(422),
    "api.endpoints.show": manage(),
    "api.endpoints.change": manage(200, {"name": "Ours"}),
    "api.endpoints.delete": manage(204),
    "api.endpoints.rotate": manage(200, {"keeps_old": True}),
    "api.endpoints.test": manage(202),
    "api.endpoints.deliveries": manage(),
    "api.deliveries.again": manage(202),
    # Budget
    "budgets.show": view(),
    "budgets.change": manage(422),
    "budgets.remove": manage(303),
    "budgets.csv": view(),
    "budgets.spend": view(),
    "budgets.say_cost": manage(422),
    "api.budgets.show": view(),
    "api.budgets.change": manage(422),
    "api.budgets.spends": view(),
    "api.budgets.say_cost": manage(409, {"spent_usd": 1}),
    # Members
    "members.index": view(),
    "members.add": manage(422),
    "members.change": manage(303, {"role": "editor"}),
    "members.remove": manage(303),
    "members.leave": own(303, owner=409),  # the last owner who can sign in stays
    "members.invite": manage(422),
    "members.revoke_invitation": manage(303),
    "api.members.index": view(),
    "api.members.add": manage(422),
    "api.members.change": manage(200, {"role": "editor"}),
    "api.members.remove": manage(204),
    "api.invitations.index": manage(),
    "api.invitations.create": manage(422),
    "api.invitations.revoke": manage(204),
    # Connections
    "connections.index": view(),
    "connections.create": manage(422),
    "api.connections.index": view(),
    "api.connections.create": manage(422),
    "connections.show": view(),
    "connections.offers": view(),
    "connections.change": manage(422),
    "connections.change_admin": manage(422),
    "connections.forget_admin": manage(303),
    "connections.delete": manage(409),  # a job came over it
    "connections.test": manage(303),
    "hooks.receive": public(404, "providers have no account here; the signature is the proof"),
    "hooks.of_connection": view(),
    "hooks.show": manage(),
    "hooks.deliveries": manage(),
    "hooks.begin": manage(303),
    "hooks.keep_secret": manage(422),
    "hooks.set_up": manage(303),
    "hooks.rotate": manage(409),  # there is none
    "hooks.test": manage(409),
    "hooks.remove": manage(409),
    "api.webhooks.show": manage(404),
    "api.webhooks.set_up": manage(201, {"by_hand": True}),
    "api.webhooks.rotate": manage(409),
    "api.webhooks.test": manage(409),
    "api.webhooks.deliveries": manage(),
    "api.webhooks.remove": manage(409),
    "jobs.of_connection": view(),
    "jobs.estimates": view(),
    "api.jobs.estimates": view(),
    "api.jobs.estimate": spend(422),
    "api.connections.show": view(),
    "api.connections.change": manage(200),
    "api.connections.forget_admin": manage(204),
    "api.connections.delete": manage(409),
    "api.connections.test": manage(200),
    "api.base_models.index": view(),
    # Datasets
    "datasets.index": view(),
    "datasets.chosen": edit(303),  # nothing is chosen
    "datasets.do_chosen": edit(422),
    "api.datasets.archive": edit(200),
    "api.datasets.unarchive": edit(200),
    "datasets.upload": edit(202, {"name": "x.jsonl"}),
    "datasets.upload_form": edit(400),
    "datasets.upload_version_page": view(),
    "datasets.upload_version": edit(202, {"name": "x.jsonl"}),
    "datasets.upload_version_form": edit(400),
    "datasets.example": edit(303),
    "uploads.create": edit(422),
    "uploads.create_version": edit(422),
    "uploads.show": edit(),
    "uploads.offset": edit(),
    "uploads.append": edit(422),
    "uploads.complete": edit(409),  # not all of it has come
    "uploads.delete": edit(204),
    "uploads.remove": edit(303),
    "api.uploads.options": edit(204),
    "api.uploads.index": view(),
    "api.uploads.create": edit(422),
    "api.uploads.create_version": edit(422),
    "api.uploads.show": edit(),
    "api.uploads.offset": edit(),
    "api.uploads.append": edit(422),
    "api.uploads.complete": edit(409),
    "api.uploads.delete": edit(204),
    "datasets.show": view(),
    "datasets.progress": view(),
    "datasets.retry": edit(409),
    "datasets.findings": view(),
    "datasets.rows": view(),
    "datasets.row": view(),
    "datasets.figures": view(),
    "datasets.figure_csv": view(),
    "datasets.clusters": view(),
    "datasets.content": view(),
    "datasets.source": view(),
    "datasets.reading": edit(200),
    "datasets.read_differently": edit(422),  # nothing is said
    "api.versions.reading": view(),
    "api.versions.source": view(),
    "api.versions.read_differently": edit(422),
    "datasets.verdicts": view(),
    "api.datasets.index": view(),
    "api.datasets.create": edit(400),
    "api.datasets.add_version": edit(400),
    "api.datasets.show": view(),
    "api.versions.show": view(),
    "api.versions.findings": view(),
    "api.versions.verdicts": view(),
    "api.versions.examples": view(),
    "api.versions.content": view(),
    # Jobs
    "jobs.new": spend(),
    "jobs.receipt": spend(),
    "jobs.index": view(),
    "jobs.chosen": spend(303),  # nothing is chosen
    "jobs.do_chosen": spend(422),
    "jobs.create": spend(422),
    "jobs.show": view(),
    "jobs.progress": view(),
    "jobs.events": view(),
    "jobs.metrics": view(),
    "jobs.metrics_csv": view(),
    "jobs.cancel": spend(303),
    "jobs.retry": spend(409),
    "jobs.look_again": spend(409),  # it is not in doubt
    "jobs.start_again": spend(409),
    "jobs.did_not_start": spend(409),
    "orphans.adopt": spend(409),  # its job has another run
    "orphans.cancel": spend(303),
    "api.jobs.create": spend(422),
    "api.jobs.index": view(),
    "api.jobs.show": view(),
    "api.jobs.events": view(),
    "api.jobs.metrics": view(),
    "api.jobs.cancel": spend(200),
    "api.jobs.orders": view(),
    "api.jobs.look_again": spend(409),
    "api.jobs.start_again": spend(409),
    "api.jobs.did_not_start": spend(409),
    "api.orphans.index": view(),
    "api.orphans.adopt": spend(409),
    "api.orphans.cancel": spend(200),
    "api.jobs.archive": edit(409),  # it has not ended
    "api.jobs.unarchive": edit(200),
    "rescues.archive": view(),
    "api.rescues.archive": view(),
    # Rescues and what came home
    "rescues.index": view(),
    "rescues.begin": edit(422),
    "rescues.of_connection": view(),
    "rescues.show": view(),
    "rescues.go": edit(303),
    "rescues.pause": edit(303),
    "rescues.resume": edit(303),
    "rescues.ask_again": edit(303),
    "rescues.verify": edit(409),  # not everything has come
    "rescues.manifest": view(),
    "rescues.manifest_jsonl": view(),
    "rescues.manifest_csv": view(),
    "rescued.show": view(),
    "rescued.content": view(),
    # Rescued evals
    "rescued_evals.index": view(),
    "rescued_evals.show": view(),
    "rescued_evals.run": view(),
    "rescued_evals.promptfoo": view(),
    "rescued_evals.items": view(),
    "rescued_evals.run_items": view(),
    "rescued_usage.show": view(),
    "api.rescued_evals.index": view(),
    "api.rescued_evals.promptfoo": view(),
    "api.rescued_evals.items": view(),
    "api.rescued_evals.run_items": view(),
    # Rescues
    "api.rescues.create": edit(422),
    "api.rescues.index": view(),
    "api.rescues.show": view(),
    "api.rescues.manifest": view(),
    "api.rescues.go": edit(202),
    "api.rescues.pause": edit(202),
    "api.rescues.resume": edit(202),
    "api.rescues.again": edit(202),
    "api.rescues.verify": edit(409),  # not everything has come
    # What stops, and when
    "calendar.index": view(),
    "api.deadlines.index": view(),
    # Models
    "models.index": view(),
    "models.chosen": edit(303),  # nothing is chosen
    "models.do_chosen": edit(422),
    "api.models.archive": edit(200),
    "api.models.unarchive": edit(200),
    "models.show": view(),
    "models.try": view(),
    "models.chat": spend(422),
    "models.base_chat": spend(422),
    "api.models.index": view(),
    "api.models.show": view(),
    "api.models.chat": spend(422),
}

PUBLIC = {name for name, expected in TABLE.items() if expected.access is None}

# Whoever reads what the GETs of the program leave behind sees nothing but these notes.
NOTES_OF_GETS: dict[tuple[str, str], str] = {
    ("user_sessions", "seen_at"): "a session that is used stays open; noted once a minute",
    ("api_tokens", "used_at"): "its owner sees which token is in use; noted once a minute",
    ("jobs", "watched_until"): "a job somebody looks at is asked for more often",
    ("connections", "due_at"): "the job somebody looks at is asked for now",
}
