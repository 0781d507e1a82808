"""The security checklist, items 1 to 50, and the inputs that broke programs like this one: each is
held by a test, or says why not yet.

A test that holds an item is called `test_NN_…`, one that tries an input `test_p1_…`, wherever it
stands; ELSEWHERE names those that are called for something else.
"""

import ast
import re

import pytest

from app.settings import ROOT

ITEMS = range(1, 51)
NUMBERED = re.compile(r"test_(\d\d)_")
# By family, as many as the list of peers' CVEs has: paths, accounts, secrets, requests of ours,
# cross-site posts, others' words, queries, keys, hosts, deployment, files on disk; orders, JSON.
FAMILIES = {
    "P": 6, "A": 7, "S": 3, "R": 5, "C": 2, "X": 5, "Q": 2, "KB": 2, "H": 1, "D": 1, "FS": 1,
}  # fmt: skip
INPUTS = {f"{name}{n}" for name, last in FAMILIES.items() for n in range(1, last + 1)}
INPUTS |= {"O1", "O3", "J21"}
LETTERED = re.compile(r"test_(p|a|s|r|c|x|q|kb|h|d|fs|o|j)(\d+)_")

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


INPUTS_ELSEWHERE = {
    "A3": "walls/test_matrix.py::"
    "test_21_everybody_gets_the_answer_of_the_table_about_what_is_theirs",
    "R1": "walls/test_corpus.py::test_r_an_address_that_leads_inside_is_refused_by_form_and_api",
    "R5": "core/test_http.py::test_an_unsafe_address_is_refused_with_the_words_that_help",
}
INPUTS_NOT_YET = {
    "A2": "files arrive in one piece: the issue that brings chunked uploads to the web app",
    "A5": "nothing is set up by calling in: the issue that brings webhooks",
}


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every test function as `folder/test_file.py::name`."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        where = path.relative_to(ROOT / "tests").as_posix()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                found.add(f"{where}::{node.name}")
    return found


def numbers(names, pattern):
    """What is named by a pattern at the beginning of tests' names."""
    found = (pattern.match(name.partition("::")[2]) for name in names)
    return {"".join(one.groups()).upper() for one in found if one}


def test_every_item_is_held_by_a_test_or_says_why_not(names):
    assert set(ELSEWHERE.values()) <= names, "Name the test that holds the item now."
    covered = {int(number) for number in numbers(names, NUMBERED)} | ELSEWHERE.keys()
    assert set(ITEMS) - covered == NOT_YET.keys()
    assert covered <= set(ITEMS)


def test_every_input_that_broke_a_peer_is_tried_or_says_why_not(names):
    assert set(INPUTS_ELSEWHERE.values()) <= names, "Name the test that tries the input now."
    tried = numbers(names, LETTERED) | INPUTS_ELSEWHERE.keys()
    assert INPUTS - tried == INPUTS_NOT_YET.keys()
    assert tried <= INPUTS, "The list in front of this file names the inputs."
