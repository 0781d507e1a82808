"""The page on graders shows every type with every setting, in JSON that is read."""

import json
import re

import pytest

from app.graders.multi import Multi
from app.graders.reading import read_grader
from app.graders.registry import SINGLE
from app.graders.settings import settings_of
from app.settings import ROOT

PAGE = (ROOT / "docs" / "graders.md").read_text()
PARTS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
EVERY = {**SINGLE, "multi": Multi}


def test_the_page_has_every_type_and_no_other():
    assert PARTS.keys() == EVERY.keys()


@pytest.mark.parametrize("kind", EVERY)
def test_the_page_shows_a_grader_that_is_read_and_every_setting(kind):
    (example,) = re.findall(r"^```json\n(.*?)^```", PARTS[kind], re.DOTALL | re.MULTILINE)
    body = json.loads(example)

    assert read_grader(body).written() == body
    assert body["type"] == kind
    for setting in settings_of(EVERY[kind]):
        assert re.search(rf"\b{setting.name}\b", PARTS[kind]), setting.name
        for choice in setting.choices:
            if choice.value not in ("rouge_2", "rouge_3", "rouge_4"):  # "`rouge_1` to `rouge_5`"
                assert f"`{choice.value}`" in PAGE
