"""Secrets and personal data in the texts of rows: what is found, and what only looks like it."""

import json

import pytest

from app.datasets.checks.deep.personal import PersonalData
from app.datasets.checks.deep.secrets import Secrets
from app.datasets.checks.deep.texts import HITS_A_TEXT
from tests.datasets.making import check, looked_deep
from tests.datasets.saying import look, rules, said

A, B = "a1" * 60, "B2" * 60
# Put together here, so that nobody's scanner takes this file for a leak.
SECRETS = {
    "aws_key": "AKIA" + "IOSFODNN7ABCDEFG",
    "anthropic_key": "sk-ant-" + f"api03-{A[:90]}",
    "azure_storage_key": "AccountKey=" + "k" * 86 + "==",
    "discord_token": "M" + A[:23] + "." + A[:6] + "." + A[:27],
    "github_token": "ghp_" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "gitlab_token": "glpat-" + "abcdefghij1234567890",
    "google_key": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "hugging_face_token": "hf_" + "aB" * 17,
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N",
    "mailchimp_key": "0123456789abcdef0123456789abcdee" + "-us12",
    "npm_token": "//packages.firm.net/:_authToken=" + "npm_abcdefghijklmnop",
    "openai_key": "sk-proj-" + A[:60] + "T3Blbk" + "FJ" + B[:60],
    "password_in_url": "postgres://bob:" + "hunter22@db.firm.net/x",
    "private_key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow",
    "pypi_token": "pypi-AgEIcHlwaS5vcmc" + A[:70],
    "sendgrid_key": "SG." + A[:22] + "." + B[:43],
    "slack_token": "xoxb-" + "123456789012-abcdefABCDEF",
    "square_secret": "sq0csp-" + A[:43],
    "stripe_key": "sk_live_" + "abcdefghijklmnopqrstuvwx",
    "telegram_token": "123456789:" + "AA" + A[:33],
    "twilio_key": "SK" + "0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items(), ids=SECRETS)
def test_a_secret_is_found_wherever_it_stands_and_never_repeated(kind, secret):
    row = said(("user", "Hello"), ("assistant", f"Grüße, it is {secret} as ever."), line=7)
    [(line, finding)] = look(Secrets, [said(("user", "Nothing.")), row])
    assert (line, finding.rule, finding.field) == (7, f"secret.{kind}", "messages[1].content")
    assert secret not in finding.reason + finding.cure
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "postgres://user:password@localhost/db",
        "https://<user>:<password>@host",
        "SKIING is an ACCOUNT of AIzawa, eyJust so",
        "sk_live_ is how Stripe's keys begin",
    ],
)
def test_what_documentation_writes_in_place_of_a_secret_is_none(text):
    assert look(Secrets, [said(("user", text))]) == []


def test_one_kind_is_told_once_a_row():
    two = SECRETS["github_token"]
    row = said(("system", two), ("user", f"{two} and {two} and {SECRETS['stripe_key']}"))
    assert rules(look(Secrets, [row])) == [(1, "secret.github_token"), (1, "secret.stripe_key")]


PERSONAL = {
    "email": ["write to anna.k@firma.at.", "<jo+news@mail.example.co.uk>"],
    "phone": ["call +49 30 901820 now", "(415) 555-2671", "ring 212-555-0199."],
    "card": ["4539 1488 0343 6467", "6011000990139424", "card 3714-496353-98431, please"],
    "iban": ["AT61 1904 3002 3457 3201, danke", "DE89370400440532013000 BIC COBADEFF"],
    "ssn": ["my number is 536-90-4399"],
}
PERSONAL["phone"].pop()  # 555-01xx belongs to nobody: below
NOBODYS = [
    "name@example.com",
    "x@printer.local, a@b and me@home",
    "order 4155552671, 1234 5678 9012 3456 and 2024-11-28 12:30",
    "4242 4242 4242 4242",
    "202-555-0123 is in films",
    "123-45-6789",
    "3.14159265358979, 1 + 2 = 3, +1 point",
    "ISBN 978-3-16-148410-0, AB12 CDEF GHIJ KLMN",
]


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts]
)
def test_personal_data_is_found_by_those_who_know_its_rules(kind, text):
    found = look(PersonalData, [said(("user", "é"), ("assistant", text), line=3)])
    assert rules(found) == [(3, f"personal.{kind}")]


@pytest.mark.parametrize("text", NOBODYS)
def test_what_belongs_to_nobody_is_not_personal(text):
    assert look(PersonalData, [said(("user", text))]) == []


def test_system_prompts_speak_for_the_team():
    prompt = "Send people to help@firma.at or +49 30 901820."
    assert look(PersonalData, [said(("system", prompt), ("developer", prompt))]) == []


def test_a_text_made_of_hits_takes_a_bounded_number_of_looks_and_hides_no_later_row():
    trap = said(("user", "name@example.com " * 50 * HITS_A_TEXT))
    honest = said(("user", "anna.k@firma.at"), line=2)
    assert rules(look(PersonalData, [trap, honest])) == [(2, "personal.email")]


def test_the_second_pass_tells_a_version_all_of_it(tmp_path):
    prompt = "You sort the letters of the bank's customers. Say one word."
    answers = ["lost card"] * 110 + ["fees"] * 10
    rows = [
        {
            "messages": [
                {"role": "system", "content": prompt + "!" * (n == 50)},
                {"role": "user", "content": f"Letter {n}: where is it?"},
                {"role": "assistant", "content": answer},
            ]
        }
        for n, answer in enumerate(answers)
    ]
    rows[7]["messages"][1]["content"] = f"My token is {SECRETS['github_token']}"
    rows[9]["messages"][1]["content"] = "Write to anna.k@firma.at"
    found = looked_deep(check(tmp_path, [json.dumps(row).encode() for row in rows]))
    assert {
        (8, "secret.github_token"),
        (10, "personal.email"),
        (None, "label.uneven"),
        (None, "system.nearly_same"),
    } <= set(found)
