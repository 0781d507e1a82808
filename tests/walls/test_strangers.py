"""Providers that mean harm, and the people who connect them, on the running server."""

import threading

import pytest

from tests.waiting import eventually
from tests.walls.test_cves_words import asked, connect

MODELS = "/api/v1/connections/{}/base-models"


def test_r4_nothing_that_was_fetched_says_whom_we_may_call(live, catchers):
    """Whatever an answer names: it is not called, and cannot be connected afterwards either."""
    allowed, private = catchers
    del private.seen[:]
    made = connect(live, "Luring", f"{allowed.url}/lures/{private.port}/v1", "sk-canary-r4")
    before = live.get(f"/api/v1/connections/{made}").json["base_url"]
    assert asked(live, made).status == 200
    assert live.get(MODELS.format(made)).status == 200
    page = live.fill(f"/projects/{{project_id}}/jobs/new?connection_id={made}")
    assert live.get(page).status == 200
    assert asked(live, made).status == 200
    assert private.seen == []
    told = live.get(f"/api/v1/connections/{made}").json
    assert told["base_url"] == before
    form = {"name": "Lured", "base_url": f"http://127.0.0.1:{private.port}/v1", "api_key": "sk-1"}
    refused = live.call(live.fill("/api/v1/projects/{project_id}/connections"), form)
    assert refused.status == 422
    assert "is a private address" in refused.json["errors"][0]["message"]
    moved = {"base_url": form["base_url"], "api_key": "sk-1"}
    assert live.call(f"/api/v1/connections/{made}", moved, method="PATCH").status == 422
    assert private.seen == []


@pytest.fixture
def held(live, catchers):
    """A connection whose server answers nobody until it is told to, and its paths as they come."""
    allowed, _ = catchers
    allowed.let_go.clear()
    made = connect(live, "Holding", f"{allowed.url}/hold/v1", "sk-holding")
    yield made, lambda: [path for path, _ in allowed.seen if path.startswith("/hold/")]
    allowed.let_go.set()


def test_a_slow_provider_keeps_nobody_from_their_pages(live, held, catchers):
    """Twenty questions of one person at once: each would hold a thread that draws pages."""
    made, came = held
    new = live.fill(f"/projects/{{project_id}}/jobs/new?connection_id={made}")
    paths = [new, MODELS.format(made)] * 10
    answers = []
    threads = [
        threading.Thread(target=lambda path=path: answers.append(live.get(path))) for path in paths
    ]
    before = len(came())
    for thread in threads:
        thread.start()
    eventually(lambda: len(came()) - before >= 2)
    for path, who in (("/login", ""), ("/projects", "owner"), ("/projects", "editor")):
        assert live.get(path, who).status == 200
    assert not answers
    assert len(came()) - before == 2
    # Somebody else is asked for all the same.
    other = threading.Thread(target=lambda: answers.append(live.get(new, "editor")))
    other.start()
    eventually(lambda: len(came()) - before == 3)
    catchers[0].let_go.set()
    for thread in (*threads, other):
        thread.join(60)
        assert not thread.is_alive()
    assert {one.status for one in answers} <= {200, 502}
