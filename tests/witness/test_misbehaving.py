"""The witness can be every bad day of a server."""

import socket

import openai
import pytest

from tests.witness import history
from tests.witness.script import (
    EVERYTHING,
    FILE_CONTENT,
    FREE_ACCOUNT,
    HTML,
    LIST_EVENTS,
    LIST_FILES,
    LIST_RUNS,
    RETRY_AFTER,
    Fault,
    Shift,
    too_many,
)


def ids(client, size: int = 3) -> list[str]:
    """The jobs of a whole listing, page by page."""
    return [job.id for job in client.fine_tuning.jobs.list(limit=size)]


def test_a_pattern_of_routes_goes_wrong_at_every_third_request(witness, client):
    history.fill(witness, jobs=9)
    witness.script(Fault(LIST_EVENTS, status=503, skip=2, every=3, times=2))
    statuses = []
    for job in ids(client, 100):
        try:
            client.fine_tuning.jobs.list_events(job)
            statuses.append(200)
        except openai.InternalServerError as error:
            statuses.append(error.status_code)

    assert statuses == [200, 200, 503, 200, 200, 503, 200, 200, 200]
    assert witness.journal.counts(503) == {"GET /v1/fine_tuning/jobs/*/events": 2}
    assert witness.journal.methods_used() == {"GET"}


def test_it_asks_to_wait_in_every_form(witness, client):
    witness.script(*too_many())
    asked = []
    for _ in RETRY_AFTER:
        with pytest.raises(openai.RateLimitError) as caught:
            client.models.list()
        headers = caught.value.response.headers
        asked.append({name: headers[name] for name in headers if name.startswith("retry-after")})

    assert asked == list(RETRY_AFTER)
    assert client.models.list().data


def test_answers_break_off_or_are_pages(witness, client):
    file = witness.add_file("rows", b"x" * 1000)
    witness.script(
        Fault(FILE_CONTENT, end="truncate", commits=True),
        Fault(FILE_CONTENT, end="drop"),
        Fault(FILE_CONTENT, status=502, body="<html>Bad gateway</html>", headers=HTML),
    )
    for _ in range(2):
        with pytest.raises(openai.APIConnectionError):
            client.files.content(file["id"])
    with pytest.raises(openai.InternalServerError):
        client.files.content(file["id"])

    assert len(client.files.content(file["id"]).content) == 1000


def test_who_asks_too_often_is_told_for_how_long(witness, client):
    witness.set(allowance=4)
    client.models.list()  # a burst of one

    with pytest.raises(openai.RateLimitError) as caught:
        client.models.list()

    headers = caught.value.response.headers
    assert headers["retry-after"] == "1"
    assert 0 < int(headers["retry-after-ms"]) <= 250
    witness.set(allowance=None)
    client.models.list()


def test_a_key_expires_after_so_many_requests(witness, client):
    witness.set(expires_after=2)
    client.models.list()
    client.files.list()
    for _ in range(2):
        with pytest.raises(openai.AuthenticationError):
            client.files.list()

    witness.set(expires_after=None)
    assert client.models.list().data


def test_keys_see_their_own_project_and_admins_the_organisation(witness, client, client_of):
    other = witness.add_project("sk-other", "Support")
    history.fill(witness, jobs=3)
    history.fill(other, jobs=4)
    admin = client_of(witness, witness.admin_key)

    assert len(ids(client)) == 3
    assert len(ids(client_of(other))) == 4
    assert not set(ids(client)) & set(ids(client_of(other)))
    with pytest.raises(openai.PermissionDeniedError, match=r"Missing scopes: api\.usage\.read"):
        client.admin.organization.usage.completions(start_time=0)
    with pytest.raises(openai.PermissionDeniedError, match="Missing scopes"):
        admin.files.list()
    assert [project.name for project in admin.admin.organization.projects.list()] == [
        *("Support", "Default")
    ]
    witness.set(scope_status=401)
    with pytest.raises(openai.AuthenticationError, match="Missing scopes"):
        client.admin.organization.usage.completions(start_time=0)
    assert {request.key for request in witness.journal.read(EVERYTHING)} == {
        *(witness.key, other.key, witness.admin_key)
    }


def test_an_object_stands_on_two_pages(witness, client):
    history.fill(witness, jobs=7)
    plain = ids(client)
    witness.shift(Shift(LIST_RUNS, "again", page=2))

    assert ids(client) == [*plain[:6], plain[5], plain[6]]
    assert ids(client) == plain


def test_an_object_moves_where_the_reader_has_been(witness, client):
    history.fill(witness, jobs=7)
    plain = ids(client)
    witness.shift(Shift(LIST_RUNS, "forward"))

    assert ids(client) == [*plain[:3], *plain[4:]]
    assert ids(client) == [plain[3], *plain[:3], *plain[4:]]


def test_an_object_vanishes_and_its_cursor_with_it(witness, client):
    history.fill(witness, jobs=7)
    plain = ids(client)
    witness.shift(Shift(LIST_RUNS, "gone"))

    with pytest.raises(openai.NotFoundError, match="No such object") as caught:
        ids(client)

    assert caught.value.param == "after"
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.list_events(plain[2])
    assert ids(client) == [*plain[:2], *plain[3:]]


def test_an_object_vanishes_between_its_list_and_its_content(witness, client):
    history.fill(witness, jobs=2)
    witness.shift(Shift(LIST_FILES, "vanished"))

    first = client.files.list(limit=3).data[0]

    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.content(first.id)
    assert first.id not in {file.id for file in client.files.list()}


def test_some_files_are_not_to_be_had(witness, client):
    refused = witness.add_file("rows", b"{}", "fine-tune", refused=FREE_ACCOUNT)
    kept_back = witness.add_file("notes", b"notes", "assistants")
    deleted = witness.add_file("gone", b"gone")
    witness.delete(deleted["id"])

    with pytest.raises(openai.BadRequestError, match="disabled for free accounts"):
        client.files.content(refused["id"])
    with pytest.raises(openai.BadRequestError, match="purpose: assistants"):
        client.files.content(kept_back["id"])
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.content(deleted["id"])
    (row,) = (row for row in witness.expected() if row["id"] == refused["id"])
    assert (row["outcome"], row["error"]) == ("refused", FREE_ACCOUNT)


def test_a_request_that_breaks_off_was_never_made(witness, client):
    head = f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {witness.key}\r\n"
    with socket.create_connection(("127.0.0.1", witness.port)) as line:
        line.sendall(f"{head}content-length: 999\r\n\r\n{{".encode())
        line.shutdown(socket.SHUT_WR)
        assert line.recv(100) == b""
    assert client.files.list().data == []
    assert witness.journal.counts() == {"GET /v1/files": 1}
