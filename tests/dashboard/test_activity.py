"""The activity page: who did what, when, to what; the latest first, page by page."""

import re

from app.auth import service as auth
from app.core.database import unit_of_work
from app.dashboard.routes import ACTIVITY_PAGE

OLDER = re.compile(r'href="([^"]+)" rel="next"')


def lines(page):
    """The text of each row."""
    items = re.findall(r"<li>(.*?)</li>", page.split('id="rows"')[1], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_every_member_reads_what_happened_with_what_more_is_known(team, browser):
    owner = browser(team.users["owner"])
    editor = team.users["editor"]
    owner.post(f"/projects/{team.project_id}/members/{editor}/role", {"role": "viewer"})
    page = browser(team.users["viewer"]).get(f"/projects/{team.project_id}/activity")
    assert page.status_code == 200
    told = lines(page.text)
    assert told[0].startswith("OW Owner changed the role of Editor from editor to viewer")
    assert told[-1].startswith("OW Owner made Support routing")
    assert any("added Viewer as viewer" in line for line in told)


def test_a_long_history_is_read_page_by_page(team, browser):
    with unit_of_work() as session:
        for number in range(2 * ACTIVITY_PAGE):
            auth.record(
                session,
                "job.succeeded",
                "job:1",
                actor_id=None,
                project_id=team.project_id,
                name=f"job-{number}",
            )
    viewer, path, seen = browser(team.users["viewer"]), f"/projects/{team.project_id}/activity", []
    while path:
        page = viewer.get(path).text
        assert len(lines(page)) <= ACTIVITY_PAGE
        assert ('hx-get="' in page.split('id="rows"')[1].split("</section>")[0]) is (not seen)
        assert ('rel="prev"' in page) is bool(seen)
        seen += lines(page)
        more = OLDER.search(page)
        path = more and more[1]
    made = [line.split()[5] for line in seen if "job-" in line]
    assert made == [f"job-{number}" for number in reversed(range(2 * ACTIVITY_PAGE))]
    assert "Support routing" in seen[-1]


def test_the_page_asks_for_its_rows_alone(team, browser):
    path = f"/projects/{team.project_id}/activity"
    rows = browser(team.users["viewer"]).get(path, **{"HX-Request": "true"}).text
    assert rows.lstrip().startswith("<section")
    assert "<html" not in rows
