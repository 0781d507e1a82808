"""Rescued evals in a browser: from the list to a failed answer, and on to promptfoo."""

import json

import pytest

from app.connections.models import Connection
from app.core import clock, database
from app.rescue.models import Kind
from app.settings import settings
from tests import make
from tests.browser.visitor import NARROW, visiting
from tests.journeys.api import OWNER, Script
from tests.processes import start_luthier
from tests.rescue.history import RUN, an_eval, an_item, bring_home, bring_items
from tests.rescue.test_usage import a_day, a_result

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.full,
    pytest.mark.timeout(240),
]

TRAP = "/nobody-asked-for-this"
HOSTILE = f"<img src={TRAP}><div hx-get={TRAP} hx-trigger=load>x</div>{{{{7*7}}}}" + "w" * 200
UNFOLD = "() => document.querySelectorAll('details').forEach((one) => (one.open = true))"
LOOKS = ({}, {"color_scheme": "dark", "viewport": NARROW})


def furnish(connection_id):
    """An eval whose words are hostile, a long run, and who called what."""
    with database.unit_of_work() as session:
        connection = session.get_one(Connection, connection_id)
        make.make_rescue(session, connection)
        one, (_, new) = bring_home(
            session, connection, content=an_eval(name=f"Intents {HOSTILE}"), items=2
        )
        hostile = an_item(0, "evalrun_3", datasource_item={HOSTILE: HOSTILE})
        hostile["sample"]["output"][0]["content"] = HOSTILE
        session.query(make.RescuedObject).filter_by(kind=Kind.EVAL_ITEMS, object_id=RUN).delete()
        bring_items(session, connection, RUN, [hostile, *(an_item(n) for n in range(1, 45))])
        make.make_rescued_object(session, connection, Kind.MODEL, "ft:gpt-4o:acme::A1", b"{}")
        day = a_day(clock.now(session), a_result("ft:gpt-4o:acme::A1", project_id=HOSTILE))
        make.make_rescued_object(
            session, connection, Kind.USAGE, "2026-11", json.dumps(day).encode()
        )
        return one.id, new.id


def test_an_eval_is_read_and_goes_on_with_promptfoo(chromium, tmp_path, monkeypatch):
    home = tmp_path / "luthier"
    with start_luthier(home, **OWNER) as luthier, Script(luthier) as script:
        project = script.post("/projects", json={"name": "Support"})
        account = {"name": "OpenAI", "base_url": make.PUBLIC_URL, "api_key": "sk-0123456789abcdef"}
        made = script.post(f"/projects/{project['id']}/connections", json=account)
        monkeypatch.setenv("LUTHIER_HOME", str(luthier.home))
        settings.cache_clear()
        database.engine.cache_clear()
        one, run = furnish(made["id"])
        listed, usage = (
            f"/projects/{project['id']}/{page}" for page in ("rescued-evals", "rescued-usage")
        )
        for look in LOOKS:
            with visiting(chromium, luthier.address, **look) as somebody:
                somebody.enter(listed, *OWNER.values())
                for path in (f"/rescued-evals/{one}", f"/rescued-runs/{run}", usage):
                    somebody.page.goto(path)
                    somebody.page.evaluate(UNFOLD)
                    somebody.look()
                    if not look:
                        somebody.walk()
                assert somebody.page.locator(f"[src='{TRAP}'], [hx-get='{TRAP}']").count() == 0
                assert not [url for url in somebody.requests if TRAP in url]
        with visiting(chromium, luthier.address) as somebody:
            page = somebody.page
            somebody.enter(listed, *OWNER.values())
            page.locator(f"#eval-{one}").click()
            with page.expect_download() as taken:
                page.locator("#promptfoo").click()
            assert taken.value.suggested_filename == "promptfooconfig.yaml"
            page.locator(f"#run-{run}").click()
            page.locator("#page-later").click()
            page.get_by_text("Items 21 to 40 of 45").wait_for()
            page.locator("#only-failed").click()
            page.get_by_text("Where is my money 2?").first.wait_for()
            assert page.get_by_text("Where is my money 3?").count() == 0
            somebody.look()
    database.engine().dispose()
    database.engine.cache_clear()
