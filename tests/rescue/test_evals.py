"""The pages and files of rescued evals."""

import json

import pytest
import yaml

from app.connections.models import Connection
from app.core.database import unit_of_work
from app.rescue import access_streams
from app.rescue.evals import bodies as evals
from app.rescue.models import Kind, Outcome
from tests import make
from tests.rescue.history import (
    EVAL,
    RUN,
    a_run,
    an_eval,
    an_item,
    bring_home,
    bring_items,
    lines,
)

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def home_now(team):
    """Bring things home over the team's connection: `home_now(lambda session, connection: …)`."""

    def do(work):
        with unit_of_work() as session:
            return work(session, session.get_one(Connection, team.connection_id))

    return do


@pytest.fixture
def brought(home_now):
    """The ids of an eval and of its newest run."""

    def work(session, connection):
        one, runs = bring_home(session, connection)
        return one.id, runs[-1].id

    return home_now(work)


def test_the_list_names_evals_with_their_runs_and_items(team, browser, script, brought):
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/projects/{team.project_id}/rescued-evals").text
    assert "Ticket intents" in page
    assert EVAL in page
    (one,) = (
        script(team.users["viewer"])
        .get(f"/projects/{team.project_id}/rescued-evals")
        .json()["data"]
    )
    assert (one["name"], one["runs"], one["items"]) == ("Ticket intents", 2, 6)
    assert (
        viewer.get(f"/projects/{team.project_id}/rescued-evals?q=nothing").text.count("Ticket") == 0
    )
    assert viewer.get(f"/projects/{team.project_id}/rescued-evals?sort=-runs").status_code == 200


def test_the_list_asks_as_often_with_twenty_evals_as_with_two(team, browser, home_now, queries):
    viewer = browser(team.users["viewer"])
    path = f"/projects/{team.project_id}/rescued-evals"

    def counted(first, last):
        def work(session, connection):
            for n in range(first, last):
                make.make_rescued_object(session, connection, Kind.EVAL, f"eval_{n}", b"{}")
                make.make_rescued_object(
                    session, connection, Kind.EVAL_RUN, f"run_{n}", b"{}", parent_id=f"eval_{n}"
                )

        home_now(work)
        viewer.get(path)
        with queries() as seen:
            assert viewer.get(path).status_code == 200
        return seen.count

    assert counted(0, 2) == counted(2, 20)


def test_an_evals_page_says_its_criteria_in_words_and_counts_its_runs(team, browser, brought):
    page = browser(team.users["viewer"]).get(f"/rescued-evals/{brought[0]}").text
    assert "Passes when <code>{{ sample.output_text }}</code> is exactly" in page
    assert "chooses one of <code>friendly</code>, <code>rude</code>; passes with" in page
    assert "66.7 %" in page
    assert 'id="rates"' in page, "two runs make a chart"
    assert "&#34;array&#34;" in page, "the schema"
    assert page.index("Nightly 2") < page.index("Nightly 1", page.index('id="runs"')), (
        "newest first"
    )


def test_a_runs_page_reads_its_items_with_every_grade(team, browser, brought):
    page = browser(team.users["viewer"]).get(f"/rescued-runs/{brought[1]}").text
    assert "2 of 3 passed" in page
    assert "Exact intent-1c86" in page
    assert "It greets." in page, "what a judge said"
    assert "Where is my money 2?" in page
    assert "Say the intent." in page, "how it asked"
    assert "930" in page, "tokens"


def test_items_come_page_by_page_and_by_their_outcome(team, browser, home_now):
    def work(session, connection):
        _, runs = bring_home(session, connection, runs=(RUN,), items=0)
        bring_items_over(session, connection, 50)
        return runs[0].id

    def bring_items_over(session, connection, number):
        found = session.query(make.RescuedObject).filter_by(kind=Kind.EVAL_ITEMS).one()
        session.delete(found)
        session.flush()
        bring_items(session, connection, RUN, [an_item(n) for n in range(number)])

    run_id = home_now(work)
    viewer = browser(team.users["viewer"])

    def shown(query=""):
        page = viewer.get(f"/rescued-runs/{run_id}{query}", **{"HX-Request": "true"}).text
        return [n for n in range(50) if f"money {n}?" in page], page

    first, page = shown()
    assert first == [*range(20)]
    assert "Items 1 to 20 of 50" in page
    later = page.partition('id="page-later" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "at=" in later
    assert shown(later.partition("?")[2] and "?" + later.partition("?")[2])[0] == [*range(20, 40)]
    assert shown("?item=41")[0] == [*range(40, 50)]
    assert shown("?item=41&at=3")[0] == [*range(40, 50)], "no line begins there"
    assert shown("?item=999")[0] == [*range(20)]
    assert shown("?only=failed")[0] == [n for n in range(50) if n % 3 == 2]
    assert shown("?only=errored")[0] == []
    assert "None of items 1 to 50" in shown("?only=errored")[1]
    assert viewer.get(f"/rescued-runs/{run_id}?only=odd").status_code == 422


def test_places_of_lines_are_found_by_counting_and_hints_are_checked(tmp_path):
    path = tmp_path / "blob"
    content = [b"a" * length for length in (5, 0, 3_000_000, 7)]
    path.write_bytes(b"\n".join(content) + b"\n")
    starts = [0, 6, 7, 3_000_008]
    assert [evals.place_of(path, n) for n in (1, 2, 3, 4)] == starts
    assert evals.place_of(path, 5) is None
    assert evals.place_of(path, 4, starts[3]) == starts[3]
    assert evals.place_of(path, 4, 100) == starts[3]
    assert evals.place_of(path, 4, 10**12) == starts[3]
    read = list(evals.lines_from(path, longest=1_000_000))
    assert [line.at for line in read] == starts
    assert [line.content for line in read] == [content[0], b"", None, content[3]]
    path.write_bytes(b"")
    assert evals.place_of(path, 1) == 0


def test_what_is_not_here_says_why(team, browser, home_now):
    def work(session, connection):
        one = make.make_rescued_object(
            session, connection, Kind.EVAL, EVAL, outcome=Outcome.REFUSED, error="No such right."
        )
        run = make.make_rescued_object(
            session, connection, Kind.EVAL_RUN, RUN, json.dumps(a_run()).encode(), parent_id=EVAL
        )
        make.make_rescued_object(
            session,
            connection,
            Kind.EVAL_ITEMS,
            RUN,
            outcome=Outcome.GONE,
            error="Not found: items.",
        )
        lonely = make.make_rescued_object(
            session, connection, Kind.EVAL_RUN, "evalrun_9", b"[1]", parent_id="eval_none"
        )
        return one.id, run.id, lonely.id

    one, run, lonely = home_now(work)
    viewer = browser(team.users["viewer"])
    page = viewer.get(f"/rescued-evals/{one}").text
    assert "No such right." in page
    assert "Nightly 2" in page
    assert "Not found: items." in viewer.get(f"/rescued-runs/{run}").text
    assert "Nobody has asked" in viewer.get(f"/rescued-runs/{lonely}").text
    config = viewer.get(f"/rescued-evals/{one}/promptfooconfig.yaml").text
    assert "its output items are not here" in config
    assert viewer.get(f"/rescued-runs/{run}/eval_items.jsonl").text == ""
    assert viewer.get(f"/rescued-evals/{run}").status_code == 404, "a run is no eval"


def test_the_files_are_sent_to_people_and_to_scripts(team, browser, script, brought):
    one, run = brought
    viewer, api = browser(team.users["viewer"]), script(team.users["viewer"])
    answer = viewer.get(f"/rescued-evals/{one}/promptfooconfig.yaml")
    assert answer.headers["content-disposition"] == 'attachment; filename="promptfooconfig.yaml"'
    assert "sandbox" in answer.headers["content-security-policy"]
    assert len(yaml.safe_load(answer.text)["tests"]) == 3
    assert api.get(f"/rescued-evals/{one}/promptfooconfig.yaml").text == answer.text
    of_all = api.get(f"/rescued-evals/{one}/eval_items.jsonl")
    assert "eval_items_eval_68a1.jsonl" in of_all.headers["content-disposition"]
    assert of_all.text.count("\n") == 6
    of_one = api.get(f"/rescued-runs/{run}/eval_items.jsonl").text
    assert {json.loads(line)["run_id"] for line in of_one.splitlines()} == {RUN}
    assert viewer.get(f"/rescued-runs/{run}/eval_items.jsonl").text == of_one


def test_whoever_loses_the_right_loses_the_stream(monkeypatch):
    monkeypatch.setattr(access_streams, "RECHECK_SECONDS", -1)
    asked = []

    def enter():
        asked.append(1)
        if len(asked) == 2:
            raise PermissionError

    stream = access_streams.while_allowed((piece for piece in (b"a", b"b", b"c")), enter)
    assert next(stream) == b"a"
    with pytest.raises(PermissionError):
        next(stream)


def test_hostile_words_stay_words(team, browser, home_now):
    def work(session, connection):
        criteria = [
            {"type": EVIL, "name": EVIL},
            {"type": "python", "name": EVIL, "source": EVIL},
            {"type": "score_model", "range": EVIL, "pass_threshold": EVIL},
            "none",
        ]
        content = an_eval(
            name=EVIL,
            created_at=1e300,
            metadata={EVIL: [EVIL]},
            data_source_config={"type": EVIL, "schema": EVIL},
            testing_criteria=criteria,
        )
        one = make.make_rescued_object(
            session, connection, Kind.EVAL, EVAL, json.dumps(content).encode(), name=EVIL
        )
        run = a_run(
            name=[EVIL], status=EVIL, created_at=EVIL, model={"a": EVIL}, error={"message": EVIL},
            result_counts={"passed": True, "total": "x"}, per_model_usage=[{"model_name": EVIL}],
        )  # fmt: skip
        run["data_source"] = {"type": EVIL, "input_messages": EVIL, "sampling_params": [EVIL]}
        row = make.make_rescued_object(
            session, connection, Kind.EVAL_RUN, RUN, json.dumps(run).encode(), parent_id=EVAL
        )
        item = an_item(0, datasource_item={EVIL: EVIL}, results=[{"name": EVIL, "score": EVIL}])
        item["sample"] = {"input": [{"role": EVIL, "content": {"x": EVIL}}], "output": EVIL}
        item["sample"]["error"] = EVIL
        bad = [b"x" * 100, EVIL.encode(), b'{"a":' * 5_000, b"\xff\xfe", b"null", b""]
        content = lines(item) + b"\n".join(bad) + b"\n"
        make.make_rescued_object(
            session, connection, Kind.EVAL_ITEMS, RUN, content, parent_id=RUN, lines=7
        )
        return one.id, row.id

    one, run = home_now(work)
    viewer = browser(team.users["viewer"])
    paths = [
        f"/projects/{team.project_id}/rescued-evals",
        f"/rescued-evals/{one}",
        f"/rescued-runs/{run}",
        f"/rescued-evals/{one}/promptfooconfig.yaml",
        f"/rescued-evals/{one}/eval_items.jsonl",
    ]
    for path in paths:
        answer = viewer.get(path)
        assert answer.status_code == 200, path
        if "html" in answer.headers["content-type"]:
            assert "<script>alert" not in answer.text
            assert "onerror=alert(1)>" not in answer.text
