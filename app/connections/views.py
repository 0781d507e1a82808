"""What the pages of connections show: never a key, only its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.connections.keys import ADMIN_UNREADABLE, UNREADABLE, admin_key_opens
from app.connections.models import Connection
from app.core.views import FormState
from app.providers.profiles import Profile, profiles

# A permission's name: what it is called, what it is good for, what its lack means.
PERMISSIONS = {
    "models": ("Models", "It lists what can be tuned.", "Base models must be typed in by name."),
    "files": ("Files", "Rows can be sent.", "No job can start: its rows cannot be sent."),
    "fine-tuning": (
        "Fine-tuning jobs",
        "Jobs can be started and followed.",
        "No job can be started or followed.",
    ),
}

# What it means that a list does not tell of the tags of runs.
BY_A_PERSON = (
    "Its list does not tell them. Whether an order without an answer runs, a person decides."
)
BY_SUFFIX = "Its list does not tell them. The end of its suffix says which run is of an order."

# What an ability is called where its name alone does not say it.
ABILITIES = {
    "archive": "bringing its history home",
    "hooks": "webhooks set up by Luthier",
    "moderation": "moderation of rows",
}


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """`status` is testing, ready, refused (the key), unreadable (the key, since the instance's
    secret is another one), unreachable or unchecked; `words` says it in a sentence.
    """

    id: int
    name: str
    kind: str
    base_url: str
    key_hint: str
    status: str
    words: str
    checked_at: datetime | None
    is_practice: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is sent over a connection until its key is another: what a banner says of it."""

    connection_id: int
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class IndexView:
    """Fields of the form: name, kind (hidden, openai), base_url, api_key. `form` is shown when
    `can_manage`.
    """

    project_id: int
    connections: tuple[ConnectionRow, ...]
    can_manage: bool
    form: FormState


@dataclass(frozen=True, slots=True)
class PermissionLine:
    """One thing a key may or may not do: `ours` says what follows, `words` are the provider's."""

    title: str
    is_allowed: bool
    ours: str
    words: str | None


@dataclass(frozen=True, slots=True)
class AdminKeyView:
    """`words` say that it cannot be opened."""

    hint: str
    set_at: datetime
    words: str | None


@dataclass(frozen=True, slots=True)
class ModelLine:
    name: str
    can_tune: bool


@dataclass(frozen=True, slots=True)
class AccountView:
    """What the last test found. `whose` is empty where the provider does not say; `untagged` is
    what it means where its list does not tell of the tags of runs.
    """

    whose: str
    permissions: tuple[PermissionLine, ...]
    models: tuple[ModelLine, ...]
    tunable: int
    untagged: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ShowView:
    """One connection. `lead` says how it stands. `form` has name, base_url, api_key (always empty),
    and for a form of its own admin_key; `refused` is what was just turned down, in a sentence.
    Fragment "standing" refreshes itself on `topic`, "offers" when the status has changed.
    """

    project_id: int
    connection: ConnectionRow
    can_manage: bool
    lead: str
    stop: Stop | None
    next_look_at: datetime | None
    label: str
    account: AccountView | None
    methods: tuple[str, ...]
    abilities: tuple[str, ...]
    has_history: bool
    minimum_rows: int
    file_limit: int | None
    requests_per_minute: int
    key_set_at: datetime | None
    admin_key: AdminKeyView | None
    created_at: datetime
    form: FormState
    refused: str | None
    topic: str


def index(
    project_id: int, connections: Sequence[Connection], form: FormState, *, can_manage: bool
) -> IndexView:
    """The page of a project's connections."""
    return IndexView(project_id, tuple(_row(one) for one in connections), can_manage, form)


def show(
    connection: Connection,
    *,
    can_manage: bool,
    form: FormState | None = None,
    refused: str | None = None,
) -> ShowView:
    """The page of one connection."""
    profile = profiles()[connection.profile]
    can = profile.capabilities
    return ShowView(
        project_id=connection.project_id,
        connection=_row(connection),
        can_manage=can_manage,
        lead=_lead(connection, profile.label),
        stop=stop_of(connection),
        next_look_at=connection.not_before if connection.refused_at else None,
        label=profile.label,
        account=_account(connection, profile),
        methods=tuple(method.label for method in can.methods),
        abilities=tuple(ABILITIES.get(name, name) for name in can.abilities),
        has_history="archive" in can.abilities,
        minimum_rows=can.minimum_rows,
        file_limit=can.file_limit,
        requests_per_minute=can.requests_per_minute,
        key_set_at=connection.key_set_at,
        admin_key=_admin_key(connection),
        created_at=connection.created_at,
        form=form or form_of(connection),
        refused=refused,
        topic=f"connection:{connection.id}",
    )


def form_of(connection: Connection, errors: Mapping[str, str] | None = None) -> FormState:
    """The form as it stands before anybody typed, and what is wrong with one beside it."""
    return FormState({"name": connection.name, "base_url": connection.base_url}, errors or {})


def _admin_key(connection: Connection) -> AdminKeyView | None:
    hint, set_at = connection.admin_key_hint, connection.admin_key_set_at
    if hint is None or set_at is None:
        return None
    words = None if admin_key_opens(connection) else ADMIN_UNREADABLE
    return AdminKeyView(hint, set_at, words)


def stop_of(connection: Connection) -> Stop | None:
    """The banner about a refused key; None while the connection works."""
    if connection.refused_at is None:
        return None
    needs = "needs its key again" if connection.words == UNREADABLE else "needs another key"
    title = f"{connection.name} {needs}"
    return Stop(connection.id, title, f"{connection.words} Jobs wait until you change it.")


def _lead(connection: Connection, label: str) -> str:
    status, words = state_of(connection)
    return {
        "testing": f"{label} is being asked whose key this is and what it may do.",
        "ready": f"{label} answers.",
        "unchecked": f"{label} was not asked yet. Test the connection.",
        "refused": f"Stopped: {label} is not asked until the key is another.",
        "unreadable": "Stopped: the key has to be entered again.",
    }.get(status, words)


def _account(connection: Connection, profile: Profile) -> AccountView | None:
    found: Mapping[str, Any] | None = connection.account
    if found is None or connection.account_at is None:
        return None
    parts = (("organisation", found["organization"]), ("project", found["project"]))
    models = tuple(ModelLine(name, profile.rule_for(name) is not None) for name in found["models"])
    return AccountView(
        whose=", ".join(f"{what} {who}" for what, who in parts if who),
        permissions=tuple(_permission(one) for one in found["permissions"]),
        models=tuple(sorted(models, key=lambda one: (not one.can_tune, one.name))),
        tunable=sum(one.can_tune for one in models),
        untagged=_untagged(profile) if found.get("shows_tags") is False else None,
        at=connection.account_at,
    )


def _untagged(profile: Profile) -> str:
    return BY_SUFFIX if profile.capabilities.tagging == "suffix" else BY_A_PERSON


def _permission(found: Mapping[str, Any]) -> PermissionLine:
    title, allowed, refused = PERMISSIONS.get(found["name"], (found["name"], "", ""))
    is_allowed = bool(found["is_allowed"])
    return PermissionLine(title, is_allowed, allowed if is_allowed else refused, found["words"])


def _row(connection: Connection) -> ConnectionRow:
    status, words = state_of(connection)
    return ConnectionRow(
        id=connection.id,
        name=connection.name,
        kind=connection.kind,
        base_url=connection.base_url,
        key_hint=connection.key_hint,
        status=status,
        words=words,
        checked_at=connection.checked_at,
        is_practice=connection.is_practice,
    )


def state_of(connection: Connection) -> tuple[str, str]:
    """How it stands in one word, and in a sentence."""
    if connection.test_due_at is not None and connection.refused_at is None:
        return "testing", "Being tested: whose key it is, and what it may do."
    if connection.words == UNREADABLE:
        return "unreadable", connection.words
    if connection.words:
        return "refused" if connection.refused_at else "unreachable", connection.words
    if connection.checked_at is None:
        return "unchecked", "Not asked yet."
    return "ready", "Answers."
