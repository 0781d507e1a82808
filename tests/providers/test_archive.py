"""A history is read page by page, as its provider wrote it, and nothing but read."""

import json
from datetime import UTC, datetime

import httpx2
import pytest

from app.core.http import HttpOptions
from app.providers.base import (
    Archive,
    Archives,
    KeyRejected,
    NotFound,
    NotPermitted,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
)
from app.providers.openai import OpenAIProvider, wire
from app.providers.openai.archive import LISTS
from app.providers.profiles import profiles
from tests.witness.script import refusal

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
ASKED = {
    Archive.EVALS: ((), "/v1/evals?order=asc&limit=100"),
    Archive.EVAL_RUNS: (("eval_1",), "/v1/evals/eval_1/runs?order=asc&limit=100"),
    Archive.EVAL_ITEMS: (
        ("eval_1", "run_1"),
        "/v1/evals/eval_1/runs/run_1/output_items?order=asc&limit=100",
    ),
    Archive.MODELS: ((), "/v1/models"),
    Archive.JOBS: ((), "/v1/fine_tuning/jobs?limit=100"),
    Archive.EVENTS: (("ftjob-1",), "/v1/fine_tuning/jobs/ftjob-1/events?limit=100"),
    Archive.CHECKPOINTS: (("ftjob-1",), "/v1/fine_tuning/jobs/ftjob-1/checkpoints?limit=100"),
    Archive.PERMISSIONS: (
        ("ft:gpt:acme::a/b?c:ckpt-step-1",),
        "/v1/fine_tuning/checkpoints/ft:gpt:acme::a%2Fb%3Fc:ckpt-step-1/permissions?limit=100",
    ),
    Archive.FILES: ((), "/v1/files?order=asc&limit=10000"),
    Archive.USAGE: (
        (),
        "/v1/organization/usage/completions?bucket_width=1d&limit=31&start_time=1793491200"
        + "".join(f"&group_by[]={word}" for word in ("model", "project_id", "api_key_id")),
    ),
    Archive.COMPLETIONS: (
        ("ft:gpt:acme::1",),
        "/v1/chat/completions?order=asc&model=ft:gpt:acme::1&limit=100",
    ),
    Archive.MESSAGES: (
        ("chatcmpl-1",),
        "/v1/chat/completions/chatcmpl-1/messages?order=asc&limit=100",
    ),
}


@pytest.fixture
def recorded(monkeypatch):
    """Open a provider whose answers are these: (status, body) each, in turn; what it asked."""
    opened = []

    def open_one(*answers, profile="openai", key="sk-recorded-0123456789"):
        left, asked = list(answers), []

        def answer(request):
            asked.append(request)
            status, body = left.pop(0)
            return httpx2.Response(
                status, content=body if isinstance(body, bytes) else body.encode()
            )

        def client(options):
            return httpx2.Client(transport=httpx2.MockTransport(answer), timeout=options.timeout)

        monkeypatch.setattr(wire, "client", client)
        provider = OpenAIProvider("https://api.openai.com/v1", key, profile, HttpOptions())
        opened.append(provider)
        return provider, asked

    yield open_one
    for provider in opened:
        provider.close()


def page(*items, **besides):
    return json.dumps({"object": "list", "data": items, **besides})


def things(*ids):
    return [{"id": one, "object": "thing"} for one in ids]


def test_every_list_is_asked_for_where_and_as_openai_has_it(recorded):
    assert set(ASKED) == set(LISTS) == set(Archive)
    for archive, (parents, url) in ASKED.items():
        provider, asked = recorded((200, page(has_more=False)))

        found = provider.archived(
            archive, parents, since=SINCE if archive is Archive.USAGE else None
        )

        assert (found.items, found.cursor) == ((), None)
        assert asked[0].method == "GET"
        got = httpx2.URL(f"https://api.openai.com{url}")
        assert (asked[0].url.path, asked[0].url.params) == (got.path, got.params)
        assert asked[0].url.raw_path.split(b"?")[0].decode() == url.split("?")[0]
        assert isinstance(provider, Archives)


def test_every_profile_can_read_a_history():
    for profile in profiles().values():
        assert "archive" in profile.capabilities.abilities
        assert 100 <= profile.files_a_page <= 10_000


def test_an_object_comes_as_it_was_written_but_for_the_space_between_its_words(recorded):
    written = (
        '{\r\n  "object" : "list",\n  "data": [\n    {\n      "id" : "ftjob-1",\n'
        '\t"b": "two  spaces, \\u00e9, é,\\n a line, \\u0000, \\ud83d",\n'
        '      "n": [1.000000000000000000001, 1E400, -0, 123456789012345678901234567890, NaN],\n'
        '      "again": 1, "again": 2, "\\"": {} }\n  ],\n  "has_more": false\n}\n'
    )
    provider, _ = recorded((200, written))

    (found,) = provider.archived(Archive.JOBS).items

    assert found.object_id == "ftjob-1"
    assert found.raw.decode() == (
        '{"id":"ftjob-1","b":"two  spaces, \\u00e9, é,\\n a line, \\u0000, \\ud83d",'
        '"n":[1.000000000000000000001,1E400,-0,123456789012345678901234567890,NaN],'
        '"again":1,"again":2,"\\"":{}}'
    )
    assert found.fields["b"] == "two  spaces, é, é,\n a line, \ufffd, \ufffd"
    assert found.fields["n"] == [1.0, None, 0, None, None]


def test_a_cursor_is_the_last_id_while_there_is_more(recorded):
    provider, asked = recorded(
        (200, page(*things("a", "b"), has_more=True)),
        (200, page(*things("c"), has_more=False)),
    )

    first = provider.archived(Archive.JOBS)
    second = provider.archived(Archive.JOBS, cursor=first.cursor)

    assert [one.object_id for one in first.items + second.items] == ["a", "b", "c"]
    assert asked[1].url.params["after"] == "b"
    assert second.cursor is None


def test_usage_comes_in_days_and_goes_on_at_its_own_cursor(recorded):
    bucket = {"object": "bucket", "start_time": 1_795_824_000, "end_time": 1_795_910_400}
    provider, asked = recorded(
        (200, page({**bucket, "results": []}, has_more=True, next_page="page_2")),
        (200, page(has_more=False, next_page=None)),
    )

    first = provider.archived(Archive.USAGE, since=SINCE)
    second = provider.archived(Archive.USAGE, since=SINCE, cursor=first.cursor)

    assert [one.object_id for one in first.items] == ["2026-11-28"]
    assert asked[1].url.params["page"] == "page_2"
    assert asked[1].url.params["start_time"] == asked[0].url.params["start_time"]
    assert second.cursor is None


def test_a_server_that_does_not_say_whether_it_has_more_is_asked_until_it_has_not(recorded):
    provider, asked = recorded((200, page(*things("a"))), (200, page(*things("b"))), (200, page()))
    cursors, cursor = [], provider.archived(Archive.JOBS).cursor
    while cursor is not None:
        cursors.append(cursor)
        cursor = provider.archived(Archive.JOBS, cursor=cursor).cursor

    assert cursors == ["a", "b"]
    assert len(asked) == 3


def test_a_server_that_knows_no_cursors_gives_its_list_once(recorded):
    whole = page(*things("a", "b"))
    provider, _ = recorded((200, whole), (200, whole))

    first = provider.archived(Archive.FILES)

    assert provider.archived(Archive.FILES, cursor=first.cursor).cursor is None


def test_a_page_that_a_server_finds_too_large_is_asked_for_smaller(recorded):
    words = "Invalid 'limit': integer above maximum value. Expected a value <= 50."
    provider, asked = recorded(
        (400, json.dumps(refusal(words, param="limit"))), (200, page(*things("a"))), (200, page())
    )

    first = provider.archived(Archive.EVALS)
    provider.archived(Archive.EVALS, cursor=first.cursor)

    assert [one.url.params["limit"] for one in asked] == ["100", "10", "10"]


def test_an_object_that_stands_on_two_pages_is_no_circle(recorded):
    provider, _ = recorded((200, page(*things("b", "c"), has_more=True)))

    assert provider.archived(Archive.JOBS, cursor="b").cursor == "c"


def test_models_have_no_pages(recorded):
    provider, _ = recorded((200, page(*things("a", "b"))))

    assert provider.archived(Archive.MODELS).cursor is None


@pytest.mark.parametrize(
    ("cursor", "body", "words"),
    [
        (None, page(has_more=True), "promises more"),
        (None, page({"object": "thing"}, has_more=True), "promises more"),
        (None, page(1, has_more=True, last_id=7), "promises more"),
        ("b", page(*things("a", "b"), has_more=True), "again and again"),
        (None, "<html>Sign in to the Wi-Fi</html>", "Is the base URL right"),
        (None, "", "Is the base URL right"),
        (None, '{"data": [{"id": "a"}', "Is the base URL right"),
        (None, '{"data": [{"id": "a"}]} more', "Is the base URL right"),
        (None, '{"data": [{"id": "a\n"}]}', "Is the base URL right"),
        (None, b'{"data": [{"id": "\xff"}]}', "Is the base URL right"),
        (None, '{"data": [{"id": ' + "9" * 5_000 + "}]}", "Is the base URL right"),
        (None, '{"data": ' + "[" * 100_000, "Is the base URL right"),
        (None, '{"data": [{"a": ' + "[" * 2_000 + "]" * 2_000 + "}]}", "Is the base URL right"),
        (None, "[]", "Is the base URL right"),
        (None, "{}", "without a list"),
        (None, '{"data": null}', "without a list"),
        (None, '{"error": {"message": "no"}}', "without a list"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_list_that_is_none_or_has_no_end_is_an_error_that_helps(recorded, cursor, body, words):
    provider, _ = recorded((200, body))

    with pytest.raises(ProviderError, match=words):
        provider.archived(Archive.JOBS, cursor=cursor)


def test_what_has_no_id_that_can_be_kept_is_left_out_and_the_list_goes_on(recorded):
    odd = [{"id": "x" * 256}, {"id": ""}, {"id": 7}, {}, 3, None, ["id"]]
    provider, _ = recorded((200, page(*things("a"), *odd, has_more=True)))

    found = provider.archived(Archive.JOBS)

    assert [one.object_id for one in found.items] == ["a"]
    assert found.cursor == "x" * 256


@pytest.mark.parametrize(
    ("archive", "status", "body", "error"),
    [
        (Archive.EVALS, 404, json.dumps(refusal("Unknown request URL")), NotFound),
        (Archive.EVALS, 404, "404 page not found", NotFound),
        (Archive.EVALS, 410, json.dumps(refusal("Evals have ended.")), NotFound),
        (Archive.COMPLETIONS, 405, '{"detail": "Method Not Allowed"}', NotFound),
        (Archive.USAGE, 501, "", NotFound),
        (Archive.EVENTS, 404, json.dumps(refusal("No such job")), NotFound),
        (Archive.EVENTS, 404, "<html>a proxy</html>", ProviderError),
        (Archive.PERMISSIONS, 403, json.dumps(refusal("Not yours.")), NotPermitted),
        (
            Archive.USAGE,
            401,
            json.dumps(refusal("You have insufficient permissions for this operation.")),
            NotPermitted,
        ),
        (Archive.FILES, 401, json.dumps(refusal("Incorrect API key provided")), KeyRejected),
        (Archive.FILES, 403, "<html>blocked</html>", KeyRejected),
        (Archive.FILES, 400, json.dumps(refusal("No such cursor", param="after")), RequestRejected),
        (Archive.FILES, 429, json.dumps(refusal("Slow down")), ProviderUnavailable),
        (Archive.FILES, 503, "", ProviderUnavailable),
    ],
)
def test_each_refusal_has_the_error_that_says_what_to_do(recorded, archive, status, body, error):
    provider, _ = recorded((status, body))

    with pytest.raises(ProviderError) as caught:
        provider.archived(archive, ASKED[archive][0], since=SINCE)

    assert type(caught.value) is error
    assert caught.value.http_status == status
