"""The pages of a dataset, gone through with a file in which there is something to find."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.browser.visitor import visiting
from tests.journeys.api import HELD_OUT, OWNER, TRAINING, Script
from tests.processes import start_luthier
from tests.waiting import eventually
from tests.witness import handle

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.full,
    pytest.mark.timeout(400),
]

EMAIL, PASSWORD = OWNER.values()
SYSTEM = "You answer for a bank, in two sentences."
TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"  # a made-up one


def row(question, answer, system=SYSTEM):
    talk = (("system", system), ("user", question), ("assistant", answer))
    return {"messages": [{"role": role, "content": text} for role, text in talk]}


def rows():
    """Questions of customers with answers in words, and among them what a report should find."""
    made = []
    for line in TRAINING.read_text().splitlines()[:2_000:10]:
        *_, asked, label = json.loads(line)["messages"]
        about = label["content"].replace("_", " ")
        answer = (
            f"This is about {about}: open the app, choose Help, and type those words there. "
            f"If that does not settle it, reply with the day and the sum, and we look into it."
        )
        made.append(row(asked["content"], answer))
    made[3] = made[2]
    made[9] = row(made[8]["messages"][1]["content"].upper(), made[8]["messages"][2]["content"])
    made[14]["messages"][2]["content"] = "As an AI language model, I cannot help with that request."
    made[21]["messages"][1]["content"] += f" My token is {TOKEN}."
    made[30]["messages"][2]["content"] = ""
    made[31]["messages"][1]["role"] = "customer"
    made[40]["messages"][0]["content"] = SYSTEM.removesuffix(".")
    made[52]["messages"][1]["content"] += " If nobody answers, I will hurt you."
    return made


@pytest.fixture
def files(tmp_path):
    """The rows, and rows to measure by of which some stand among them."""
    training, held_out = tmp_path / "Answers.jsonl", tmp_path / "Held out.jsonl"
    made = [json.dumps(one) for one in rows()]
    training.write_text("\n".join(made) + "\n")
    asked = HELD_OUT.read_text().splitlines()[:60]
    held_out.write_text("\n".join([*asked, *made[100:106]]) + "\n")
    return training, held_out


def upload(somebody, project, file):
    somebody.go(f"/projects/{project}/datasets")
    somebody.choose(file, file.name)
    somebody.page.wait_for_url("**/dataset-versions/*")
    somebody.page.get_by_role("heading", name="Tokens per row", exact=True).wait_for()
    somebody.look()
    return somebody.page.url.rpartition("/")[2]


def connect(luthier, script, witness, project):
    """An account at the witness, spoken to as OpenAI is."""
    body = {"name": "OpenAI", "kind": "openai", "base_url": witness.url, "api_key": handle.KEY}
    made = script.post(f"/projects/{project}/connections", json=body)["id"]
    path = f"/connections/{made}"
    eventually(lambda: script.get(path)["status"] == "ready", within=60)
    with (
        closing(sqlite3.connect(luthier.home / "luthier.sqlite", timeout=30)) as database,
        database,
    ):
        database.execute("UPDATE connections SET profile = 'openai' WHERE id = ?", (made,))


def test_a_report_is_followed_to_its_rows_copies_leaks_and_words(tmp_path, files, chromium):
    with (
        handle.running(tmp_path) as witness,
        start_luthier(tmp_path / "bank", **OWNER, LUTHIER_ALLOW_HOSTS=witness.host) as luthier,
        Script(luthier) as script,
        visiting(chromium, luthier.address) as mara,
    ):
        project = script.post("/projects", json={"name": "Support routing"})["id"]
        connect(luthier, script, witness, project)
        page = mara.page
        mara.enter("/", EMAIL, PASSWORD)
        training, held_out = (upload(mara, project, file) for file in files)
        leaks = f"/dataset-versions/{held_out}/leaks"
        eventually(lambda: script.get(leaks, training_version_id=training), within=120)

        mara.go(f"/dataset-versions/{training}")
        page.get_by_label("Beside them").select_option("azure")
        page.get_by_role("columnheader", name="Azure OpenAI").wait_for()
        mara.look()
        mara.picture("dataset-findings", of="section[aria-labelledby=findings]")
        mara.picture("dataset-verdicts", of="#providers")
        mara.button("Moderate the rows").click()
        page.get_by_text("1 row of 200 falls under a category").wait_for()
        mara.look()
        mara.picture("dataset-moderation", of="#moderation")

        mara.link("Clusters of duplicates").click()
        mara.heading("Rows that say the same")
        mara.picture("dataset-clusters")
        mara.link("Search", exact=True).click()
        page.wait_for_url("**/search")
        mara.look()
        page.get_by_label("Words").fill("card")
        page.locator("mark").first.wait_for()
        mara.look()
        mara.picture("dataset-search")
        mara.go(f"/dataset-versions/{training}/row?line=22")
        mara.heading("Token by token")
        mara.picture("dataset-row")

        mara.go(f"/dataset-versions/{held_out}")
        mara.link("Compare with training rows").click()
        page.get_by_label("Training rows").select_option(label="Answers, version 1")
        mara.button("Compare").click()
        page.get_by_text("6 of 66 validation rows stand in the training rows").wait_for()
        mara.look()
        mara.picture("dataset-leaks")
