"""Several models asked side by side, graders built and judges asked, cases of an evaluation walked
through.
"""

import re
from urllib.parse import urlencode

import pytest

from tests.browser.visitor import NARROW, visiting
from tests.browser.workshop import EMAIL, HOSTILE, NAME, PASSWORD, TRAP
from tests.journeys.api import Script
from tests.playground.steps import hanging, streaming
from tests.witness import handle
from tests.witness.handle import KEY

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]


def test_two_models_are_asked_side_by_side_and_a_question_is_edited(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        answers = page.locator("#asked [data-turn]").last.locator("[data-answer]")

        def wait_for_answers(number, count):
            turn = page.locator(f"#asked [data-turn='{number}']")
            turn.locator("[data-answer][aria-busy=false]").nth(count - 1).wait_for()

        somebody.enter(workshop.pages["playground"], EMAIL, PASSWORD)
        page.get_by_label("Your message, sent to every model").fill(HOSTILE)
        somebody.press("Control+Enter")
        wait_for_answers(1, 2)
        page.wait_for_url("**/conversations/*")
        assert HOSTILE in page.locator("#asked").inner_text()
        for answer in answers.all():
            assert "free" in answer.inner_text()
            assert answer.locator(".field__error").is_hidden()
        said = answers.first.locator("[data-answer-text]").inner_text()
        somebody.look()

        page.get_by_text("Add a model", exact=True).click()
        page.get_by_label("Its name at the provider").fill("nobody-has-this")
        somebody.button("Add it").click()
        somebody.link(re.compile("^nobody-has-this")).wait_for()
        assert answers.first.locator("[data-answer-text]").inner_text() == said
        page.get_by_text("System prompt and settings").click()
        page.get_by_label("Tools, as JSON").fill("[{")
        page.get_by_label("Your message, sent to every model").fill("And now?")
        with somebody.expecting(422):
            somebody.button(re.compile("^Send")).click()
            page.locator("#set-tools-error").get_by_text("This is not JSON.").wait_for()
        page.get_by_label("Tools, as JSON").fill("")
        page.get_by_label(re.compile("logprobs")).check()
        somebody.button(re.compile("^Send")).click()
        wait_for_answers(2, 3)
        page.get_by_text("did not answer: ").wait_for()
        answers.first.get_by_text("How sure of each token").click()
        answers.first.locator("li", has_text="%").first.wait_for()
        somebody.button(re.compile("^Ask again.*nobody-has-this$")).wait_for()
        somebody.look()

        somebody.button("Edit and resend").first.click()
        page.get_by_text("Question 1 is asked anew").wait_for()
        page.get_by_label("Your message, sent to every model").fill("Where is my card?")
        somebody.press("Control+Enter")
        page.locator("#asked [data-turn='2']").wait_for(state="detached")
        wait_for_answers(1, 3)
        save_an_answer(somebody)
        somebody.go(workshop.pages["playground-history"])
        page.get_by_label("What was asked or answered").fill("where is my card")
        somebody.link("Where is my card?").wait_for()
        assert not [url for url in somebody.requests if TRAP in url]


def test_a_hostile_answer_is_shown_as_it_is_and_the_column_beside_it_is_stopped(
    workshop, chromium, tmp_path
):
    """Markup, terminal colours, and a line of nearly a megabyte."""
    hostile = f"\x1b[31m{HOSTILE}\x1b[2J<a hx-get={TRAP} hx-trigger=load>" + "x" * 990_000
    with (
        handle.running(tmp_path, port=workshop.port) as witness,
        Script(workshop) as script,
        visiting(chromium, workshop.address, asks_axe=False) as somebody,
    ):
        page, at = somebody.page, f"/projects/{workshop.project['id']}"
        account = {"name": "Witness", "kind": "openai", "base_url": witness.url, "api_key": KEY}
        made = script.post(f"{at}/connections", json=account)["id"]
        witness.script(hanging("Let me see. "), streaming({"content": hostile}))
        columns = [("column", f"{made}:{name}") for name in ("m1", "m2")]
        somebody.enter(f"{at}/playground?{urlencode(columns)}", EMAIL, PASSWORD)
        page.get_by_label("Your message, sent to every model").fill("Well?")
        somebody.press("Control+Enter")
        page.locator("#asked [data-answer][data-state=done]").wait_for()
        said = page.locator("[data-state=done] [data-answer-text]")
        assert said.evaluate("one => one.textContent") == hostile
        assert said.evaluate("one => one.childElementCount") == 0
        other = page.locator("#asked [data-answer][aria-busy=true]")
        other.get_by_text("Let me see.").wait_for()
        other.get_by_role("button", name="Stop").click()
        page.locator("#asked [data-answer][data-state=cut]").get_by_text("cut short").wait_for()
        somebody.button("Stop them all").wait_for(state="hidden")
        somebody.look()
        script.delete(f"/conversations/{page.url.rpartition('/')[2]}")
        script.delete(f"/connections/{made}")
        assert not [url for url in somebody.requests if TRAP in url]


def save_an_answer(somebody):
    """As the better of two, undone, saved again, taken out, put back; a dataset is made of it."""
    page = somebody.page
    somebody.link(re.compile("^Save.*the answer of ")).first.click()
    page.get_by_role("radio", name="No reference").wait_for()
    somebody.look()
    better = page.get_by_role("form", name="As the better one of two")
    better.get_by_label("Collection").fill(f"Better {NAME}")
    somebody.press("Enter")
    page.get_by_text("Saved in").wait_for()
    somebody.button("Undo").click()
    page.get_by_text("It is taken out again.").wait_for()
    somebody.button("Close").click()
    somebody.link(re.compile("^Save.*the answer of ")).first.click()
    better.get_by_role("button", name="Save").click()
    somebody.link(f"Better {NAME}").click()
    somebody.heading(f"Better {NAME}")
    page.get_by_text("Not preferred").wait_for()
    assert "Where is my card?" in page.locator("#rows").inner_text()
    somebody.button("Take it out").click()
    somebody.button("Put it back").click()
    somebody.button("Make a dataset").click()
    page.get_by_text("This is version 1.").wait_for()
    somebody.look()


def test_cases_are_walked_with_the_keyboard_and_kept_with_one_press(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["evaluation-run"], EMAIL, PASSWORD)
        shown = page.locator("[data-walk] th a")
        numbers = [int(one) for one in shown.all_inner_texts()]
        somebody.press("j")
        somebody.press("j")
        assert page.evaluate("document.activeElement.id") == f"case-{numbers[1]}"
        somebody.press("Enter")
        somebody.heading(f"Case {numbers[1]}")
        somebody.look()
        somebody.press("k")
        somebody.heading(f"Case {numbers[0]}")
        somebody.press("u")
        page.get_by_label("Question, reference or answer").fill("no such words anywhere")
        page.get_by_text("No case matches.").wait_for()
        somebody.look()
        somebody.go(workshop.pages["evaluation-run"])
        page.locator(f"#choose-{numbers[0]}").check()
        page.get_by_label("into").fill("Picked")
        somebody.button("Collect", exact=True).click()
        page.get_by_text("1 case in Picked now, 1 of them new.").wait_for()
        somebody.heading("Picked")
        somebody.look()


def test_a_grader_is_built_in_the_form_and_tried_on_fifty_rows(workshop, chromium):
    with visiting(chromium, workshop.address, color_scheme="dark", viewport=NARROW) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["graders"], EMAIL, PASSWORD)
        somebody.link("New grader").click()
        somebody.heading("By task")
        somebody.link("Classification").click()
        somebody.heading("New grader: Label")
        rows = page.get_by_label("Rows of", exact=True)
        with somebody.expecting(422):
            page.get_by_label("Name", exact=True).fill("")
            rows.select_option(str(workshop.ready["version"]["id"]))
            somebody.button("Try it as it stands").click()
            page.get_by_text("The grader is not right yet. name: This is needed.").wait_for()
        somebody.look()

        page.get_by_label("Name", exact=True).fill("intent")
        somebody.button("Try it as it stands").click()
        page.get_by_text("Rows 1 to 50 of").wait_for()
        assert page.get_by_text("Passed", exact=True).count() > 50
        somebody.look()
        page.get_by_label("Answers", exact=True).fill(f"{HOSTILE}\nno such label")
        somebody.button("Try it as it stands").click()
        page.get_by_text("Rows 1 to 2 of").wait_for()
        assert HOSTILE in page.locator("#tried").inner_text()

        somebody.button("Keep it").click()
        somebody.heading("intent")
        page.get_by_label("Rows of", exact=True).select_option(str(workshop.ready["version"]["id"]))
        somebody.button("Try it", exact=True).click()
        page.get_by_text("Rows 1 to 50 of").wait_for()
        somebody.link("The rows after these").click()
        page.get_by_text("Rows 51 to 100 of").wait_for()
        somebody.look()
        assert not [url for url in somebody.requests if TRAP in url]


def test_a_judge_says_its_price_is_asked_and_its_babble_is_no_verdict(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["judge-price"], EMAIL, PASSWORD)
        page.get_by_text("5 questions, about").wait_for()
        page.get_by_text("It costs nothing.").wait_for()
        somebody.look()
        somebody.button("Ask the judge").click()
        page.get_by_text("5 of 5").wait_for()
        page.get_by_text("5 scores of 0 because the judge's reply is malformed.").wait_for()
        assert page.get_by_text("The judge's reply begins:").count() == 5
        somebody.look()
        assert not [url for url in somebody.requests if TRAP in url]
