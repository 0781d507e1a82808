"""The instance's secret: separate keys for separate things, and seals that hold."""

import base64

import pytest

from app.core import secrets
from app.settings import settings
from tests.conftest import forget


def test_every_purpose_has_a_key_of_its_own():
    keys = {secrets.derive(label) for label in ("seal", "trainer", "instance", "seal ")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
    assert secrets.derive("seal") == secrets.derive("seal")


def test_a_seal_opens_for_what_it_was_made_for():
    sealed = secrets.seal("sk-secret", aad="connection 1")
    assert b"sk-secret" not in sealed
    assert secrets.unseal(sealed, aad="connection 1") == "sk-secret"
    assert secrets.seal("sk-secret", aad="connection 1") != sealed
    with pytest.raises(secrets.SealBroken):
        secrets.unseal(sealed, aad="connection 2")
    for at in range(0, len(sealed), 5):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(secrets.SealBroken):
            secrets.unseal(changed, aad="connection 1")


def test_another_instances_secret_opens_nothing(monkeypatch):
    sealed = secrets.seal("sk-secret", aad="x")
    other = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()
    monkeypatch.setenv("LUTHIER_SECRET", other)
    forget()
    with pytest.raises(secrets.SealBroken):
        secrets.unseal(sealed, aad="x")


@pytest.mark.parametrize("given", ["changeme", "x" * 44, "AAAA" * 12, "c2hvcnQ="])
def test_a_secret_that_is_none_is_refused(monkeypatch, given):
    monkeypatch.setenv("LUTHIER_SECRET", given)
    forget()
    with pytest.raises(secrets.SecretUnusable):
        secrets.derive("x")


def test_without_one_a_secret_is_made_once_and_closed(monkeypatch):
    monkeypatch.delenv("LUTHIER_SECRET")
    forget()
    first = secrets.derive("x")
    path = settings().home / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    forget()
    assert secrets.derive("x") == first
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_tokens_are_long_and_kept_as_fingerprints():
    token = secrets.new_token("lut_")
    assert token.startswith("lut_")
    assert len(token) >= 47
    assert secrets.fingerprint(token) == secrets.fingerprint(token)
    assert token not in secrets.fingerprint(token)
    assert secrets.is_same(token, token)
    assert not secrets.is_same(token, "é")


def test_an_instance_has_a_public_name():
    assert len(secrets.instance_id()) == 16
