"""What a job will probably cost: likely, at the least and at the most."""

from datetime import date

import pytest

from app.catalog import service as catalog
from app.catalog.prices import TrainingPrice
from app.core.database import unit_of_work
from app.datasets.billable import Billable
from app.jobs.estimates import epoch_range, estimate, likely_epochs
from app.jobs.models import Job
from tests.catalog.rows import listing
from tests.make import BASE_MODEL
from tests.stage import one_database

PRICE = TrainingPrice(5.0, "a page", "https://example.org", date(2026, 11, 22))


def guess(**changes):
    usual = {
        "rows": 1_000,
        "billable": Billable(100_000, 0, "o200k_base"),
        "tool_tokens": 0,
        "row_cap": None,
        "is_foreign": False,
        "n_epochs": 3,
        "split": None,
        "price": PRICE,
    }
    return estimate(**{**usual, **changes})


@pytest.mark.parametrize(
    ("rows", "fewest", "likely", "most"),
    [
        (1, 25, 25, 25),
        (10, 10, 10, 25),
        (34, 2, 3, 25),
        (1_000, 1, 3, 25),
        (5_000, 1, 3, 5),
        (10_003, 1, 2, 2),
        (30_000, 1, 1, 1),
    ],
)
def test_auto_lies_between_what_the_cookbooks_rule_allows(rows, fewest, likely, most):
    assert likely_epochs(rows) == likely
    assert epoch_range(rows) == (fewest, most)


def test_auto_epochs_make_a_range_and_a_number_of_epochs_makes_none():
    open_ = guess(n_epochs="auto")
    assert (open_.least, open_.total, open_.most) == (0.5, 1.5, 12.5)
    fixed = guess(n_epochs=3)
    assert fixed.least == fixed.total == fixed.most == 1.5


def test_tool_definitions_are_in_the_most_it_may_cost_alone():
    found = guess(tool_tokens=20_000)
    assert (found.least, found.total, found.most) == (1.5, 1.5, 1.8)


def test_rows_that_are_split_off_are_not_paid_for():
    found = guess(split=0.1, billable=Billable(100_000, 10, "o200k_base"), row_cap=500)
    assert (found.rows, found.tokens, found.cut_rows, found.total) == (900, 90_000, 9, 1.35)


def test_without_a_price_nothing_is_said_of_dollars():
    found = guess(price=None, n_epochs="auto")
    assert (found.least, found.total, found.most, found.billed_tokens) == (
        None,
        None,
        None,
        300_000,
    )


@pytest.fixture
def offered(team):
    """What the team's connection was last seen to tune."""
    with unit_of_work() as session:
        names = (BASE_MODEL, "gpt-4.1-2025-04-14", "gpt-3.5-turbo-0125", "gpt-4o-2024-11-20")
        catalog.record_base_models(session, team.connection_id, [listing(name) for name in names])
    return names


@one_database
def test_a_versions_report_says_what_training_on_it_costs_with_each_model(
    team, offered, browser, script
):
    path = f"/dataset-versions/{team.version_id}/estimates"
    shown = browser(team.users["viewer"]).get(path).text
    assert shown.index(BASE_MODEL) < shown.index("gpt-3.5-turbo-0125") < shown.index("unknown")
    assert "cl100k_base, estimate" in shown
    assert "not in the price book" in shown
    assert "/jobs/new?" not in shown
    link = f"training_version_id={team.version_id}&amp;connection_id={team.connection_id}"
    assert link in browser(team.users["editor"]).get(path).text

    listed = script(team.users["viewer"]).get(path).json()["data"]
    assert {one["base_model"] for one in listed} == set(offered)
    cheapest, *_, last = (one["estimate"] for one in listed)
    assert cheapest["least"] <= cheapest["total"] <= cheapest["most"]
    assert cheapest["total"] == cheapest["billed_tokens"] * 3 / 1e6
    assert cheapest["source"] == "OpenAI's pricing page"
    assert last["total"] is None


@one_database
def test_the_receipt_shows_the_range_that_a_script_is_told(team, offered, browser, script):
    order = {
        "connection_id": team.connection_id,
        "base_model": "gpt-4.1-2025-04-14",
        "training_version_id": team.version_id,
    }
    sends = script(team.users["editor"])
    told = sends.post(f"/projects/{team.project_id}/jobs/estimate", json=order)
    assert told.status_code == 200
    found = told.json()["estimate"]
    assert (found["fewest_epochs"], found["epochs"], found["most_epochs"]) == (8, 8, 25)
    asked = {**order, "method": "supervised", "validation": "none", "n_epochs_mode": "auto"}
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    receipt = (
        browser(team.users["editor"]).get(f"/projects/{team.project_id}/jobs/receipt?{query}").text
    )
    assert "auto, a guess: 8 to 25" in receipt
    assert f"${found['least']:.2f} to ${found['most']:.2f}" in receipt
    for warned in (receipt, str(told.json()["warnings"])):
        assert "12 rows to train on; OpenAI advises" in warned
    with unit_of_work() as session:
        assert session.query(Job).count() == 0
    refused = sends.post(
        f"/projects/{team.project_id}/jobs/estimate", json={**order, "base_model": "gpt-2"}
    )
    assert refused.status_code == 422
