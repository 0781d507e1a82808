"""The main journey: an empty folder, keyboard and mouse, and a model that answers at the end."""

import re

import pytest

from tests.browser.beginning import (
    EMAIL,
    PASSWORD,
    make_a_project_by_keyboard,
    make_the_first_account,
)
from tests.browser.visitor import visiting
from tests.journeys.api import HELD_OUT, TRAINING, held_out
from tests.processes import start_luthier

pytestmark = [pytest.mark.browser, pytest.mark.processes]

EPOCHS = 6
NEWER = """(seen) => Number(document.querySelector("[data-chart]").dataset.points) > seen
  || document.querySelector("#progress").dataset.status !== "running" """


@pytest.mark.timeout(400)
def test_from_an_empty_folder_to_a_model_that_answers(tmp_path, chromium):
    with (
        start_luthier(tmp_path / "home") as luthier,
        visiting(chromium, luthier.address) as mara,
    ):
        page = mara.page
        make_the_first_account(mara, luthier.output)
        make_a_project_by_keyboard(mara)
        _upload_and_read_the_report(mara)
        job_path = _start_a_job_by_mouse(mara)

        counts = _watch(mara, share=0.3)
        page.reload()
        assert page.url.endswith(job_path)
        mara.heading("intents")
        page.wait_for_function(NEWER, arg=counts[-1] - 1)
        with visiting(chromium, luthier.address) as elsewhere:
            elsewhere.enter(job_path, EMAIL, PASSWORD)
            elsewhere.heading("intents")
            elsewhere.page.wait_for_function(NEWER, arg=counts[-1] - 1)
            counts += _watch(mara, share=0.6)
            mara.picture("job-live", "dark", "phone")
            counts += _watch(mara)
            elsewhere.page.locator("#progress[data-status=succeeded]").wait_for()
        assert len(set(counts)) >= 5, counts
        assert counts == sorted(counts)

        page.locator("#progress[data-status=succeeded]").wait_for()
        mara.look()
        mara.picture("job-done")
        _talk_to_the_model(mara)
        _prefer_its_answer(mara)
        _come_home(mara)


def _upload_and_read_the_report(mara):
    page = mara.page
    mara.link("Datasets", exact=True).click()
    mara.heading("Datasets")
    mara.picture("datasets-empty")
    mara.drop(TRAINING, "Banking77.jsonl")
    page.wait_for_url("**/dataset-versions/*")
    page.get_by_role("heading", name="Tokens per row").wait_for()
    page.get_by_text("10,003").first.wait_for()
    mara.look()
    mara.picture("dataset-report", "phone")

    mara.link("Browse all 10,003").click()
    mara.heading("Banking77")
    page.locator("#row-2").wait_for()
    page.get_by_label("Row", exact=True).fill("7777")
    mara.button("Go").click()
    page.locator("#row-7777").wait_for()
    mara.look()

    mara.link("Datasets", exact=True).first.click()
    page.get_by_role("heading", name="Upload rows").wait_for()
    mara.choose(HELD_OUT, "Banking77 held out.jsonl")
    page.wait_for_url("**/dataset-versions/*")
    page.get_by_text("3,080").first.wait_for()
    mara.look()


def _start_a_job_by_mouse(mara):
    page = mara.page
    mara.link("Datasets", exact=True).first.click()
    mara.link("Banking77", exact=True).click()
    mara.link("Fine-tune this version").click()
    mara.heading("New fine-tuning job")
    page.get_by_text("Rows the model never sees in training").click()
    rows = page.get_by_label("Validation rows")
    rows.select_option(label="Banking77 held out, version 1 (3,080 rows)")
    page.get_by_label("n_epochs", exact=False).locator("visible=true").last.fill(str(EPOCHS))
    page.get_by_label("suffix").fill("intents")
    page.get_by_label("seed").fill("7")
    page.get_by_text(f"× {EPOCHS}").wait_for()
    mara.look()
    mara.picture("job-form", "phone")
    mara.button(re.compile("^Start job")).click()
    mara.heading("intents")
    return re.search(r"/jobs/\d+", page.url)[0]


def _watch(mara, share=1.0):
    """The point counts seen on the chart, one after the other, until that share is done."""
    page, counts = mara.page, [0]
    panel = page.locator("#progress")
    page.locator("#progress[data-status=running]:not([data-steps=''])").wait_for()
    total = int(panel.get_attribute("data-steps"))
    while counts[-1] < share * total:
        page.wait_for_function(NEWER, arg=counts[-1])
        counts.append(int(page.locator("[data-chart]").get_attribute("data-points")))
        if panel.get_attribute("data-status") != "running":
            break
    return counts[1:]


def _talk_to_the_model(mara):
    page = mara.page
    mara.link("See the model").click()
    mara.heading(re.compile("intents"))
    mara.picture("model")
    mara.link("Try it").first.click()
    mara.heading(re.compile("intents"))
    (question, label) = next(_well_known())
    page.get_by_label("Your message, sent to both").fill(question)
    mara.press("Control+Enter")
    tuned = page.locator("article.versus__a")
    base = page.locator("article.versus__b")
    for answer in (tuned, base):
        answer.and_(page.locator("[aria-busy=false]")).wait_for()
    assert tuned.locator("[data-answer-text]").inner_text() == label
    assert base.locator("[data-answer-text]").inner_text() not in {"", label}
    mara.look()
    mara.picture("try", "dark")


def _prefer_its_answer(mara):
    """Base and tuned side by side in the playground, and the pair is kept."""
    page = mara.page
    mara.link("Playground", exact=True).click()
    mara.heading("Playground")
    question, label = next(_well_known())
    page.get_by_label("Your message, sent to every model").fill(question)
    mara.press("Control+Enter")
    answers = page.locator("#asked [data-answer]")
    page.locator("#asked [data-answer][data-state=done]").nth(1).wait_for()
    tuned, base = (one.locator("[data-answer-text]").inner_text() for one in answers.all())
    assert tuned == label
    assert base not in {"", label}
    mara.look()
    mara.picture("playground")
    mara.link(re.compile("^Save.*the answer of intents")).click()
    better = page.get_by_role("form", name="As the better one of two")
    better.get_by_role("button", name="Save").click()
    mara.link("Preferred answers").click()
    mara.heading("Preferred answers")
    page.get_by_text("Not preferred").wait_for()
    kept = page.locator("#rows").inner_text()
    assert question in kept
    assert kept.index(label) < kept.index("Not preferred")
    mara.look()
    mara.picture("collection")


def _well_known():
    questions, labels = held_out()
    return (
        (messages[-1]["content"], label)
        for messages, label in zip(questions, labels, strict=True)
        if label == "lost_or_stolen_card"
    )


def _come_home(mara):
    mara.link("Jobs").first.click()
    mara.heading("Jobs")
    mara.page.get_by_role("row", name=re.compile("intents.*Succeeded")).wait_for()
    mara.picture("jobs")
    mara.link("Home", exact=True).click()
    mara.page.get_by_role("heading", name="Latest models").wait_for()
    mara.look()
    mara.picture("home")
