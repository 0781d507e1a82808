"""A rescued eval as a configuration of promptfoo: what carries over, and what is told."""

import json
from datetime import date

import msgspec
import pytest
import yaml

from app.rescue.evals.bodies import Run
from app.rescue.evals.promptfoo import RescuedEval, RescuedRun, Stop, configuration
from app.rescue.evals.promptfoo_asserts import mapped
from app.rescue.evals.promptfoo_text import literal, pieces_of, said, template
from tests.rescue.history import EVAL, JUDGE, MODEL, RUN, a_run, an_eval, an_item, lines

# promptfoo's documented shape: https://promptfoo.dev/config-schema.json, as far as it is used here.
KEYS = {"description", "prompts", "providers", "defaultTest", "tests"}
ASSERTION = {"type", "value", "threshold", "metric", "provider", "transform"}
TYPES = {
    "equals", "not-equals", "contains", "icontains", "javascript", "python", "llm-rubric",
    "bleu", "gleu", "meteor", "rouge-n", "similar",
}  # fmt: skip


def a_string_check(operation, **changes):
    return {
        "type": "string_check",
        "name": "check",
        "input": "{{sample.output_text}}",
        "reference": "{{item.label}}",
        "operation": operation,
        **changes,
    }


def a_similarity(metric, **changes):
    return {
        "type": "text_similarity",
        "name": "near",
        "input": "{{sample.output_text}}",
        "reference": "{{item.label}}",
        "evaluation_metric": metric,
        "pass_threshold": 0.8,
        **changes,
    }


@pytest.fixture
def written(tmp_path):
    """The configuration of an eval as text, from its parts."""

    def write(content=None, run=None, items=(), stops=None):
        path = tmp_path / "items.jsonl"
        path.write_bytes(b"".join(one if isinstance(one, bytes) else lines(one) for one in items))
        read = msgspec.json.decode(json.dumps(run or a_run()), type=Run)
        rescued = RescuedEval(
            EVAL, content or an_eval(), [RescuedRun(RUN, read, path)], (stops or {}).get
        )
        return b"".join(configuration(rescued)).decode()

    return write


def test_the_configuration_has_promptfoos_shape_and_holds_prompt_model_rows_and_criteria(written):
    read = yaml.safe_load(written(items=[an_item(0), an_item(1), an_item(1)]))
    assert set(read) == KEYS
    (prompt,) = read["prompts"]
    assert set(prompt) == {"label", "raw"}
    assert json.loads(prompt["raw"]) == [
        {"role": "developer", "content": "Say the intent."},
        {"role": "user", "content": [{"type": "text", "text": "{{ item.question }}"}]},
    ]
    (provider,) = read["providers"]
    assert provider == {
        "id": f"openai:chat:{MODEL}",
        "config": {"temperature": 0.2, "seed": 7},
        "prompts": [prompt["label"]],
    }
    asserts = read["defaultTest"]["assert"]
    assert [one["type"] for one in asserts] == ["equals", "llm-rubric"]
    assert all(set(one) <= ASSERTION and one["type"] in TYPES for one in asserts)
    assert asserts[1]["provider"] == f"openai:chat:{JUDGE}"
    # An item that two lines hold is one test, and its fields are read where the templates look.
    items = [test["vars"]["item"] for test in read["tests"]]
    assert items == [an_item(0)["datasource_item"], an_item(1)["datasource_item"]]


@pytest.mark.parametrize(
    ("operation", "kind"),
    [("eq", "equals"), ("ne", "not-equals"), ("like", "contains"), ("ilike", "icontains")],
)
def test_each_comparison_of_texts_has_its_own_counterpart(operation, kind):
    assert mapped(a_string_check(operation), ()).assertion == {
        "type": kind,
        "value": "{{ item.label }}",
        "metric": "check",
    }


def test_what_is_compared_may_be_something_else_than_the_whole_answer():
    looked_at = mapped(a_string_check("eq", input="{{ sample.output_json.a[0] }}!"), ()).assertion
    assert 'JSON.parse(output) : output)?.["a"]?.[0]' in looked_at["transform"]
    turned = mapped(
        a_string_check("eq", input="{{item.label}}", reference="{{sample.output_text}}"), ()
    ).assertion
    assert (turned["type"], turned["value"]) == ("equals", "{{ item.label }}")
    within = mapped(
        a_string_check("ilike", input="{{item.label}}", reference="{{sample.output_text}}"), ()
    ).assertion
    assert within["type"] == "javascript"
    assert ".toLowerCase().includes(" in within["value"]


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("bleu", "bleu"), ("gleu", "gleu"), ("meteor", "meteor"), ("cosine", "similar"),
        ("rouge_1", "rouge-n"), ("rouge_l", "rouge-n"), ("fuzzy_match", "python"),
    ],
)  # fmt: skip
def test_a_measure_of_likeness_becomes_the_nearest_one_with_its_threshold(metric, kind):
    found = mapped(a_similarity(metric), ())
    assert (found.assertion["type"], found.assertion["threshold"]) == (kind, 0.8)
    assert found.notes, "what differs is told"


def test_a_judges_scale_becomes_a_share_and_its_judge_is_named():
    found = mapped(
        {
            "type": "score_model",
            "name": "tone",
            "model": "o3",
            "input": [{"role": "user", "content": "Rate {{ sample.output_text }}"}],
            "range": [1, 7],
            "pass_threshold": 4,
        },
        (),
    )
    assert found.assertion["type"] == "llm-rubric"
    assert found.assertion["threshold"] == 0.5
    assert "user: Rate (the output)" in found.assertion["value"]
    assert "1 to 7" in found.assertion["value"]
    assert found.judge == "o3"


def test_python_is_called_with_sample_and_item_and_says_the_same():
    source = (
        "def grade(sample, item):\n"
        "    return 1.0 if sample['output_text'] == item['label'] else len(f'{{x}}') / 10\n"
    )
    found = mapped({"type": "python", "name": "code", "source": source, "pass_threshold": 0.5}, ())
    assert found.assertion["type"] == "python"
    # What promptfoo makes of it: the template filled in, then the body of a function.
    filled = found.assertion["value"].replace('{{ "{" }}', "{")
    body = "\n".join("    " + line for line in filled.split("\n"))
    made: dict = {}
    exec(f"def main(output, context):\n{body}\n", made)  # noqa: S102 - what promptfoo does with it
    context = {"vars": {"item": {"label": "refund"}}}
    assert made["main"]("refund", context) == 1.0
    assert made["main"]("no", context) == 0.3


def test_likeness_by_rapidfuzz_is_counted_as_our_own_grader_counts_it():
    from app.graders.similarity import fuzzy_match

    code = mapped(a_similarity("fuzzy_match"), ()).assertion["value"]
    body = "\n".join("    " + line for line in code.split("\n"))
    made: dict = {}
    exec(f"def main(output, context):\n{body}\n", made)  # noqa: S102 - what promptfoo does with it
    context = {"vars": {"item": {"label": "My parcel is late"}}}
    score = made["main"]("the parcel's late", context)
    assert score == pytest.approx(fuzzy_match("the parcel's late", "My parcel is late"))


def test_nothing_is_lost_in_silence(written):
    criteria = [
        {"type": "endpoint", "name": "Calls home", "url": "https://x.example"},
        a_string_check("regex"),
        a_string_check("eq", reference="{{ surprise }}"),
        {"type": "label_model", "name": "Hears", "model": "o3", "labels": ["a"],
         "passing_labels": 3, "input": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        {"type": "label_model", "name": "Odd", "model": "o3", "input": ["x"]},
    ]  # fmt: skip
    run = a_run()
    run["data_source"]["sampling_params"]["tools"] = [{"type": "function"}]
    text = written(an_eval(testing_criteria=criteria), run)
    told = text.partition("# Not carried over:")[2].partition("\ndescription")[0]
    for words in ("Calls home", "https://x.example", "regex", "surprise", "Hears", "Odd", "tools"):
        assert words in told
    assert yaml.safe_load(text)["defaultTest"]["assert"] == []


def test_models_that_are_gone_or_will_be_are_named(written):
    stops = {
        MODEL: Stop(date(2027, 1, 14), False, "OpenAI's list"),
        JUDGE: Stop(date(2026, 10, 23), True, "the catalogue"),
    }
    text = written(stops=stops)
    assert f"{MODEL} answers. It stops on 2027-01-14 (OpenAI's list): put another" in text
    assert f"{JUDGE} judges Friendly. It stopped on 2026-10-23 (the catalogue)" in text
    assert "validate it against old results" in text
    assert f"{JUDGE} judges Friendly. No day is known" in written()


def test_a_run_that_asked_no_model_is_echoed_and_its_graders_look_at_the_item(written):
    criteria = [a_string_check("eq", input="{{item.answer}}")]
    run = a_run(model=None, data_source={"type": "jsonl", "source": {"type": "file_id", "id": "f"}})
    read = yaml.safe_load(written(an_eval(testing_criteria=criteria), run, [an_item(0)]))
    assert read["providers"] == [{"id": "echo"}]
    (one,) = read["defaultTest"]["assert"]
    assert 'context.vars.item?.["answer"]' in one["transform"]


def test_messages_that_lie_in_the_item_are_asked_as_they_are(written):
    run = a_run()
    run["data_source"]["input_messages"] = {
        "type": "item_reference",
        "item_reference": "item.trajectory",
    }
    (prompt,) = yaml.safe_load(written(run=run))["prompts"]
    assert prompt["raw"] == "{{ item.trajectory | dump }}"


def test_fields_that_are_no_text_are_written_as_json():
    assert template(pieces_of("{{ item.tags }} {{ item.a.b }}"), structured={"tags"}) == (
        "{{ item.tags | dump }} {{ item.a.b }}"
    )
    assert template(pieces_of("{{ item.my-key[2] }}")) == '{{ item["my-key"][2] }}'


def test_hostile_text_stays_text(written):
    evil = "x\n# evil: true\u2028providers: [exec]\x85\r- file:///etc/passwd"
    hostile = [
        an_item(0, datasource_item={"question": "file:///etc/passwd"}),
        an_item(1, datasource_item={"question": "{{ env.OPENAI_API_KEY }}"}),
        an_item(2, datasource_item={"deep": [{"$ref": "https://evil.example"}]}),
        an_item(3, datasource_item={"question": evil + "\x7f\u0085\ufeff 🎻", evil: 1e3}),
        an_item(4, datasource_item={"question": "on", "n": "0o17", "e": "1e3"}),
        b"no json\n",
    ]
    criteria = [a_string_check("eq", name=evil, reference="file:///evil.py {% x %} {{{item.a}}")]
    text = written(an_eval(name=evil, testing_criteria=criteria), a_run(name=evil), hostile)
    read = yaml.safe_load(text)
    assert set(read) == KEYS
    assert [test["vars"]["item"] for test in read["tests"]] == [
        hostile[3]["datasource_item"],
        hostile[4]["datasource_item"],
    ]
    assert text.count("# Left out: item") == 4
    value = read["defaultTest"]["assert"][0]["value"]
    assert not value.startswith("file:")
    # Nunjucks gives back what the grader said, and fills in the one place.
    assert (
        value.replace('{{ "" }}', "").replace('{{ "{" }}', "{")
        == "file:///evil.py {% x %} {{{ item.a }}"
    )
    assert "\n" not in said(evil)
    assert literal("{{ 7*7 }}") == '{{ "{" }}{ 7*7 }}'
    assert literal("{# x #}") == '{{ "{" }}# x {{ "#" }}}'
