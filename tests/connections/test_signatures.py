"""Which deliveries are believed. What is accepted here the SDK's own verifier accepts too."""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.connections.signatures import (
    NO_EVENT,
    NOT_SIGNED,
    WRONG_SIGNATURE,
    NotGenuine,
    decoded,
    genuine,
)
from tests.hooks import OTHER_SECRET, SECRET, event, signed

BODY = event("ftjob-1")


def now():
    return datetime.now(UTC)


def believed(one, *, body=None, secrets=(SECRET,), moment=None, **changed):
    headers = {**one.headers, **changed}
    raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items() if v is not None]
    return genuine(raw, one.body if body is None else body, secrets, moment or now())


def refused(one, **how):
    with pytest.raises(NotGenuine) as caught:
        believed(one, **how)
    return str(caught.value)


@cache
def sdk():
    return openai.OpenAI(api_key="none")


def sdk_accepts(one, *, body=None, secret=SECRET, **changed):
    """Whether the SDK's verifier takes it, within the same five minutes."""
    try:
        found = sdk().webhooks.unwrap(
            one.body if body is None else body, {**one.headers, **changed}, secret=secret
        )
    except (ValueError, TypeError, openai.InvalidWebhookSignatureError):
        return False
    return found is not None


def test_a_signed_event_is_believed_as_far_as_its_kind_and_run():
    found = believed(signed(BODY, webhook_id="wh_1", at=now().timestamp()))
    assert (found.webhook_id, found.type, found.run_id) == (
        "wh_1",
        "fine_tuning.job.succeeded",
        "ftjob-1",
    )
    assert abs(found.sent_at - now()) < timedelta(seconds=1)
    assert sdk_accepts(signed(BODY))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_one_of_its_headers_it_is_not(name):
    assert refused(signed(BODY), **{name: None}) == NOT_SIGNED
    assert refused(signed(BODY), **{name: ""}) in {NOT_SIGNED, WRONG_SIGNATURE}


def test_a_header_twice_is_refused():
    one = signed(BODY)
    raw = [(k.encode(), v.encode()) for k, v in one.headers.items()]
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        again = (name.upper().encode(), one.headers[name].encode())
        with pytest.raises(NotGenuine, match="no signature"):
            genuine([*raw, again], one.body, [SECRET], now())


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "whsec_" + "A" * 31, "x" * 40, "whsec_ü"],
)
def test_a_secret_that_is_empty_short_or_none_is_never_one(secret):
    with pytest.raises(ValueError, match="secret"):
        decoded(secret)
    with pytest.raises(ValueError, match="secret"):
        believed(signed(BODY, secret="whsec_"), secrets=[secret])


def test_the_sdk_takes_what_anybody_signs_with_an_empty_secret():
    """Why the secret is looked at before anything is held against it."""
    assert sdk_accepts(signed(BODY, secret="whsec_"), secret="whsec_")


def test_without_a_secret_nothing_is_believed():
    assert refused(signed(BODY), secrets=[]) == WRONG_SIGNATURE


def test_another_secret_does_not_do_and_either_of_two_does():
    assert refused(signed(BODY, secret=OTHER_SECRET)) == WRONG_SIGNATURE
    for secret in (SECRET, OTHER_SECRET):
        assert believed(signed(BODY, secret=secret), secrets=[SECRET, OTHER_SECRET])


def test_one_fitting_signature_among_others_will_do():
    one, other = signed(BODY, webhook_id="a"), signed(BODY, webhook_id="a", secret=OTHER_SECRET)
    both = f"{other.headers['webhook-signature']} v2,x {one.headers['webhook-signature']}"
    assert believed(one, **{"webhook-signature": both})
    assert sdk_accepts(one, **{"webhook-signature": both})


def naked(one):
    return one.headers["webhook-signature"].removeprefix("v1,")


@pytest.mark.parametrize(
    "change",
    [
        naked,  # the SDK takes it
        lambda one: f"v2,{naked(one)}",
        lambda one: f"V1,{naked(one)}",
        lambda one: f"v1 ,{naked(one)}",
        lambda one: f"v1,{naked(one)}=",
        lambda one: f"v1,{naked(one)[:-1]}",
        lambda one: f"v1,{naked(one).lower()}",
        lambda _: "v1,",
        lambda one: "v1,ä" + naked(one),
        lambda _: "v1,\xff\xfe",
        lambda _: "v1,!!!! not base64",
        lambda one: f"v1,{naked(one)}\tv1,x",
    ],
)
def test_a_signature_that_is_not_exactly_one_is_refused(change):
    one = signed(BODY)
    assert refused(one, **{"webhook-signature": change(one)}) == WRONG_SIGNATURE


def test_a_thousand_signatures_are_not_even_compared():
    one = signed(BODY)
    many = " ".join(["v1,AAAA"] * 1_000 + [one.headers["webhook-signature"]])
    assert refused(one, **{"webhook-signature": many}) == NOT_SIGNED


@pytest.mark.parametrize("stamp", ["", "1.5", "-1", "+1", " 1", "1e9", "9" * 5_000, "0x10", "now"])
def test_a_timestamp_is_a_few_digits(stamp):
    assert refused(signed(BODY, at=stamp)) == NOT_SIGNED


def test_digits_of_other_scripts_are_no_timestamp():
    stamp = str(int(now().timestamp())).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    one = signed(BODY, at=stamp)
    raw = [(k.encode(), v.encode()) for k, v in one.headers.items()]
    with pytest.raises(NotGenuine, match=NOT_SIGNED):
        genuine(raw, one.body, [SECRET], now())
    assert sdk_accepts(one), "the SDK reads them as digits"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(302, "5 min ago"), (-302, "5 min ahead"), (720, "12 min ago"), (3 * 86_400, "3 days ago")],
)
def test_what_was_signed_long_ago_or_lies_ahead_is_refused_and_says_how_far(seconds, told):
    assert told in refused(signed(BODY, at=now().timestamp() - seconds))


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_five_minutes_either_way_are_taken(seconds):
    moment = now().replace(microsecond=0)
    assert believed(signed(BODY, at=moment.timestamp() - seconds), moment=moment)


def test_the_signature_is_looked_at_before_the_clock():
    assert refused(signed(BODY, secret=OTHER_SECRET, at=1)) == WRONG_SIGNATURE


def test_a_body_changed_by_one_byte_or_written_anew_is_refused():
    one = signed(BODY)
    again = json.dumps(json.loads(BODY), indent=1).encode()
    for other in (BODY[:-1] + b" ", BODY + b" ", BODY.replace(b"1", b"2", 1), again, b""):
        assert refused(one, body=other) == WRONG_SIGNATURE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"\xef\xbb\xbf" + BODY,
        b"\xff\xfe{}",
        BODY.replace(b"ftjob", b"\xff"),
        BODY.decode().encode("utf-16"),
        b'{"type": NaN}',
        b'{"type": null, "data": {"id": "x"}}',
        b'{"type": ["fine_tuning.job.failed"]}',
        b'{"type": "' + b"x" * 101 + b'"}',
        b'{"type": "<b>"}',
        b'{"type": "a b"}',
        b"[" * 60_000,
        b'{"type": "x", "n": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_signed_body_that_is_no_event_is_refused_and_breaks_nothing(body):
    assert refused(signed(body)) == NO_EVENT


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, {"id": None}, {"id": 7}, {"id": ""}, {"id": "../x"}, {"id": "a/b"},
        {"id": "a..b"}, {"id": "x" * 256}, {"id": "a\u0000"}, {"id": "\ud800"}, {"id": "-rf"},
        {"id": "ftjob 1"}, {"id": "ftjob\n"}, {"id": "١"}, {"id": ["ftjob-1"]},
    ],
)  # fmt: skip
def test_what_cannot_be_a_runs_id_is_none(data):
    body = json.dumps({"type": "fine_tuning.job.failed", "data": data}).encode()
    assert believed(signed(body)).run_id is None


def test_an_event_of_a_kind_that_nobody_knows_keeps_its_own_name():
    """The SDK hands it over as a class of something else."""
    one = signed(event("ftjob-1", "fine_tuning.job.dreamt"))
    assert believed(one).type == "fine_tuning.job.dreamt"


def test_a_longer_secret_than_usual_is_fine():
    secret = "whsec_" + base64.b64encode(bytes(64)).decode()
    assert believed(signed(BODY, secret=secret), secrets=[secret])


PIECES = st.sampled_from(["v1,", "v2,", " ", "", "=", "A", "\t"])


@settings(max_examples=150, deadline=None)
@given(
    webhook_id=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
    kind=st.sampled_from(["fine_tuning.job.succeeded", "x", "X", "", "a..b"]),
    run_id=st.text(max_size=8),
    seconds=st.integers(-320, 320),
    before=PIECES,
    behind=PIECES,
    secret=st.sampled_from([SECRET, OTHER_SECRET]),
)
def test_whatever_is_believed_the_sdk_verifies_too(
    webhook_id, kind, run_id, seconds, before, behind, secret
):
    at = datetime.now(UTC)
    one = signed(
        json.dumps({"type": kind, "data": {"id": run_id}}).encode(),
        secret=secret,
        webhook_id=webhook_id,
        at=at.timestamp() + seconds,
    )
    signature = before + one.headers["webhook-signature"] + behind
    try:
        believed(one, moment=at, **{"webhook-signature": signature})
    except NotGenuine:
        return
    # Its own clock goes on meanwhile.
    assert sdk_accepts(one, **{"webhook-signature": signature}) or abs(seconds) > 295
