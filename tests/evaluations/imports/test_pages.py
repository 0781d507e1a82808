"""The pages and the API of imports."""

import json
from pathlib import Path

from app.core.database import read_only
from app.evaluations.models import Evaluation

CONFIG = (Path(__file__).with_name("files") / "promptfooconfig.yaml").read_text()
EVIL = "<script>alert(1)</script>{{7*7}}"


def path_of(team, end=""):
    return f"/projects/{team.project_id}/evaluations/import{end}"


def the_only_one():
    with read_only() as session:
        return session.query(Evaluation).one()


def test_what_is_pasted_comes_in_and_the_page_tells_what_did_not(team, browser):
    editor = browser(team.users["editor"])
    assert "Import an evaluation" in editor.get(path_of(team)).text
    config = CONFIG.replace("Support answers", EVIL).replace("output.length", EVIL)
    answer = editor.post(path_of(team), data={"content": config, "name": "Mine"})
    assert answer.status_code == 303
    page = browser(team.users["viewer"]).get(answer.headers["location"]).text
    for words in (
        "Mine",
        "4 cases",
        "8 graders",
        "JavaScript is not run here",
        "test 3, assertion",
    ):
        assert words in page
    assert EVIL not in page
    assert the_only_one().name == "Mine"


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(team, browser):
    editor = browser(team.users["editor"])
    answer = editor.post(path_of(team), data={"content": EVIL, "judge": "o3"})
    assert answer.status_code == 422
    assert "This is neither" in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert 'value="o3"' in answer.text
    assert editor.post(path_of(team), data={"content": " "}).status_code == 422


def test_a_file_comes_in_and_one_that_cannot_be_read_says_why(team, browser):
    editor = browser(team.users["editor"])
    for content, status, words in (
        (b"", 422, "nothing in it"),
        (b"[1, 2", 422, "neither JSON nor YAML"),
        (CONFIG.encode(), 303, ""),
    ):
        files = {"file": ("promptfooconfig.yaml", content)}
        data = {"csrf": editor.csrf, "judge": "o3"}
        answer = editor.send("POST", path_of(team, "/upload"), data=data, files=files)
        assert answer.status_code == status, answer.text
        assert words in answer.text
    assert the_only_one().cases == 4


def test_a_script_gets_the_evaluation_and_what_was_left_out(team, script):
    rows = json.dumps({"item": {"question": "Why?"}, "sample": {"output_text": "So"}})
    editor = script(team.users["editor"])
    missing = editor.post(path_of(team), json={"content": rows})
    assert missing.status_code == 422
    made = editor.post(path_of(team), json={"content": CONFIG, "name": "By script"}).json()
    assert made["what"] == "a promptfoo configuration"
    assert (made["evaluation"]["name"], made["evaluation"]["status"]) == ("By script", "ready")
    assert any(one["place"] == "providers" for one in made["told"])
