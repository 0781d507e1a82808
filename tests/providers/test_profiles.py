"""Profiles are whole, recognise their services, and their dials read what people type."""

import dataclasses
import re
import tomllib
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from app.providers.profiles import (
    FOLDER,
    Profile,
    profile_by_headers,
    profile_for,
    profiles,
)
from app.providers.registry import PROVIDERS

FILES = sorted(FOLDER.glob("*.toml"))


def dial(name: str, profile: str = "openai"):
    can = profiles()[profile].capabilities
    return next(p for p in (*can.options, *can.parameters) if p.name == name)


def unknown_keys(data: Any, kind: Any, where: str) -> list[str]:
    """Keys of a TOML table that no field of the dataclass takes, at any depth."""
    if get_origin(kind) is UnionType:
        return []
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return [key for item in data for key in unknown_keys(item, inner, where)]
    if not dataclasses.is_dataclass(kind):
        return []
    hints = get_type_hints(kind)
    found = [f"{where}.{key}" for key in data if key not in hints]
    for key in data.keys() & hints.keys():
        found += unknown_keys(data[key], hints[key], f"{where}.{key}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_of_a_profile_means_something(path):
    assert unknown_keys(tomllib.loads(path.read_text()), Profile, path.stem) == []


@pytest.mark.parametrize("name", profiles())
def test_a_profile_is_whole(name):
    profile = profiles()[name]
    can = profile.capabilities
    methods = {method.name for method in can.methods}

    assert can.label == profile.label
    assert {method for p in can.parameters for method in p.methods} <= methods
    for rule in profile.base_models:
        re.compile(rule.match)
        assert set(rule.methods) <= methods
    for parameter in (*can.options, *can.parameters):
        assert parameter.accept(None) == parameter.default


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://API.OPENAI.COM./v1", "openai"),
        ("https://acme.openai.azure.com/openai/v1/", "azure"),
        ("https://api.openai.com.evil/v1", "compatible"),
        ("https://notapi.openai.com.example/v1", "compatible"),
        ("http://127.0.0.1:8001/v1", "compatible"),
        ("https://example.com/api.openai.com", "compatible"),
    ],
)
def test_a_service_is_recognised_by_its_host(url, name):
    assert profile_for(url) == name


def test_our_trainer_is_recognised_by_its_header():
    assert profile_by_headers({"x-luthier-trainer": "1"}, otherwise="compatible") == "luthier"
    assert profile_by_headers({}, otherwise="openai") == "openai"
    assert [name for name, p in profiles().items() if p.capabilities.is_ours] == ["luthier"]


def test_every_adapter_is_registered_under_its_own_name():
    assert set(PROVIDERS) == {"openai"}


@pytest.mark.parametrize(
    ("model", "is_trainable"),
    [
        ("gpt-4.1-2025-04-14", True),
        ("gpt-4.1-mini-2025-04-14", True),
        ("gpt-4o-mini-2024-07-18", True),
        ("gpt-4o-2024-05-13", False),
        ("gpt-4o-audio-preview-2024-12-17", False),
        ("gpt-6", False),
        ("text-embedding-3-small", False),
        ("ft:gpt-4.1-2025-04-14:acme::abc", False),
    ],
)
def test_openai_trains_only_what_its_guide_names(model, is_trainable):
    assert (profiles()["openai"].rule_for(model) is not None) is is_trainable


@pytest.mark.parametrize("name", ["luthier", "compatible"])
def test_elsewhere_everything_is_a_base_that_is_not_tuned_already(name):
    assert profiles()[name].rule_for("practice-small") is not None
    assert profiles()[name].rule_for("ft:practice-small:team::x") is None


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("n_epochs", "3", 3),
        ("n_epochs", " 50 ", 50),
        ("n_epochs", 1, 1),
        ("n_epochs", "auto", "auto"),
        ("n_epochs", "", "auto"),
        ("n_epochs", None, "auto"),
        ("learning_rate_multiplier", "0.05", 0.05),
        ("learning_rate_multiplier", "1e-2", 0.01),
        ("learning_rate_multiplier", 2, 2.0),
        ("seed", "0", 0),
        ("seed", "2147483647", 2147483647),
        ("seed", "", None),
        ("suffix", "banking", "banking"),
        ("suffix", "x" * 64, "x" * 64),
    ],
)
def test_a_dial_reads_what_fits(name, given, value):
    read = dial(name).accept(given)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("n_epochs", "0", "Epochs must be at least 1."),
        ("n_epochs", -1, "Epochs must be at least 1."),
        ("n_epochs", "51", "Epochs can be at most 50."),
        ("n_epochs", "1000000000", "Epochs can be at most 50."),
        ("n_epochs", 2**63, 'Epochs must be a whole number or "auto".'),
        ("n_epochs", "1.5", 'Epochs must be a whole number or "auto".'),
        ("n_epochs", 1.5, 'Epochs must be a whole number or "auto".'),
        ("n_epochs", True, 'Epochs must be a whole number or "auto".'),
        ("n_epochs", "१२", 'Epochs must be a whole number or "auto".'),
        ("n_epochs", "0x10", 'Epochs must be a whole number or "auto".'),
        ("n_epochs", "NaN", 'Epochs must be a whole number or "auto".'),
        ("n_epochs", "Auto", 'Epochs must be a whole number or "auto".'),
        ("n_epochs", [3], 'Epochs must be a whole number or "auto".'),
        ("batch_size", "257", "Batch size can be at most 256."),
        ("learning_rate_multiplier", "0", "Learning rate multiplier must be more than 0."),
        ("learning_rate_multiplier", "-1", "Learning rate multiplier must be more than 0."),
        (
            "learning_rate_multiplier",
            "1e999",
            'Learning rate multiplier must be a number or "auto".',
        ),
        ("learning_rate_multiplier", "nan", 'Learning rate multiplier must be a number or "auto".'),
        (
            "learning_rate_multiplier",
            float("inf"),
            'Learning rate multiplier must be a number or "auto".',
        ),
        ("seed", "-1", "Seed must be at least 0."),
        ("seed", "2147483648", "Seed can be at most 2147483647."),
        ("seed", "auto", "Seed must be a whole number."),
        ("suffix", "x" * 65, "Suffix can have at most 64 characters."),
        ("suffix", 7, "Suffix must be text."),
    ],
)
def test_a_dial_says_what_does_not_fit(name, given, message):
    with pytest.raises(ValueError, match=r"\.$") as refused:
        dial(name).accept(given)

    assert str(refused.value) == message


def test_azure_takes_a_shorter_suffix_of_plain_letters():
    assert dial("suffix", "azure").accept("team-7_b") == "team-7_b"
    for given in ("x" * 19, "a.b", "$(id)", "ä"):
        with pytest.raises(ValueError, match="Suffix"):
            dial("suffix", "azure").accept(given)
