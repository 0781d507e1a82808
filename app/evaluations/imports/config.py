"""promptfoo's configuration: its tests are cases, its asserts graders, its first prompt asks.

Its keys: https://promptfoo.dev/docs/configuration/reference.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from app.evaluations.imports.asserts import Checks, Test, checks_of
from app.evaluations.imports.base import (
    MOST_CASES,
    CaseToBe,
    Imported,
    NotImportable,
    Telling,
    mapping,
)
from app.evaluations.imports.native import FILES
from app.evaluations.imports.nunjucks import ITEM, Names, Untranslatable, filled, has_places
from app.evaluations.imports.prompts import Prompt, asked, prompts_of
from app.formats.base import JsonObject

WHAT = "a promptfoo configuration"
# What says nothing of cases, graders or prompts.
READ = frozenset({"description", "prompts", "providers", "targets", "tests", "defaultTest"})
PASSED_OVER = frozenset(
    {"$schema", "outputPath", "sharing", "env", "tags", "metadata", "commandLineOptions"}
    | {"evaluateOptions", "writeLatestResults"}
)
TEST_KEYS = frozenset({"description", "vars", "assert", "options", "metadata"})
UNREAD = {
    "threshold": "A test that passes with a part of its asserts: here all have to hold.",
    "assertScoringFunction": "A scoring function of its own.",
    "providers": "A test for some models only: here every contestant answers all cases.",
    "provider": "A test for one model only: here every contestant answers all cases.",
    "prompts": "A test for some prompts only.",
    "providerOutput": "An answer that the test brings along.",
}
CHANGES = ("transform", "postprocess", "prefix", "suffix", "storeOutputAs", "transformVars")
NO_TESTS = "It has no tests within itself. Write tests that lie in files of their own into it."
OUTSIDE = "It stands in a file of its own; write its tests into the configuration."


def read(value: JsonObject, judge: str | None) -> Imported:
    """The evaluation in a configuration. Raises NotImportable in words."""
    telling = Telling()
    tests = list(itertools.islice(_tests(value, telling), MOST_CASES + 1))
    if not tests:
        raise NotImportable(NO_TESTS)
    if len(tests) > MOST_CASES:
        raise NotImportable(f"At most {MOST_CASES:,} cases.")
    names, tests = unwrapped(tests)
    prompt = prompts_of(value.get("prompts"), names, telling)
    checks = checks_of(tests, names, judge, telling)
    for name in sorted(value.keys() - READ - PASSED_OVER):
        telling(name, f"{name[:60]}: Luthier has nothing like it; it is not read.")
    providers = value.get("providers", value.get("targets"))
    if told := ", ".join(_provider_names(providers)):
        telling("providers", f"Choose who answers when you start a run. It was asked of {told}.")
    title = value.get("description")
    return Imported(
        what=WHAT,
        name=title if isinstance(title, str) else "",
        cases=tuple(cases_of(tests, checks, prompt, telling)),
        graders=tuple(checks.graders),
        prompt=prompt.messages,
        told=telling.all(),
    )


def cases_of(
    tests: Sequence[Test], checks: Checks, prompt: Prompt, telling: Telling
) -> Iterator[CaseToBe]:
    """The cases of these tests, asked by the prompt."""
    is_any = False
    for test, fields, reference in zip(tests, checks.fields, checks.references, strict=True):
        try:
            messages = asked(prompt, test.item)
        except Untranslatable as error:
            telling(test.place, f"It does not fill the prompt, and is left out: {error}")
            continue
        is_any = True
        yield CaseToBe(messages, {**test.item, **fields}, reference)
    if not is_any:
        raise NotImportable("None of its tests fills the prompt.")


def unwrapped(tests: Sequence[Test]) -> tuple[Names, list[Test]]:
    """The tests with their values as items; those that have one object called item, as Luthier's
    own exports do, have its fields.
    """
    is_wrapped = all(
        test.item.keys() == {ITEM} and isinstance(test.item[ITEM], dict) for test in tests
    )
    if not is_wrapped:
        return Names(is_wrapped=False), list(tests)
    return Names(is_wrapped=True), [
        Test(test.place, test.item[ITEM], test.asserts, test.judge) for test in tests
    ]


def _tests(value: JsonObject, telling: Telling) -> Iterator[Test]:
    usual = mapping(value.get("defaultTest"))
    _tell_of_test(usual, "defaultTest", telling)
    if isinstance(value.get("defaultTest"), str):
        telling("defaultTest", OUTSIDE)
    listed = value.get("tests")
    for number, one in enumerate(listed if isinstance(listed, list) else [listed], start=1):
        place = f"test {number}" if isinstance(listed, list) else "tests"
        if isinstance(one, dict) and "path" not in one:
            yield from _expanded(one, usual, place, telling)
        elif one is not None:
            telling(place, OUTSIDE)


def _expanded(one: JsonObject, usual: JsonObject, place: str, telling: Telling) -> Iterator[Test]:
    """A test for each combination of the values of its lists, as promptfoo has them."""
    _tell_of_test(one, place, telling)
    options = {**mapping(usual.get("options")), **mapping(one.get("options"))}
    values = {**mapping(usual.get("vars")), **mapping(one.get("vars"))}
    if isinstance(one.get("vars"), str):
        telling(place, "Its vars stand in a file of their own.")
        return
    for name, given in values.items():
        if isinstance(given, str) and given.startswith(FILES):
            telling(place, f"Its value {name[:60]} stands in a file of its own.")
            return
    is_bare = bool(options.get("disableDefaultAsserts"))
    asserts = [] if is_bare else _list(usual.get("assert"))
    asserts = [*asserts, *_list(one.get("assert"))]
    judge = _judge(options.get("provider"))
    lists = (
        []
        if options.get("disableVarExpansion")
        else [name for name, given in values.items() if isinstance(given, list) and given]
    )
    for chosen in itertools.product(*(values[name] for name in lists)):
        item = {**values, **dict(zip(lists, chosen, strict=True))}
        yield Test(place, _filled(item), asserts, judge)


def _filled(item: JsonObject) -> JsonObject:
    """The values, where one names another with that one's value, as promptfoo has it."""
    found = dict(item)
    for name, given in item.items():
        if isinstance(given, str) and has_places(given):
            try:
                found[name] = filled(given, item, Names(is_wrapped=False))
            except Untranslatable:
                continue
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _judge(provider: Any) -> str | None:
    name = mapping(provider).get("id") if isinstance(provider, dict) else provider
    return name.split(":", 2)[-1] if isinstance(name, str) and name else None


def _tell_of_test(one: JsonObject, place: str, telling: Telling) -> None:
    for name in one.keys() - TEST_KEYS:
        telling(place, UNREAD.get(name, f"{name[:60]}: Luthier has nothing like it."))
    options = mapping(one.get("options"))
    for name in CHANGES:
        if options.get(name):
            telling(f"{place}, options", f"{name}: what it changes is not changed here.")


def _provider_names(providers: Any) -> Iterator[str]:
    for one in providers if isinstance(providers, list) else [providers]:
        if isinstance(one, str):
            yield one[:80]
        elif isinstance(one, dict):
            named = one.get("id") or next(iter(one), "")
            yield json.dumps(named)[1:-1][:80] if isinstance(named, str) else "a provider"


def test_of(one: JsonObject, place: str) -> Test:
    """A test as promptfoo's results have it: everything default is in it already."""
    options = mapping(one.get("options"))
    return Test(
        place, mapping(one.get("vars")), _list(one.get("assert")), _judge(options.get("provider"))
    )
