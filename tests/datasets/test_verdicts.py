"""What each provider would say of a version, from what its check found."""

from dataclasses import replace

import pytest

from app.core.database import unit_of_work
from app.datasets import enough
from app.datasets.found import read
from app.datasets.index import FindingGroup
from app.datasets.verdicts import say
from app.projects.models import Project
from app.providers.profiles import profiles
from tests import make
from tests.datasets.making import LIMITS, check
from tests.formats.rows import ANSWER, TOOL, USER, make_line, question
from tests.stage import one_database

BLANK = b""
PROVIDERS = ("openai", "azure", "luthier", "compatible")


def found_in(folder, lines):
    checked = check(folder, lines, limits=replace(LIMITS, line=1_000_000))
    return read(checked.path, name="rows", size=checked.blob.stat().st_size)


def verdict(name, found, method="supervised", **more):
    profile = profiles()[name]
    return say(profile, profile.rows.method(method), found, **more)


def rules(said, severity="error"):
    return [one.rule for one in said.objections if one.severity == severity]


def rows(count=12):
    return [question(f"Where is card {n}?") for n in range(count)]


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
SAYS = {
    "a blank line": (BLANK, "read.blank_line", "error error none warning"),
    "a key nobody knows": (make_line(mood=1), "row.unknown_key", "error error error warning"),
    "nothing to learn": (
        make_line(USER, {**ANSWER, "weight": 0}),
        "messages.nothing_trained",
        "warning warning error warning",
    ),
    "a tool twice": (
        make_line(tools=[TOOL, TOOL]),
        "tools.twice",
        "warning warning error warning",
    ),
    "eleven images": (
        make_line({"role": "user", "content": [IMAGE] * 11}, ANSWER),
        "image.many",
        "error none warning warning",
    ),
    "65 images": (
        make_line({"role": "user", "content": [IMAGE] * 65}, ANSWER),
        "image.too_many",
        "error error warning warning",
    ),
    "a sound": (
        make_line(
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, ANSWER
        ),
        "content.unsupported",
        "error error warning warning",
    ),
    "a wrong weight": (
        make_line({**USER, "weight": 1}, ANSWER),
        "message.weight",
        "error error error error",
    ),
}


@pytest.mark.parametrize(("line", "rule", "weights"), SAYS.values(), ids=SAYS)
def test_each_provider_weighs_a_broken_rule_by_its_own_documents(tmp_path, line, rule, weights):
    found = found_in(tmp_path, [*rows(), line])
    said = [verdict(name, found).objections for name in PROVIDERS]
    weighed = [next((o.severity for o in one if o.rule == rule), "none") for one in said]
    assert " ".join(weighed) == weights
    assert said[0][0].count in {1, None} or weights.startswith("warning")


def test_rows_that_break_nothing_are_taken_by_all(tmp_path):
    found = found_in(tmp_path, rows())
    for name in PROVIDERS:
        said = verdict(name, found)
        assert said.refusals == (), name
        assert [one.rule for one in said.warnings] == (
            ["file.byte_order_mark"] if name == "azure" else []
        )


def test_a_byte_order_mark_is_azures_wish_and_openais_worry(tmp_path):
    found = found_in(tmp_path, b"\xef\xbb\xbf" + b"".join(b"%s\n" % line for line in rows()))
    warned = {name: rules(verdict(name, found), "warning") for name in PROVIDERS}
    assert warned == {
        "openai": ["file.byte_order_mark"],
        "azure": [],
        "luthier": [],
        "compatible": [],
    }


def test_ten_rows_are_the_least_and_a_split_takes_from_them(tmp_path):
    found = found_in(tmp_path, rows(10))
    assert verdict("openai", found).refusals == ()
    (refusal,) = verdict("openai", found, split=0.1).refusals
    assert (refusal.rule, refusal.count) == ("rows.too_few", None)
    assert "9 rows" in refusal.reason
    assert verdict("compatible", found, split=0.5).refusals == ()


def test_a_file_may_have_so_many_bytes_and_rows_with_images(tmp_path):
    found = replace(found_in(tmp_path, rows()), size=512 * 2**20, image_rows=50_000)
    assert rules(verdict("openai", found)) == []
    assert rules(verdict("azure", found)) == ["file.size"]
    more = replace(found, size=512 * 2**20 + 1, image_rows=50_001)
    assert rules(verdict("openai", more)) == ["file.size", "image.rows"]


def test_what_only_the_service_can_tell_is_a_note_and_stops_nothing(tmp_path):
    plain = found_in(tmp_path, rows())
    shown = replace(plain, image_rows=3)
    assert rules(verdict("openai", plain), "hint") == []
    (note,) = [one for one in verdict("openai", shown).objections if one.severity == "hint"]
    assert (note.rule, note.count) == ("image.skipped", 3)
    assert "faces" in note.reason
    azure = verdict("azure", shown)
    assert rules(azure, "hint") == ["quota.resource"]
    assert azure.refusals == ()


def test_more_tokens_than_a_job_may_go_through_are_warned_of(tmp_path):
    found = found_in(tmp_path, rows())
    more = replace(found, tokens=2_000_000_001)
    assert "quota.tokens" in rules(verdict("azure", more), "warning")
    assert "quota.tokens" not in rules(verdict("azure", found), "warning")
    assert "quota.tokens" not in rules(verdict("openai", more), "warning")


def test_what_a_cap_cuts_off_is_counted_by_the_model_it_is_for(tmp_path):
    long = make_line({"role": "user", "content": "word " * 20_000}, ANSWER)
    longer = make_line(USER, {"role": "assistant", "content": "word " * 70_000})
    found = found_in(tmp_path, [*rows(), long, longer])

    assert found.cut(100_000).rows == 0
    (warning,) = verdict("openai", found).warnings
    assert (warning.rule, warning.count) == ("tokens.over_limit", 1)
    assert "1 row has more than 65,536 tokens" in warning.reason
    assert "whole answers" not in warning.reason
    (warning,) = verdict("openai", found, base_model="gpt-3.5-turbo-0125").warnings
    assert warning.count == 2
    assert "with 1 whole answer among them" in warning.reason


def test_rows_of_another_format_are_named_with_the_method_that_takes_them(tmp_path):
    (refusal,) = verdict("openai", found_in(tmp_path, rows()), "dpo").refusals
    assert refusal.rule == "format.other"
    assert "chat rows" in refusal.reason
    assert "supervised" in refusal.cure


def test_reinforcement_needs_validation_rows_where_the_provider_says_so(tmp_path):
    found = replace(found_in(tmp_path, rows()), format="reinforcement")

    def refused(name, **more):
        return rules(verdict(name, found, "reinforcement", is_order=True, **more))

    assert refused("openai") == ["validation.missing"]
    assert refused("openai", split=0.1) == refused("openai", validation=found) == []
    assert refused("luthier") == []
    looked_at = verdict("openai", found, "reinforcement")
    assert (rules(looked_at), rules(looked_at, "warning")) == ([], ["validation.missing"])


def test_validation_rows_are_judged_too_though_they_may_be_few(tmp_path):
    folder = tmp_path / "validation"
    folder.mkdir()
    few = found_in(folder, [*rows(3), make_line(mood=1)])
    (refusal,) = verdict("openai", found_in(tmp_path, rows()), validation=few).refusals
    assert (refusal.part, refusal.rule, refusal.rows) == ("validation", "row.unknown_key", (4,))


def test_several_messages_in_an_output_are_refused_by_openai_and_taken_by_azure(tmp_path):
    broken = FindingGroup("preference.outputs", "error", 3, (1, 2, 3), "Two messages.", "Keep one.")
    found = replace(found_in(tmp_path, rows()), format="preference", groups=(broken,))
    assert rules(verdict("openai", found, "dpo")) == ["preference.outputs"]
    assert rules(verdict("azure", found, "dpo")) == []


@one_database
def test_the_report_shows_the_project_s_providers_side_by_side_and_one_that_is_chosen(
    team, browser
):
    with unit_of_work() as session:
        lines = [*rows(), make_line({"role": "user", "content": [IMAGE] * 11}, ANSWER)]
        content = b"".join(b"%s\n" % line for line in lines)
        version = make.make_checked_version(
            session, session.get_one(Project, team.project_id), content, name="Pictures"
        )
    path = f"/dataset-versions/{version.id}/verdicts"
    viewer = browser(team.users["viewer"])

    assert f'hx-get="{path}"' in viewer.get(f"/dataset-versions/{version.id}").text
    alone = viewer.get(path).text
    assert "OpenAI would refuse a job with it." in alone
    assert alone.count("Refuses") == 2  # the rule, and in all
    assert "10 rows are the least" in alone
    beside = viewer.get(f"{path}?profile=azure").text
    assert "Azure OpenAI would take it. OpenAI would refuse a job with it." in beside
    assert beside.count("Refuses") == 2
    assert viewer.get(f"{path}?profile=nobody").status_code == 200


@one_database
def test_a_script_asks_for_every_provider_or_for_one(team, script):
    with unit_of_work() as session:
        content = b"".join(b"%s\n" % line for line in [*rows(), make_line(mood=1)])
        version = make.make_checked_version(
            session, session.get_one(Project, team.project_id), content, name="Moods"
        )
    asked = script(team.users["viewer"])
    path = f"/dataset-versions/{version.id}/verdicts"

    said = {one["profile"]: one for one in asked.get(path).json()["data"]}
    assert said.keys() == profiles().keys()
    assert {name: one["accepted"] for name, one in said.items()} == {
        "openai": False,
        "azure": False,
        "luthier": False,
        "compatible": True,
    }
    (refusal, *_) = said["openai"]["objections"]
    assert (refusal["rule"], refusal["count"], refusal["rows"]) == ("row.unknown_key", 1, [13])
    (dpo,) = asked.get(f"{path}?profile=openai&method=dpo").json()["data"]
    assert dpo["objections"][0]["rule"] == "format.other"
    assert asked.get(f"{path}?profile=nobody").status_code == 422


def test_advice_on_how_much_is_enough_has_a_source_and_a_warning_where_all_begin_with_more():
    for method in ("supervised", "dpo", "reinforcement"):
        for one in enough.advice_on(method):
            assert one.least < one.most
            assert one.url.startswith("https://")
            assert one.source
    assert enough.warning_for("supervised", 49) is not None
    assert enough.warning_for("supervised", 50) is None
    assert "500" in enough.warning_for("dpo", 499)
    assert enough.warning_for("no such method", 1) is None
