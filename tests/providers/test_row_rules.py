"""The rules that profiles weigh exist, and their methods agree with what Luthier can start."""

import re

import pytest

from app.providers.profiles import profiles
from app.settings import ROOT

RULE = re.compile(r'"([a-z_]+\.[a-z_0-9]+)"')
SOURCE = "".join(
    path.read_text()
    for folder in ("formats", "datasets/checks")
    for path in (ROOT / "app" / folder).rglob("*.py")
)


@pytest.mark.parametrize("profile", profiles().values(), ids=profiles())
def test_every_rule_that_is_weighed_is_one_that_a_check_finds(profile):
    weighed = {*profile.rows.weights} | {
        rule for method in profile.rows.methods for rule in method.weights
    }
    assert weighed <= set(RULE.findall(SOURCE))


@pytest.mark.parametrize("profile", profiles().values(), ids=profiles())
def test_a_method_that_can_be_started_is_one_whose_rules_are_known(profile):
    for method in profile.capabilities.methods:
        known = profile.rows.method(method.name)
        assert known is not None
        assert known.formats == method.formats
        assert known.needs_validation == method.needs_validation
