"""Bad inputs with the answer that is due to each, sent to the running server.

`corpus/forms.toml` (F) and `corpus/doors.toml` (A) hold them; the addresses (R) are those of
`tests/core/test_http.py`, which asks the guard itself, sent here through form and API. An item
passes only with its status and its words, for less than two seconds of the server's work; that an
answer comes within two seconds is measured by `python -m bench.corpus`, on a machine that does
nothing else.
"""

import json
import tomllib
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.architecture.routes import every_route
from tests.core.test_http import REFUSED
from tests.walls.live import PASSWORD

FOLDER = Path(__file__).parent / "corpus"
ROUTES = {route.name: route for route in every_route()}
# Of the processor: however busy the machine is, and however long a request waits for its turn.
SECONDS = 2
# What makes a form right but for the field that is tried.
RIGHT = {
    "projects.create": {"name": "Corpus"},
    "account.rename": {"name": "Owner"},
    "account.create_token": {"token_name": "corpus"},
    "connections.create": {"name": "Corpus", "base_url": "https://x.example", "api_key": "sk"},
    "members.add": {"email": "nobody@example.org", "role": "viewer"},
    "jobs.create": {
        "connection_id": "{connection_id}",
        "training_version_id": "{version_id}",
        "base_model": "gpt-4o-mini-2024-07-18",
    },
    "models.chat": {"messages": [{"role": "user", "content": "hi"}]},
    "auth.login_post": {"email": "guest@example.org", "password": "not the password"},
    "auth.password_post": {"token": "guessed", "password": PASSWORD},
    "auth.welcome_post": {
        "token": "x", "email": "x@example.org", "name": "X", "password": PASSWORD,
    },
    "invitations.join": {
        "token": "x", "email": "x@example.org", "name": "X", "password": PASSWORD,
    },
}  # fmt: skip


MILLION = 1_000_000
LONG = {"{million}": "a" * MILLION, "{digits}": "1" * MILLION, "{most}": "a" * (MILLION - 10_000)}


def items(name):
    """(database, where it goes, input, status, words) of every item of a file; `both` in a case
    asks both databases.
    """
    for case in tomllib.loads((FOLDER / f"{name}.toml").read_text())["case"]:
        for to in case["to"]:
            for given in case["inputs"]:
                is_both = case.get("both", False)
                label = f"{to} = {given}"[:90].encode("unicode_escape").decode()
                for kind in ("sqlite", "postgresql")[: 1 + is_both]:
                    answer = (case["status"], case["words"])
                    yield pytest.param(kind, to, given, *answer, id=f"{label} {kind}")


FORMS, DOORS = list(items("forms")), list(items("doors"))


def right(live, name):
    """The rest of the form, with our ids."""
    text = json.dumps(RIGHT[name.removeprefix("api.")])
    for field in ("connection_id", "version_id"):
        text = text.replace(f'"{{{field}}}"', str(live.ours[field]))
    return json.loads(text)


def send(live, to, given):
    """Send one input to where it goes."""
    for word, text in LONG.items():
        to, given = to.replace(word, text), given.replace(word, text)
    if to == "cookie":
        return live.send("GET", "/projects", headers={"Cookie": f"{live.cookie}={given}"})
    if to.startswith("GET "):
        given = given.replace("{owner_token}", live.people["owner"].token)
        return live.get(
            live.fill(to[4:]) + given, "" if "token=" in to or "key=" in to else "owner"
        )
    name, _, field = to.partition(" ")
    route = ROUTES[name]
    path = live.fill(route.path)
    if not field:
        return live.call(path, given)
    if name.startswith("api."):
        return live.call(path, with_json(right(live, name), field, given))
    fields = {**right(live, name), field: given}
    if field == "n_epochs":
        fields["n_epochs_mode"] = "number"
    who = "" if name.startswith(("auth.", "invitations.join")) else "owner"
    body = "&".join(f"{key}={quote(str(value), safe='')}" for key, value in fields.items())
    return live.form(path, body, who)


def with_json(body, field, given):
    """The body as text, with this piece of JSON, however odd, as the value of the field."""
    steps = field.split(".")
    inner = body
    for step in steps[:-1]:
        inner = inner[int(step)] if step.isdigit() else inner.setdefault(step, {})
    inner[steps[-1]] = "@here@"
    return json.dumps(body).replace('"@here@"', given)


def check(live, to, given, status, words):
    before = live.cpu_seconds
    answer = send(live, to, given)
    assert live.cpu_seconds - before < SECONDS
    said = answer.text + (answer.headers.get("Location") or "")
    assert answer.status == status, said[:400]
    assert words in said.replace("&#39;", "'").replace("&#34;", '"')


@pytest.mark.parametrize(("live", "to", "given", "status", "words"), FORMS, indirect=["live"])
def test_f_what_was_not_asked_for_is_refused_in_words(live, to, given, status, words):
    check(live, to, given, status, words)


@pytest.mark.parametrize(("live", "to", "given", "status", "words"), DOORS, indirect=["live"])
def test_a_no_door_opens_for_what_is_no_key(live, to, given, status, words):
    check(live, to, given, status, words)


ADDRESSES = {
    url: words for url, words in REFUSED.items() if "luthier.example.com" not in url and url
}


@pytest.mark.parametrize(
    "url", ADDRESSES, ids=lambda url: url[:60].encode("unicode_escape").decode()
)
def test_r_an_address_that_leads_inside_is_refused_by_form_and_api(live, url):
    path = "/projects/{project_id}/connections"
    form = {"name": "Inside", "base_url": url, "api_key": "sk-1"}
    words, before = ADDRESSES[url], live.cpu_seconds
    by_api = live.call(live.fill(f"/api/v1{path}"), form)
    assert by_api.status == 422
    (wrong,) = by_api.json["errors"]
    assert wrong["field"] == "base_url"
    stored = "This holds a character that cannot be stored."
    long = "At most 2048 characters."
    assert wrong["message"] in {stored, long} or words in wrong["message"]
    by_form = live.form(live.fill(path), form)
    assert by_form.status == 422
    assert live.cpu_seconds - before < 2 * SECONDS
