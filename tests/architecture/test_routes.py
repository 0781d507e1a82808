"""How routes are made; whom each lets in is tests/walls/matrix.py."""

import inspect

from app.auth.access import csrf_checked, myself_briefly
from app.catalog.access import talkable_model
from app.collections.access import made_collection
from app.connections.access import connection_to_test
from app.core.database import request_session
from app.datasets.access import receiving_dataset, receiving_upload
from app.evaluations.imports.access import importing_project
from app.grading.access import judged_grader, trying_project
from app.playground.access import asking_conversation, asking_project
from app.projects.access import ordering_project, receiving_project
from app.rescue.evals.routes_import import importing_eval
from tests.architecture.routes import every_route

ASYNC = {
    "live": "the live stream",
    "datasets.upload": "an upload is received",
    "datasets.upload_form": "an upload is received",
    "datasets.upload_version": "an upload is received",
    "datasets.upload_version_form": "an upload is received",
    "api.datasets.create": "an upload is received",
    "api.datasets.add_version": "an upload is received",
    "evaluations.import_file_form": "an upload is received",
    "uploads.append": "an upload is received",
    "uploads.complete": "an upload is received, and perhaps read once more",
    "api.uploads.append": "an upload is received",
    "api.uploads.complete": "an upload is received, and perhaps read once more",
    "models.chat": "a streamed answer is relayed",
    "models.base_chat": "a streamed answer is relayed",
    "api.models.chat": "a streamed answer is relayed",
    "graders.judge": "judges' answers are waited for",
    "api.graders.judge": "judges' answers are waited for",
    "playground.ask": "streamed answers are relayed",
    "playground.go_on": "streamed answers are relayed",
    "playground.again": "streamed answers are relayed",
    "api.conversations.begin": "streamed answers are relayed",
    "api.conversations.ask": "streamed answers are relayed",
    "api.conversations.again": "streamed answers are relayed",
}

# These look at the token themselves, before a session stays open while bytes or answers arrive.
CHECK_CSRF_THEMSELVES = (
    receiving_project,
    receiving_dataset,
    receiving_upload,
    ordering_project,
    asking_project,
    asking_conversation,
    talkable_model,
    trying_project,
    judged_grader,
    importing_project,
    importing_eval,
    connection_to_test,
    made_collection,
    myself_briefly,
)
WITHOUT_A_SESSION = {
    "auth.login_post",
    "auth.welcome_post",
    "auth.password_post",
    "invitations.join",
    "hooks.receive",
}

ROUTES = every_route()


def test_all_routes_are_seen():
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names))
    assert len(names) > 60
    assert {"jobs.create", "api.jobs.create", "auth.logout", "live", "static"} <= set(names)


def test_an_unsafe_page_route_checks_the_forms_token():
    for route in [one for one in ROUTES if one.is_unsafe and one.is_page]:
        checks = {csrf_checked, *CHECK_CSRF_THEMSELVES}
        assert checks & set(route.dependencies) or route.name in WITHOUT_A_SESSION, route


def test_exactly_the_known_handlers_are_async():
    found = {
        route.name
        for route in ROUTES
        if route.endpoint is not None and inspect.iscoroutinefunction(route.endpoint)
    }
    assert found == ASYNC.keys()


def test_an_async_handler_holds_no_session_while_it_waits():
    for route in [one for one in ROUTES if one.name in ASYNC]:
        assert request_session not in route.dependencies


def test_route_names_are_domain_and_page():
    plain = {"live", "livez", "healthz", "favicon", "static"}
    for route in ROUTES:
        if route.name not in plain:
            assert "." in route.name, route
            assert route.name.startswith("api.") == route.path.startswith("/api/v1"), route
