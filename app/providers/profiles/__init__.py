"""One TOML file for each service that speaks OpenAI's wire: what it can do and how it spells it."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from app.providers.capabilities import Capabilities
from app.providers.row_rules import RowRules

FOLDER = Path(__file__).parent
FALLBACK = "compatible"


@dataclass(frozen=True, slots=True)
class BaseModelRule:
    """Which listed models can be tuned (`match` fits the whole name), and what is known of them.

    `encoding` is the tokenizer they count with, where Luthier has it; else tokens are estimated
    with another.
    """

    match: str
    methods: tuple[str, ...]
    row_token_cap: int | None = None
    context_tokens: int | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A service: how to recognise it, its capabilities, what it says of rows, its spellings, its
    base models.

    `tells_usage` says that a streamed answer can end with the tokens it took.
    `file_page_size` is for looking for one file, `files_a_page` for reading all of them;
    `suffix_limit` is the longest suffix, where it also carries the order's mark; `hooks_page` says
    where a person makes a webhook endpoint, `moderation_model` what judges texts.
    """

    name: str
    label: str
    capabilities: Capabilities
    rows: RowRules
    base_models: tuple[BaseModelRule, ...]
    max_tokens_field: str
    file_page_size: int
    files_a_page: int
    tells_usage: bool = False
    upload_part_size: int | None = None
    suffix_limit: int | None = None
    hosts: tuple[str, ...] = ()
    header: str | None = None
    hooks_page: str | None = None
    moderation_model: str | None = None

    def row_token_cap(self, model: str | None) -> int | None:
        """How many tokens of a row are trained on: by this model, where anything is known of it."""
        rule = self.rule_for(model) if model else None
        return rule.row_token_cap if rule is not None else self.capabilities.row_token_cap

    def rule_for(self, model: str) -> BaseModelRule | None:
        """What is known of a base model; None says that it cannot be tuned here."""
        return next((rule for rule in self.base_models if re.fullmatch(rule.match, model)), None)


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by name."""
    return {path.stem: _load(path) for path in sorted(FOLDER.glob("*.toml"))}


def _load(path: Path) -> Profile:
    content = tomllib.loads(path.read_text())
    content["capabilities"]["label"] = content["label"]
    return msgspec.convert({**content, "name": path.stem}, Profile)


def profile_for(base_url: str) -> str:
    """The profile whose hosts match the URL; any other server is taken for a compatible one."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    return next(
        (p.name for p in profiles().values() if any(fnmatchcase(host, h) for h in p.hosts)),
        FALLBACK,
    )


def profile_by_headers(headers: Mapping[str, str], otherwise: str) -> str:
    """The profile a server names itself as, in the header of its profile."""
    return next(
        (p.name for p in profiles().values() if p.header is not None and p.header in headers),
        otherwise,
    )


@cache
def encodings() -> frozenset[str]:
    """The tokenizers that models of any service are known to count with."""
    rules = (rule for profile in profiles().values() for rule in profile.base_models)
    return frozenset(rule.encoding for rule in rules if rule.encoding is not None)
