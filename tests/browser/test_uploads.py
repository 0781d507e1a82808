"""A chosen file arrives over a line that breaks, and goes on after its page was left."""

import hashlib
import re

import pytest

from tests import make, proxy
from tests.browser.visitor import NARROW, visiting
from tests.waiting import eventually
from tests.walls.live import live_server

pytestmark = [pytest.mark.browser, pytest.mark.processes]

THIRD = 3_000_000
NAME = f"{'rows_' * 20}final.jsonl"
# What a browser writes to its console while a line is down.
OF_THE_LINE = re.compile(r"net::ERR_|htmx:(afterRequest|sendError)")


@pytest.fixture
def live(tmp_path, broker_url):
    with live_server(tmp_path, "sqlite", url=None, REDIS_URL=broker_url) as opened:
        yield opened


@pytest.fixture
def rows(tmp_path):
    """A file of nine megabytes, and one of the same size that is another."""
    for name, word in ((NAME, "Where is parcel"), ("other.jsonl", "Where is pigeon")):
        (tmp_path / name).write_bytes(make.chat_file(42_000, words=word))
    return tmp_path / NAME


def note(request, starts):
    """Keep where each part of a file begins."""
    if request.method == "PATCH":
        starts.append(int(request.headers["upload-offset"]))


@pytest.mark.full  # tests/datasets/test_uploads.py proves each step
def test_an_upload_waits_for_the_line_and_goes_on_after_the_page_was_left(live, rows, chromium):
    with proxy.before(port=live.port) as line, visiting(chromium, line.address) as mara:
        page, starts = mara.page, []
        mara.context.add_cookies(
            [{"name": live.cookie, "value": live.people["editor"].cookie, "url": line.address}]
        )
        page.on("dialog", lambda dialog: dialog.accept())
        page.on("request", lambda one: note(one, starts))
        datasets = live.fill("/projects/{project_id}/datasets")
        mara.go(datasets)

        line.break_after(THIRD)
        page.locator("input[type=file]").set_input_files(rows)
        page.get_by_text("The connection is lost").wait_for()
        mara.look()
        line.break_after(THIRD, is_silent=True)
        line.mend()
        page.get_by_text("The upload goes on.").wait_for()
        eventually(lambda: line.breaks == 2)
        page.goto("about:blank")
        mara._visited.discard("blank")

        line.cut()
        line.mend()
        page.set_viewport_size(NARROW)
        mara.go(datasets)
        page.get_by_text("Broke off at").wait_for()
        with page.expect_file_chooser() as asked:
            mara.button(re.compile(rf"Continue \(\d+ %\) {NAME}")).click()
        asked.value.set_files(rows.with_name("other.jsonl"))
        page.get_by_text("is not the file that broke off").wait_for()
        mara.look()
        with page.expect_file_chooser() as asked:
            mara.button(re.compile(rf"Continue \(\d+ %\) {NAME}")).click()
        asked.value.set_files(rows)
        page.wait_for_url("**/dataset-versions/*")
        mara.look()

        mara.complaints[:] = [one for one in mara.complaints if not OF_THE_LINE.search(one)]
        assert starts.count(0) == 1
        assert len(starts) >= 3
        made = live.get(f"/api/v1{page.url.removeprefix(line.address)}").json
        assert made["sha256"] == hashlib.sha256(rows.read_bytes()).hexdigest()
