"""Keys and passwords in texts: a model that is trained on one can repeat it to anybody.

What a secret looks like is detect-secrets' knowledge; it is asked about what begins like one. The
few that it does not know are patterns of ours, from the vendors' own descriptions.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import re2

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck, Said
from app.datasets.checks.deep.texts import Joined, texts_in
from app.datasets.derived.base import Part
from app.formats.base import Finding

_BEFORE, _AFTER = 80, 400  # bytes: no key is longer, but a private key shows by its first line
_BEGINNINGS = re2.compile(
    rb"A(?:KIA|SIA|BIA|CCA|3T[A-Z0-9])[0-9A-Z]{8}|(?i:aws_?secret)|AccountKey="
    rb"|://[^\s:/?#@\x00]+:[^\s/?#@\x00]+@|gh[pousr]_[A-Za-z0-9]{8}|github_pat_"
    rb"|(?:gl[a-z]{2,5}-|GR1348941)[A-Za-z0-9_-]{8}|eyJ[A-Za-z0-9_=-]{8}|xox[a-z]-"
    rb"|hooks\.slack\.com|[rs]k_live_|SG\.[A-Za-z0-9_-]{8}|-----BEGIN|pypi-AgE|_authToken"
    rb"|T3BlbkFJ|sk-ant-|AIza[A-Za-z0-9_-]{8}|hf_[A-Za-z]{8}|[0-9a-z]{8}-us[0-9]|sq0csp-"
    rb"|(?:AC|SK)[a-z0-9]{16}|[0-9]{8}:AA[A-Za-z0-9_-]{8}|[MNO][\w-]{23,25}\.[\w-]{6}\."
)
_LIBRARY = {
    "AWSKeyDetector": ("aws_key", "An AWS access key"),
    "AzureStorageKeyDetector": ("azure_storage_key", "An Azure storage key"),
    "BasicAuthDetector": ("password_in_url", "An address with a password in it"),
    "DiscordBotTokenDetector": ("discord_token", "A Discord bot's token"),
    "GitHubTokenDetector": ("github_token", "A GitHub token"),
    "GitLabTokenDetector": ("gitlab_token", "A GitLab token"),
    "JwtTokenDetector": ("jwt", "A JSON Web Token"),
    "MailchimpDetector": ("mailchimp_key", "A Mailchimp key"),
    "NpmDetector": ("npm_token", "An npm token"),
    "OpenAIDetector": ("openai_key", "An OpenAI key"),
    "PrivateKeyDetector": ("private_key", "A private key"),
    "PypiTokenDetector": ("pypi_token", "A PyPI token"),
    "SendGridDetector": ("sendgrid_key", "A SendGrid key"),
    "SlackDetector": ("slack_token", "A Slack token or webhook"),
    "SquareOAuthDetector": ("square_secret", "A Square OAuth secret"),
    "StripeDetector": ("stripe_key", "A Stripe live key"),
    "TwilioKeyDetector": ("twilio_key", "A Twilio key"),
}
_OURS = (
    ("anthropic_key", "An Anthropic key", re.compile(r"sk-ant-[a-z0-9]+-[\w-]{80,120}")),
    ("github_token", "A GitHub token", re.compile(r"github_pat_\w{82}")),
    ("google_key", "A Google API key", re.compile(r"AIza[\w-]{35}")),
    ("hugging_face_token", "A Hugging Face token", re.compile(r"\bhf_[A-Za-z]{34}\b")),
    ("openai_key", "An OpenAI key", re.compile(r"sk-[\w-]{20,120}T3BlbkFJ[\w-]{20,120}")),
    ("telegram_token", "A Telegram bot's token", re.compile(r"\b[0-9]{8,10}:AA[\w-]{33}\b")),
)
# What stands in documentation in place of a secret.
_PLACEHOLDERS = frozenset({"password", "passwd", "pass", "pwd", "pw", "secret", "token"})
_CURE = "Revoke it where it was issued, and put a placeholder in its place."


class Kind(NamedTuple):
    """One kind of secret: its part of the rule's name, and what a person calls it."""

    slug: str
    title: str


class Secrets(DeepCheck):
    """Keys, tokens and passwords, wherever in a row they stand."""

    name = "secrets"

    def look(self, rows: Sequence[Said], part: Part) -> Iterator[Located]:
        """One warning for each kind a row holds, at the first place."""
        told: set[tuple[int, Kind]] = set()
        for hit in Joined(texts_in(rows)).search(_BEGINNINGS, before=_BEFORE, after=_AFTER):
            for kind in secrets_in(hit.around):
                if (hit.line, kind) not in told:
                    told.add((hit.line, kind))
                    yield hit.line, _finding(kind, hit.text.field)


def secrets_in(text: str) -> Iterator[Kind]:
    """The kinds of secret that stand in a short text, placeholders left out."""
    for kind, detector in _detectors():
        if any(not _is_placeholder(secret) for secret in detector.analyze_string(text)):
            yield kind
    for slug, title, pattern in _OURS:
        if pattern.search(text):
            yield Kind(slug, title)


@cache
def _detectors() -> tuple[tuple[Kind, Any], ...]:
    # Only a worker needs them, and they import an HTTP client.
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class  # noqa: PLC0415

    plugins: list[Any] = list(get_mapping_from_secret_type_to_class().values())
    by_name = {plugin.__name__: plugin for plugin in plugins}
    return tuple((Kind(*words), by_name[name]()) for name, words in _LIBRARY.items())


def _is_placeholder(secret: str) -> bool:
    from detect_secrets.filters.heuristic import (  # noqa: PLC0415
        is_sequential_string,
        is_templated_secret,
    )

    return (
        secret.lower() in _PLACEHOLDERS
        or "EXAMPLE" in secret.upper()
        or set(secret) <= set("xX*.")
        or is_sequential_string(secret)
        or is_templated_secret(secret)
    )


def _finding(kind: Kind, field: str) -> Finding:
    reason = f"{kind.title} stands in the text; a model trained on it can repeat it to anybody."
    return Finding(f"secret.{kind.slug}", field, "warning", reason, _CURE)
