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


@pytest.fixture
def in_a_file(monkeypatch):
    """The secret lies in the instance's folder; a new process is `forget()`."""
    monkeypatch.delenv("LUTHIER_SECRET")
    forget()
    return settings().home / "secret"


def test_a_rotation_can_be_broken_off_anywhere_and_is_gone_on_with(in_a_file):
    sealed = secrets.seal("sk-secret", aad="x")
    before = in_a_file.read_text().strip()
    secrets.begin_rotation()
    begun = in_a_file.read_text().split()
    assert begun[1:] == [before]
    forget()  # it died here: the old seal opens, and a new one is of the fresh secret
    assert secrets.unseal(sealed, aad="x") == "sk-secret"
    secrets.begin_rotation()
    assert in_a_file.read_text().split() == begun
    sealed_anew = secrets.seal("sk-secret", aad="x")
    secrets.end_rotation()
    assert in_a_file.read_text().split() == begun[:1]
    assert in_a_file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in in_a_file.parent.iterdir()] == ["secret"]
    forget()
    assert secrets.unseal(sealed_anew, aad="x") == "sk-secret"
    with pytest.raises(secrets.SealBroken):
        secrets.unseal(sealed, aad="x")


def test_a_process_that_read_the_secret_before_its_rotation_goes_on(in_a_file):
    secrets.seal("sk-warm", aad="x")
    remembered = secrets._ring()
    secrets.begin_rotation()
    sealed = secrets.seal("sk-secret", aad="x")
    secrets.end_rotation()
    secrets._ring.cache_clear()
    fresh = in_a_file.read_text()
    in_a_file.write_text(base64.urlsafe_b64encode(remembered[0]).decode())
    assert secrets._ring() == remembered  # as a process that started before
    in_a_file.write_text(fresh)
    assert secrets.unseal(sealed, aad="x") == "sk-secret"
    assert secrets._ring() != remembered


def test_a_secret_of_the_environment_is_rotated_by_two_settings(monkeypatch):
    sealed = secrets.seal("sk-secret", aad="x")
    with pytest.raises(secrets.SecretUnusable, match="LUTHIER_OLD_SECRET"):
        secrets.begin_rotation()
    monkeypatch.setenv("LUTHIER_OLD_SECRET", settings().secret.get_secret_value())
    other = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()
    monkeypatch.setenv("LUTHIER_SECRET", other)
    forget()
    secrets.begin_rotation()
    assert secrets.unseal(sealed, aad="x") == "sk-secret"
    sealed_anew = secrets.seal("sk-secret", aad="x")
    monkeypatch.delenv("LUTHIER_OLD_SECRET")
    forget()
    assert secrets.unseal(sealed_anew, aad="x") == "sk-secret"
