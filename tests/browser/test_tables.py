"""Tables by keyboard and mouse: order, filters, columns and what is chosen stand in the address."""

import re
import sqlite3
from contextlib import closing, nullcontext

import pytest

from tests.browser.visitor import NARROW, visiting
from tests.journeys.api import OWNER, TRAINING, Script
from tests.processes import start_luthier
from tests.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

EMAIL, PASSWORD = OWNER.values()
TRAP = "/nobody-asked-for-this"
HOSTILE = f'"><img src={TRAP}><div hx-get={TRAP} hx-trigger=load>'
JOBS = 28


@pytest.fixture(scope="module")
def workshop(chromium, tmp_path_factory):
    """A project with more jobs than a page holds, all like the first, which was cancelled."""
    folder = tmp_path_factory.mktemp("tables")
    rows = folder / "rows.jsonl"
    rows.write_text("\n".join(TRAINING.read_text().splitlines()[::25]) + "\n")
    with start_luthier(folder / "home", **OWNER) as luthier, Script(luthier) as script:
        project = script.post("/projects", json={"name": "Support"})
        ready = script.upload(project["id"], rows, "Tickets")
        job = script.start_job(
            project["id"],
            suffix="intents-00",
            n_epochs=1,
            training_version_id=ready["version"]["id"],
        )
        script.post(f"/jobs/{job['id']}/cancel", expected=200)
        path = f"/jobs/{job['id']}"
        eventually(lambda: script.get(path)["status"] in {"cancelled", "succeeded"}, within=60)
        copy_first_job(luthier.home, status="cancelled")
        yield luthier.address, f"/projects/{project['id']}/jobs"


def copy_first_job(home, status):
    """Make it many, as fast as the database can."""
    with closing(sqlite3.connect(next(home.rglob("luthier.sqlite")), timeout=15)) as database:
        columns = [name for _, name, *_ in database.execute("PRAGMA table_info(jobs)")]
        others = {"id": "n", "op_key": "'op-' || n", "request_key": "'key-' || n"}
        others["name"] = "printf('intents-%02d', n - 1)"
        values = ", ".join(others.get(name, name) for name in columns)
        with database:
            database.execute("UPDATE jobs SET status = ?", (status,))
            for n in range(2, JOBS + 1):
                database.execute(
                    f"INSERT INTO jobs SELECT {values} FROM jobs, (SELECT ? AS n) "  # noqa: S608
                    "WHERE jobs.id = 1",
                    (n,),
                )


@pytest.fixture
def mara(workshop, chromium):
    address, path = workshop
    with visiting(chromium, address) as somebody:
        somebody.enter(path, EMAIL, PASSWORD)
        somebody.heading("Jobs")
        yield somebody


def names(page):
    return page.locator("tbody th").all_inner_texts()


def address_has(page, *words):
    page.wait_for_function(
        "(words) => words.every((word) => location.search.includes(word))", arg=list(words)
    )


def go_back(page, query):
    """The page before this one is loaded anew, as its address says."""
    with page.expect_event("load"):
        page.evaluate("setTimeout(() => history.back())")
    assert page.url.partition("?")[2] == query


def test_the_heads_sort_and_the_address_keeps_it(mara):
    page = mara.page
    newest = names(page)
    assert newest[0] == f"intents-{JOBS - 1:02}"
    mara.tab_to(page.locator("#sort-name"))
    mara.press("Enter")
    address_has(page, "sort=name")
    page.locator("th[aria-sort=ascending]").wait_for()
    assert names(page)[0] == "intents-00"
    assert page.evaluate("document.activeElement.id") == "sort-name"
    mara.press("Enter")
    address_has(page, "sort=-name")
    page.locator("th[aria-sort=descending] #sort-name").wait_for()
    mara.link("Next").click()
    address_has(page, "after=")
    page.get_by_text(f"26 to {JOBS} of {JOBS} jobs").first.wait_for()
    page.reload()
    assert len(names(page)) == JOBS - 25
    go_back(page, "sort=-name")
    page.locator("th[aria-sort=descending] #sort-name").wait_for()
    go_back(page, "sort=name")
    page.locator("th[aria-sort=ascending] #sort-name").wait_for()
    go_back(page, "")
    page.locator("th[aria-sort=descending] #sort-created").wait_for()
    assert names(page) == newest
    mara.look()


def test_a_text_narrows_the_list_while_it_is_typed(mara):
    page = mara.page
    mara.tab_to(page.get_by_role("searchbox"))
    mara.type("intents-0")
    address_has(page, "q=intents-0")
    page.locator("tbody tr").nth(10).wait_for(state="detached")
    assert len(names(page)) == 10
    assert page.locator("[data-said]").inner_text() == "10 jobs"
    assert page.evaluate("document.activeElement.id") == "filter-q"
    mara.press("Control+a")
    mara.type(HOSTILE)
    page.get_by_text("No job matches.").wait_for()
    page.reload()
    assert page.get_by_role("searchbox").input_value() == HOSTILE
    assert HOSTILE in page.locator(".chips").inner_text()
    assert page.locator(f"[src='{TRAP}'], [hx-get='{TRAP}']").count() == 0
    mara.look()
    mara.link("Show all").click()
    page.wait_for_url("**/jobs")
    assert not [url for url in mara.requests if TRAP in url]


def test_filters_and_columns_are_chosen_in_their_menus(mara):
    page = mara.page
    mara.tab_to(mara.button("Filter"))
    mara.press("Enter")
    page.get_by_role("checkbox", name="Succeeded").wait_for()
    mara.look()
    mara.tab_to(page.get_by_role("checkbox", name="Succeeded"))
    mara.press("Space")
    page.get_by_text("No job matches.").wait_for()
    address_has(page, "status=succeeded")
    mara.press("Space")
    page.locator("tbody tr").nth(24).wait_for()
    mara.press("Escape")
    mara.tab_to(mara.button("Columns"))
    mara.press("Enter")
    mara.tab_to(page.get_by_role("checkbox", name="Method"))
    mara.press("Space")
    page.get_by_role("columnheader", name="Method").wait_for()
    address_has(page, "column=", "method")
    mara.look()
    page.reload()
    assert page.get_by_role("columnheader", name="Method").is_visible()


def test_rows_are_chosen_over_pages_refreshes_and_reloads(workshop, mara):
    page = mara.page
    boxes = page.get_by_role("checkbox", name=re.compile("Choose intents"))
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    bar = page.get_by_role("form", name="Chosen jobs")
    assert bar.inner_text().startswith("4 chosen")
    ids = page.evaluate("new URL(location.href).searchParams.get('chosen')")
    assert len(ids.split(",")) == 4
    boxes.nth(2).focus()
    before = page.locator("#rows").element_handle()
    page.evaluate("htmx.trigger('#rows', 'changed')")
    page.wait_for_function("(old) => !old.isConnected", arg=before)
    assert page.locator("tbody tr[aria-selected=true]").count() == 4
    assert page.evaluate("document.activeElement.id") == boxes.nth(2).get_attribute("id")
    mara.link("Next").click()
    page.get_by_text("4 chosen, 4 not shown here").wait_for()
    mara.look()
    page.get_by_role("checkbox", name="Choose every job shown").check()
    page.get_by_text("7 chosen, 4 not shown here").wait_for()
    page.reload()
    page.get_by_text("7 chosen, 4 not shown here").wait_for()
    assert page.get_by_role("checkbox", name="Choose every job shown").is_checked()
    mara.button("Choose none").click()
    bar.wait_for(state="hidden")
    assert "chosen" not in page.url


def test_those_chosen_are_archived_after_a_question_and_come_back(workshop, mara):
    page = mara.page
    mara.go(f"{workshop[1]}?q=intents-2")
    mara.tab_to(page.get_by_role("checkbox", name="Choose intents-27"))
    mara.press("Space")
    mara.tab_to(mara.button("Archive"))
    mara.press("Enter")
    dialog = page.get_by_role("dialog", name="Archive 1 job?")
    dialog.wait_for()
    mara.look()
    mara.press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.id") == "do-archive"
    mara.press("Enter")
    dialog.wait_for()
    mara.tab_to(mara.button("Archive 1 job"))
    mara.press("Enter")
    page.get_by_text("1 archived.").wait_for()
    assert names(page)[0] == "intents-26"
    mara.look()
    mara.button("Filter").click()
    page.get_by_role("checkbox", name="Archived").check()
    page.get_by_role("row", name=re.compile("intents-27")).wait_for()
    mara.press("Escape")
    page.get_by_role("checkbox", name="Choose intents-27").check()
    mara.button("Bring back").click()
    mara.button("Bring back 1 job").click()
    page.get_by_text("1 brought back.").wait_for()
    assert names(page)[0] == "intents-27"


def test_on_a_phone_each_row_is_a_card(workshop, chromium):
    address, path = workshop
    with visiting(chromium, address, viewport=NARROW) as somebody:
        somebody.enter(f"{path}?sort=name", EMAIL, PASSWORD)
        somebody.heading("Jobs")
        frame = somebody.page.locator("#jobs-title-frame")
        assert frame.evaluate("(element) => element.scrollWidth <= element.clientWidth")
        somebody.page.get_by_role("link", name="State").click()
        address_has(somebody.page, "sort=status")
        somebody.button("Filter").click()
        somebody.look()


def test_without_scripts_the_list_is_sorted_filtered_and_chosen_from(workshop, chromium):
    address, path = workshop
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{address}{path}")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Job", exact=True).click()
        page.wait_for_url("**?sort=name")
        assert names(page)[0] == "intents-00"
        page.get_by_role("searchbox").fill("intents-2")
        page.get_by_role("button", name="Find").click()
        page.wait_for_url("**q=intents-2*")
        assert names(page) == [f"intents-{n}" for n in range(20, JOBS)]
        assert "sort=name" in page.url
        page.get_by_role("checkbox", name="Choose intents-21").check()
        page.get_by_role("checkbox", name="Choose intents-22").check()
        page.get_by_role("button", name="Archive").click()
        page.get_by_role("heading", name="Archive 2 jobs?").wait_for()
        page.get_by_role("link", name="Not now").click()
        page.wait_for_url("**chosen=*")
        assert page.get_by_role("checkbox", name="Choose intents-22").is_checked()
    finally:
        context.close()


def test_the_rows_of_a_version_are_sorted_and_put_away_in_their_address(mara):
    page = mara.page
    mara.go("/dataset-versions/1/rows")
    assert page.locator("tbody tr").count() == 20
    mara.tab_to(page.locator("#sort-tokens"))
    mara.press("Enter")
    address_has(page, "sort=-tokens")
    page.locator("th[aria-sort=descending] #sort-tokens").wait_for()
    tokens = [int(words) for words in page.locator("td[data-label=Tokens]").all_inner_texts()]
    assert tokens == sorted(tokens, reverse=True)
    mara.look()
    mara.tab_to(mara.button("Columns"))
    mara.press("Enter")
    mara.tab_to(page.get_by_role("checkbox", name="Conversation"))
    mara.press("Space")
    page.get_by_role("columnheader", name="Conversation").wait_for(state="detached")
    address_has(page, "column=", "sort=-tokens")
    page.reload()
    assert not page.get_by_role("columnheader", name="Conversation").count()
    mara.link("Next").click()
    page.get_by_text(re.compile("^21 to 40 of")).first.wait_for()
    page.locator("tbody th a").first.click()
    page.wait_for_url("**/row?line=*")
    mara.look()


def test_findings_lead_from_the_report_to_their_table(mara):
    page = mara.page
    mara.go("/dataset-versions/1/findings")
    page.get_by_role("heading", name="Findings").wait_for()
    mara.look()


@pytest.mark.full  # tests/budgets proves each step
def test_an_owner_sets_a_budget_by_keyboard_and_the_receipt_says_what_is_left(workshop, mara):
    page, project = mara.page, workshop[1].removesuffix("/jobs")
    mara.look()
    mara.go(f"{project}/budget")
    amount = page.get_by_label("Dollars a month")
    for typed, said in (("१२", "Dollars and cents, like 250"), ("250", "$250.00 of $250.00")):
        mara.tab_to(amount)
        mara.press("Control+a")
        mara.type(typed)
        with mara.expecting(422) if typed != "250" else nullcontext():
            mara.press("Enter")
            page.get_by_text(said).first.wait_for()
        mara.look()
    mara.go(f"{project}/jobs/new")
    assert "Budget left" in page.locator("#receipt").inner_text()
    mara.go(f"{project}/budget")
    mara.button("Remove it").click()
    mara.button("Remove the budget").click()
    page.get_by_text("There is no budget now.").wait_for()
