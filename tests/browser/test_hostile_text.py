"""Whatever people, files and providers write stays text, on every page.

The database of a running instance is rewritten: every column that holds somebody's words gets
markup that would ask for CANARY, open a dialog or run code.
"""

import json
import re
import sqlite3
import uuid
from contextlib import closing
from itertools import cycle

import pytest
from sqlalchemy import String, UniqueConstraint

from app.core.secrets import fingerprint
from app.tables import metadata
from tests.browser.visitor import NARROW, WIDE, visiting
from tests.browser.workshop import EMAIL, PASSWORD, TRAP

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

CANARY = "/canary"
SHORT = f"<img src={CANARY} onerror=alert(1)>"
NAME = f"<div hx-get={CANARY} hx-trigger=load>{SHORT}<svg onload=alert(1)>"
LINE = (
    f"{NAME}{{{{7*7}}}}</textarea><script src={CANARY}></script>\u202egnp.exe\u202c"
    f"<a data-hx-get={CANARY} data-hx-trigger=load href=javascript:alert(1)>"
)
BLOCK = f"{LINE}\n</p></main><base href=//canary/><form action={CANARY}>a"
TEXT = BLOCK + "\u0301" * 10_000
# Ten thousand marks cost a browser a second on each page that has a few of them.
KEPT = BLOCK + "\u0301" * 300

# Nobody's words: ours, or in a shape that is checked before it is kept. So is what is short.
SHORTEST = 60
OURS = {
    "activity": {"verb", "subject"},
    "api_tokens": {"fingerprint"},
    "calendar_links": {"fingerprint"},
    "calibrations": {"sha256"},
    "collection_rows": {"digest"},
    "board_cases": {"marks", "labels"},
    "connections": {"profile", "base_url"},
    "dataset_versions": {"sha256", "source_sha256"},
    "evaluation_runs": {"request_key", "request_sha256"},
    "given_answers": {"digest"},
    "grader_versions": {"sha256"},
    "heartbeat": {"process"},
    "instance": {"secret_fingerprint"},
    "invitations": {"fingerprint"},
    "job_events": {"event_id"},
    "judged_duels": {"request_key"},
    "jobs": {
        "request_key", "request_sha256", "first_answer", "training_sha256", "validation_sha256",
        "known_event_id",
    },
    "metric_chunks": {"series"},
    "owners_dates": {"key", "profile"},
    "owners_prices": {"profile"},
    "projects": {"slug"},
    "rescued_objects": {"sha256"},
    "single_use_links": {"fingerprint"},
    "spends": {"key", "subject"},
    "uploads": {"sha256", "found"},
    "user_sessions": {"fingerprint", "csrf"},
    "watched_dates": {"key"},
    "users": {"password_hash"},
}  # fmt: skip
# What the pages show today of what is kept; a name that is nowhere would be tested in vain.
SHOWN = {
    "users.name", "users.email", "projects.name", "api_tokens.name", "connections.name",
    "datasets.name", "jobs.name", "jobs.error", "job_events.text",
    "tuned_models.name", "activity.detail", "model_refs.name", "rescue_parts.words",
    "rescue_parts.last_error", "rescued_objects.object_id", "rescued_objects.name",
    "rescued_objects.parent_id", "rescued_objects.error", "rescued_objects.why_raw",
    "notices.title", "notices.text", "notices.depends", "notice_endpoints.name",
    "notice_endpoints.address", "notice_endpoints.stopped_words", "notice_deliveries.last_error",
    "delivery_tries.answer", "delivery_tries.problem", "uploads.file_name",
    "spends.name", "spends.words", "conversations.title", "questions.text", "answers.text",
    "answers.error", "collections.name", "collection_rows.line", "collection_rows.origin",
    "graders.name", "evaluations.name", "contestants.name", "cases.reference", "case_tags.field",
    "board_cases.question", "given_answers.text", "results.error", "grading_rounds.question",
    "duels.reason", "duels.fault", "worst_lists.last_error",
    "evaluation_schedules.words", "evaluation_looks.words",
}  # fmt: skip

FIND = """() => {
  const found = {shown: [], open: []};
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data, parent = walker.currentNode.parentElement;
    for (const [, name] of text.matchAll(/«([a-z_.]+)»/g)) {
      found.shown.push(name);
      if (!parent.closest("[hx-disable], title, option, textarea, template"))
        found.open.push(`${name} in ${parent.outerHTML.slice(0, 90)}`);
    }
  }
  for (const one of document.querySelectorAll("input, textarea"))
    for (const [, name] of one.value.matchAll(/«([a-z_.]+)»/g)) found.shown.push(name);
  return found;
}"""
MADE_OF_IT = f"""() => [...document.querySelectorAll(
    "[hx-get='{CANARY}'], [data-hx-get='{CANARY}'], [src='{CANARY}'], [onerror], [onload], base")]
  .map((one) => one.outerHTML.slice(0, 160))"""


def words(column, limit):
    """Hostile words that name the column they stand in, as many as it takes."""
    mark = f"«{column}» "
    for payload in (KEPT, LINE, NAME, SHORT):
        if limit is None or len(mark + payload) <= limit:
            return mark + payload
    raise AssertionError(f"{column} takes {limit} characters: too few for words like these.")


def poisoned(value, column):
    """JSON with hostile words in place of every text in it."""
    if isinstance(value, dict):
        return {key: poisoned(one, column) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one, column) for one in value]
    return words(column, 255) if isinstance(value, str) else value


def is_unique(column):
    """Whether no two rows of a project may have the same there."""
    rules = [one for one in column.table.constraints if isinstance(one, UniqueConstraint)]
    return "id" in column.table.columns and any(column in rule.columns.values() for rule in rules)


def poison(database):
    """Rewrite whatever is somebody's words; the one who signs in keeps their address."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        for table in metadata.sorted_tables:
            for column in table.columns:
                name = f"{table.name}.{column.name}"
                limit = column.type.length if isinstance(column.type, String) else 0
                is_short = limit is not None and limit < SHORTEST
                if not is_short and column.name not in OURS.get(table.name, ()):
                    value = words(name, limit)
                    more = "|| id" if is_unique(column) else ""
                    query = f"UPDATE {table.name} SET {column.name} = ? {more}"  # noqa: S608 - our own names
                    if name == "users.email":
                        query += f" WHERE email != '{EMAIL}'"
                    connection.execute(query, [value])
        rows = connection.execute("SELECT id, detail FROM activity").fetchall()
        for row_id, detail in rows:
            changed = json.dumps(poisoned(json.loads(detail), "activity.detail"))
            connection.execute("UPDATE activity SET detail = ? WHERE id = ?", [changed, row_id])


TOKEN = "a-token-made-for-this-test"


def furnish(database):
    """What the workshop lacks: a job that failed, an invitation that is open, a notice, an upload
    that broke off; the pages of the first two.
    """
    part = uuid.uuid4().hex
    (database.parent / "blobs" / f"{part}.part").write_bytes(b"x")
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        names = [column.name for column in metadata.tables["jobs"].columns if column.name != "id"]
        changed = {
            "status": "'failed'", "op_key": "'another'", "request_key": "'another'",
            "run_id": "'another'", "error": "'x'", "last_error": "'x'",
        }  # fmt: skip
        values = ", ".join(changed.get(name, name) for name in names)
        query = f"INSERT INTO jobs ({', '.join(names)}) SELECT {values} FROM jobs LIMIT 1"  # noqa: S608 - our own names
        job_id = connection.execute(query).lastrowid
        connection.execute(
            "INSERT INTO invitations (project_id, role, fingerprint, created_by, created_at, "
            "expires_at) SELECT id, 'viewer', ?, created_by, created_at, "
            "'2099' || substr(created_at, 5) FROM projects LIMIT 1",
            [fingerprint(TOKEN)],
        )
        connection.execute(
            "INSERT INTO uploads (project_id, name, file_name, size, part, created_by, created_at, "
            "due_at, fence, attempts) SELECT id, 'x', 'x', 9, ?, created_by, created_at, "
            "'2099' || substr(created_at, 5), 0, 0 FROM projects LIMIT 1",
            [part],
        )
        connection.execute(
            "INSERT INTO watched_dates (project_id, key, day, changes, changed_at) "
            "SELECT id, 'x', '2099-01-01', 0, created_at FROM projects LIMIT 1"
        )
        connection.execute(
            "INSERT INTO notices (project_id, topic, key, path, facts, date_id, changes, "
            "days_ahead, left_days, day, title, text, depends, is_current, at) "
            "SELECT project_id, 'dates', 'x', '/', '{}', id, 0, 90, 90, day, 'x', 'x', 'x', "
            "1, changed_at FROM watched_dates WHERE key = 'x'"
        )
        connection.execute(
            "UPDATE notice_endpoints SET stopped_at = created_at, stopped_words = 'x'"
        )
        connection.execute(
            "INSERT INTO notice_deliveries (project_id, notice_id, endpoint_id, message_id, "
            "created_at, tries, fence, attempts) SELECT project_id, (SELECT max(id) FROM notices), "
            "id, 'x', created_at, 1, 0, 0 FROM notice_endpoints LIMIT 1"
        )
        connection.execute(
            "INSERT INTO delivery_tries (delivery_id, at, milliseconds, answer, problem) "
            "SELECT id, created_at, 1, 'x', 'x' FROM notice_deliveries WHERE message_id = 'x'"
        )
    return {"job-failed": f"/jobs/{job_id}", "invitation-open": f"/invitations/{TOKEN}"}


@pytest.fixture(scope="module")
def hostile(workshop):
    """The instance with hostile words everywhere, and the pages that show them."""
    database = workshop.home / "luthier.sqlite"
    more = furnish(database)
    poison(database)
    return workshop, {**workshop.pages, **more}


# Each page in one of these; with make faults also all in the second, and axe judges each.
LOOKS = (("light", WIDE), ("dark", NARROW))


@pytest.mark.parametrize(
    "looks", [LOOKS, pytest.param(LOOKS[1:], marks=pytest.mark.full)], ids=["in turn", "judged"]
)
def test_13_hostile_words_stay_words_on_every_page(hostile, chromium, looks):
    workshop, pages = hostile
    seen, unguarded, made, dialogs = set(), {}, {}, []
    with visiting(chromium, workshop.address, asks_axe=looks != LOOKS) as somebody:
        somebody.page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
        somebody.enter("/", EMAIL, PASSWORD)
        for (name, path), (scheme, size) in zip(pages.items(), cycle(looks)):
            somebody.page.emulate_media(color_scheme=scheme)
            somebody.page.set_viewport_size(size)
            somebody.go(path)
            # What a page asks for as it opens is on it, too.
            somebody.page.locator(".htmx-request").first.wait_for(state="detached")
            found = somebody.page.evaluate(FIND)
            seen |= set(found["shown"])
            if found["open"]:
                unguarded[name] = sorted(set(found["open"]))
            if markup := somebody.page.evaluate(MADE_OF_IT):
                made[name] = markup
        asked = [url for url in somebody.requests if CANARY in url or TRAP in url]
        assert asked == []
        assert dialogs == []
        assert made == {}
        assert not unguarded, "outside of hx-disable: " + "\n".join(
            f"{name}: {one}" for name, all_of_it in unguarded.items() for one in all_of_it
        )
        assert SHOWN - seen == set(), "kept, and not shown on any page"


def stream(*chunks):
    """A streamed answer as the relay sends it."""
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join(lines) + "data: [DONE]\n\n"


def test_14_a_models_answer_and_its_error_are_text(hostile, chromium):
    workshop, pages = hostile
    answer = stream(*[{"choices": [{"delta": {"content": part}}]} for part in TEXT.split("=")])
    error = stream({"error": {"message": TEXT}})
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(pages["try"], EMAIL, PASSWORD)
        model_id = pages["try"].split("/")[2]

        def reply(route):
            body = answer if route.request.url.endswith(f"/models/{model_id}/chat") else error
            route.fulfill(status=200, content_type="text/event-stream", body=body)

        page.route(re.compile(r"/(base-)?chat$"), reply)
        page.get_by_label("Your message, sent to both").fill(TEXT)
        somebody.press("Control+Enter")
        for side in ("a", "b"):
            page.locator(f"article.versus__{side}[aria-busy=false]").wait_for()
        said = page.locator("#conversation").evaluate("one => one.textContent")
        assert said.count(TEXT.replace("=", "")) + said.count(TEXT) >= 2
        assert page.evaluate(MADE_OF_IT) == []
        assert not [url for url in somebody.requests if CANARY in url]


def test_11_htmx_does_nothing_inside_hx_disable(hostile, chromium):
    """Markup that came through all the same would still ask for nothing. Fails loudly where a new
    htmx calls the attribute something else.
    """
    workshop, pages = hostile
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(pages["rows"], EMAIL, PASSWORD)
        with page.expect_response("**/livez?outside"):
            page.evaluate(
                """() => {
                  const put = (place, name) => {
                    const mark = `<div hx-get="/livez?${name}" hx-trigger="load"></div>`;
                    place.insertAdjacentHTML("beforeend", mark);
                    window.htmx.process(place.lastElementChild);
                  };
                  const guarded = document.querySelectorAll("[hx-disable]");
                  for (const place of guarded) put(place, "inside");
                  put(document.querySelector("main"), "outside");
                }"""
            )
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
        assert page.locator("[hx-disable]").count() > 1
        assert not [url for url in somebody.requests if "?inside" in url]
