"""The security checklist, items 1 to 50: every item is held by a test, or says why not yet.

A test that holds an item is called `test_NN_…`, wherever it stands; ELSEWHERE names those that are
called for something else.
"""

import ast
import re
from collections import defaultdict

from app.settings import ROOT

ITEMS = range(1, 51)
NUMBERED = re.compile(r"test_(\d\d)_")

ELSEWHERE = {
    16: "core/test_http.py::test_an_unsafe_address_is_refused_with_the_words_that_help",
    17: "core/test_http.py::test_the_address_that_was_checked_is_the_one_called",
    18: "core/test_http.py::test_an_answer_over_the_limit_is_broken_off",
    19: "connections/test_changing.py::"
    "test_another_origin_needs_the_key_again_and_says_so_at_the_key",
    26: "core/test_storage.py::test_only_a_hash_can_be_asked_for",
    28: "core/test_receiving.py::test_a_body_that_ends_anywhere_before_its_end_is_refused",
    30: "formats/test_reading.py::"
    "test_a_line_that_cannot_be_read_safely_is_refused_by_its_own_rule",
    31: "auth/test_guards.py::test_a_character_that_cannot_be_stored_is_told_by_field",
    35: "core/test_secrets.py::test_a_seal_opens_for_what_it_was_made_for",
    36: "connections/test_connections.py::test_a_short_key_shows_nothing_of_itself",
    38: "providers/test_failures.py::test_the_environment_of_the_process_changes_nothing",
    47: "test_audit.py::test_a_vulnerability_fails",
}
NOT_YET = {
    39: "nothing calls in: the issue that brings webhooks brings their signatures",
    46: "there are no budgets: the issue that brings them brings their lock",
}


def test_every_item_is_held_by_a_test_or_says_why_not():
    names, held = set(), defaultdict(list)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            name = getattr(node, "name", "")
            names.add(f"{path.relative_to(ROOT / 'tests').as_posix()}::{name}")
            if number := NUMBERED.match(name):
                held[int(number[1])].append(name)
    assert set(ELSEWHERE.values()) <= names, "Name the test that holds the item now."
    covered = held.keys() | ELSEWHERE.keys()
    assert set(ITEMS) - covered == NOT_YET.keys()
    assert covered <= set(ITEMS)
