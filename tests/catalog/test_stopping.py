"""What of a project stops, and when; who is believed about a day, and what hangs on it."""

from datetime import date

import pytest

from app.catalog import owners
from app.catalog.queries import base_models_of
from app.catalog.stopping import calendar, stop_dates
from app.core.database import unit_of_work
from app.jobs.models import Checkpoint, JobStatus
from tests import make
from tests.catalog.rows import Shop, day_of, days, lists, today
from tests.stage import one_database

MINI = make.BASE_MODEL
ALWAYS = date(2000, 1, 1)


@pytest.fixture
def shop(team):
    with unit_of_work() as session:
        yield Shop(session, team)


def found(shop, *, since=ALWAYS):
    return {one.key: one for one in stop_dates(shop.session, shop.project.id, since=since)}


def test_a_tuned_model_its_base_and_the_platforms_days_stand_in_the_order_of_their_days(shop):
    model = shop.model("ft:m")
    every = stop_dates(shop.session, shop.project.id, since=ALWAYS)
    assert [one.day for one in every] == sorted(one.day for one in every)
    tuned = found(shop)[f"tuned:{shop.openai.id}:ft:m"]
    assert (tuned.kind, tuned.model_id, tuned.day) == (
        "tuned_model",
        model.id,
        day_of("openai-gpt-4"),
    )
    base = found(shop)[f"base:{shop.openai.id}:{MINI}"]
    assert (base.kind, base.day, base.origin) == ("base_model", tuned.day, "catalogue")
    assert base.source_url.startswith("https://")
    assert {one.kind for one in every} >= {"platform", "training"}
    assert not [one for one in every if one.profile != "openai"]


def test_what_stops_before_is_left_out(shop):
    shop.model("ft:m")
    last = day_of("openai-gpt-4")
    assert {one.day for one in found(shop, since=last).values()} == {last}
    assert not found(shop, since=last + days(1))


def test_the_providers_own_date_for_the_model_counts_before_its_bases_and_the_catalogues(shop):
    own, base = today(shop.session) + days(20), today(shop.session) + days(30)
    shop.model("ft:a")
    shop.model("ft:b")
    lists(shop.session, shop.openai.id, **{"ft:a": own, "ft:b": None, MINI: base})

    stops = found(shop)
    first, second = (stops[f"tuned:{shop.openai.id}:ft:{name}"] for name in "ab")
    assert (first.day, first.origin, first.source) == (own, "provider", "OpenAI's list of models")
    assert [one.origin for one in first.others] == ["base", "catalogue"]
    assert (second.day, second.origin) == (base, "base")
    assert MINI in second.source
    assert second.read_on == today(shop.session)
    assert stops[f"base:{shop.openai.id}:{MINI}"].origin == "provider"


def test_the_owner_of_the_instance_counts_before_all_and_what_others_say_stays_in_sight(shop):
    shop.model("ft:m")
    listed, owners_day = today(shop.session) + days(20), today(shop.session) + days(200)
    lists(shop.session, shop.openai.id, **{MINI: listed})
    owners.change_day(
        shop.session,
        user=shop.owner,
        key="openai-gpt-4",
        day=owners_day,
        why="Dedicated capacity until then.",
        source_url=None,
    )
    tuned = found(shop)[f"tuned:{shop.openai.id}:ft:m"]
    assert (tuned.day, tuned.origin) == (owners_day, "owner")
    assert tuned.source == "Owner, for this instance: Dedicated capacity until then."
    assert [(one.origin, one.day) for one in tuned.others] == [("base", listed)]


def test_a_day_that_was_struck_out_holds_no_more(shop):
    shop.model("ft:m")
    owners.strike_day(shop.session, user=shop.owner, key="openai-gpt-4", why="A mistake.")
    assert f"tuned:{shop.openai.id}:ft:m" not in found(shop)
    lost = calendar(shop.session, shop.project.id).undated
    assert [(one.name, one.is_ours) for one in lost] == [("Tickets v1", False)]


def test_azure_serves_tuned_models_longer_than_their_base_and_they_are_deployments(shop):
    azure = shop.azure()
    shop.model("gpt-4o-mini.ft-1", connection=azure)
    stops = found(shop)
    tuned = stops[f"tuned:{azure.id}:gpt-4o-mini.ft-1"]
    assert (tuned.kind, tuned.day) == ("deployment", day_of("azure-gpt-4o-deployments"))
    assert stops[f"base:{azure.id}:{MINI}"].day == day_of("azure-gpt-4")
    lists(shop.session, azure.id, **{MINI: today(shop.session) + days(9)})
    assert found(shop)[tuned.key].day == tuned.day  # its base's day says nothing of it
    assert found(shop)[f"base:{azure.id}:{MINI}"].origin == "provider"


def test_what_hangs_on_a_model_is_named(shop):
    model = shop.model("ft:m")
    running = shop.job()
    shop.session.add(
        Checkpoint(
            job_id=model.job_id, step=10, name="ft:m:ckpt", metrics={}, created_at=model.created_at
        )
    )
    shop.session.flush()
    base = found(shop)[f"base:{shop.openai.id}:{MINI}"]
    hanging = {one.kind: (one.id, one.count) for one in base.depends}
    assert hanging == {"tuned_model": (model.id, 1), "job": (running.id, 1), "checkpoints": (0, 1)}
    tuned = found(shop)[f"tuned:{shop.openai.id}:ft:m"]
    assert [(one.kind, one.id, one.count) for one in tuned.depends] == [
        ("checkpoints", model.job_id, 1)
    ]


def test_a_base_is_in_use_while_a_job_trains_on_it(shop):
    job = shop.job()
    key = f"base:{shop.openai.id}:{MINI}"
    assert key in found(shop)
    job.status = JobStatus.FAILED
    shop.session.flush()
    assert key not in found(shop)
    assert "day:openai-gpt-4" in found(shop)  # of the platform it is said all the same


def test_tuned_models_that_only_the_provider_lists_stop_too_and_their_checkpoints_are_theirs(shop):
    name = f"ft:{MINI}:acme:intents:abc"
    lists(shop.session, shop.openai.id, **{name: None, f"{name}:ckpt-step-90": None})
    stops = found(shop)
    only = stops[f"tuned:{shop.openai.id}:{name}"]
    assert (only.base_model, only.model_id, only.day) == (MINI, None, day_of("openai-gpt-4"))
    assert stops[f"base:{shop.openai.id}:{MINI}"].depends == ()
    assert not [key for key in stops if "ckpt" in key]


def test_a_model_tuned_from_a_tuned_one_stops_with_the_base_of_both(shop):
    shop.model("ft:second", base=f"ft:{MINI}:acme::first")
    assert found(shop)[f"tuned:{shop.openai.id}:ft:second"].day == day_of("openai-gpt-4")


def test_what_is_listed_no_longer_keeps_its_last_known_day_and_is_not_offered(shop):
    day = today(shop.session) + days(3)
    shop.model("ft:m", base="gpt-new")
    lists(shop.session, shop.openai.id, **{"gpt-new": day, "gpt-plain": None})
    lists(shop.session, shop.openai.id, other=None)
    assert found(shop)[f"base:{shop.openai.id}:gpt-new"].day == day
    assert [one.name for one in base_models_of(shop.session, shop.openai.id)] == ["other"]


def test_models_on_the_teams_own_hardware_have_no_day(shop):
    shop.openai.profile = "luthier"
    shop.model("ft:m")
    shop.session.flush()
    seen = calendar(shop.session, shop.project.id)
    assert seen.stops == ()
    assert [one.is_ours for one in seen.undated] == [True]


@one_database
def test_many_models_take_no_more_queries_than_a_few(shop, queries):
    def count():
        shop.session.expire_all()
        with queries() as seen:
            stop_dates(shop.session, shop.project.id, since=ALWAYS)
        return seen.count

    shop.model("ft:0")
    few = count()
    for n in range(1, 12):
        shop.model(f"ft:{n}")
        shop.job()
    assert count() == few <= 8
