"""Where the kernel lacks what a jail takes, code is refused with the reason, wherever it is met.

The kernel's refusals are real: the jail's process asks for what no kernel has.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import jail
from app.core.jail import Jail, Refused
from app.graders.base import Answer
from app.graders.reading import read_grader
from app.trainer.errors import Refusal
from app.trainer.grading import runnable_grader
from app.upkeep import doctor
from tests.graders.making import multi, python

LACKS = {
    "namespaces": ('"user": 0x1000_0000', '"user": 0x1000_0001'),
    "Landlock": (
        "CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444,",
        "CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 99_444,",
    ),
    "seccomp": (
        "PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22,",
        "PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 99_022,",
    ),
    "of its own is not allowed": ('b"tmpfs"', 'b"no such file system"'),
}
HERE = jail.obstacle()


@pytest.fixture(params=LACKS)
def lacking(request, monkeypatch, tmp_path: Path) -> Iterator[str]:
    """A machine that lacks something; what its refusal says."""
    has, has_not = LACKS[request.param]
    source = jail.INSIDE.read_text()
    assert source.count(has) == 1
    (tmp_path / "inside.py").write_text(source.replace(has, has_not))
    monkeypatch.setattr(jail, "INSIDE", tmp_path / "inside.py")
    jail.forget()
    yield HERE or request.param
    jail.forget()


def test_the_reason_is_said(lacking):
    assert lacking in (jail.obstacle() or "")


def test_no_code_is_run(lacking, tmp_path: Path):
    ran = tmp_path / "ran"
    source = f"open({str(ran)!r}, 'w')\ndef act(x):\n    return x\n"

    with pytest.raises(Refused, match=lacking):
        Jail(source, "act").call(1)
    assert not ran.exists()


@pytest.mark.parametrize("body", [python(), multi("code", code=python())])
def test_a_grader_says_it_and_the_trainer_refuses_it(lacking, body):
    assert lacking in (read_grader(body).obstacle() or "")
    with pytest.raises(Refusal, match=lacking) as refused:
        runnable_grader(body)
    told = refused.value.body["error"]
    assert (told["code"], told["param"]) == ("unsupported_grader", "grader")


def test_a_score_of_it_has_the_reason(lacking):
    fault = read_grader(python()).grade({}, Answer("x")).fault

    assert fault is not None
    assert fault.fault == "python_grader_server_error"
    assert lacking in fault.reason


def test_the_doctor_says_it_with_a_cure(lacking):
    (found,) = [one for one in doctor.examine() if one.name == "python graders"]

    assert (found.state, lacking in found.words) == ("warn", True)
    assert "docs/operations.md" in (found.cure or "")
