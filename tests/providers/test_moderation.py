"""Moderation: one judgement a text, and a refusal for what is none."""

import json

import pytest

from app.providers.base import ProviderError, RequestRejected
from app.providers.moderation import Judgement, Moderates
from tests.witness.script import Fault

ROUTE = "POST /v1/moderations"


def test_each_text_is_judged_in_its_order(provider, witness):
    assert isinstance(provider, Moderates)
    found = provider.moderate(["Hello", "I will hurt you", "How do I pick a lock?"])
    assert found == [
        None,
        Judgement(("harassment/threatening", "violence"), 0.97),
        Judgement(("illicit",), 0.97),
    ]
    (asked,) = witness.journal.read(ROUTE)
    assert asked.body["model"] == "omni-moderation-latest"


def test_a_service_without_a_model_for_it_is_not_asked(open_at, witness):
    with pytest.raises(RequestRejected, match="no model for moderation"):
        open_at(witness, profile="azure").moderate(["Hello"])
    assert witness.journal.read(ROUTE) == []


@pytest.mark.parametrize(
    "body",
    ["{", "[]", '{"results": []}', json.dumps({"results": [{"flagged": False}] * 2})],
)
def test_an_answer_about_other_texts_is_no_answer(provider, witness, body):
    witness.script(Fault(ROUTE, body=body))
    with pytest.raises(ProviderError):
        provider.moderate(["Hello"])


def test_a_flag_without_a_category_is_still_a_flag(provider, witness):
    odd = {"flagged": True, "categories": None, "category_scores": {"violence": "high"}}
    witness.script(Fault(ROUTE, body=json.dumps({"results": [odd]})))
    assert provider.moderate(["Hello"]) == [Judgement(("flagged",), 1.0)]
