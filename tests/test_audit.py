"""`make audit` with tools that answer well, badly or not at all: the unknown is never clean."""

import json
import os
import subprocess
import sys

import pytest

from app.settings import ROOT

SCRIPT = ROOT / "requirements" / "audit.py"
PIP_AUDIT = """#!{python}
import json, re, sys
pins = re.findall("(.+)==(.+)", open(sys.argv[sys.argv.index("--requirement") + 1]).read())
assert len(dict(pins)) == len(pins), "pip-audit takes each name once"
bad, unknown = {bad!r}, {unknown!r}
told = []
for name, version in pins:
    if name in unknown:
        told.append({{"name": name, "skip_reason": "Dependency not found on PyPI"}})
    else:
        holes = [{{"id": one}} for one in bad.get(name, ())]
        told.append({{"name": name, "version": version, "vulns": holes}})
print(json.dumps({{"dependencies": told, "fixes": []}}))
sys.exit(1)
"""
NPM = """#!{python}
import json
names = [path for path in json.load(open("package-lock.json"))["packages"] if path]
bad = {bad!r}
print(json.dumps({{
    "vulnerabilities": {{name: {{"via": [{{"url": one}} for one in bad[name]]}} for name in bad}},
    "metadata": {{"dependencies": {{"total": len(names) - {short}}}}},
}}))
"""
GOOD_PYTHON, GOOD_NPM = {"django": ["PYSEC-1"]}, {"lodash": ["https://example.org/1"]}


@pytest.fixture
def audit(tmp_path):
    """Run it with these two tools; each is the text of a script."""

    def run(pip_audit, npm):
        for name, text in (("pip-audit", pip_audit), ("npm", npm)):
            tool = tmp_path / name
            tool.write_text(text)
            tool.chmod(0o755)
        env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, SCRIPT], env=env, capture_output=True, text=True, check=False
        )
        assert not done.stderr
        return done.returncode, done.stdout

    return run


def pip_audit(bad=GOOD_PYTHON, unknown=()):
    return PIP_AUDIT.format(python=sys.executable, bad=bad, unknown=unknown)


def npm(bad=GOOD_NPM, short=0):
    return NPM.format(python=sys.executable, bad=bad, short=short)


def test_all_locked_packages_are_asked_about_and_clean(audit):
    status, told = audit(pip_audit(), npm())
    assert status == 0
    first, second = told.splitlines()
    pins = {
        line.partition(" ")[0]
        for path in (ROOT / "requirements").glob("*.txt")
        for line in path.read_text().splitlines()
        if "==" in line.partition(" ")[0]
    }
    assert first == f"Python: {len(pins)} of {len(pins)} locked packages audited."
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert second == f"npm: {len(packages) - 1} of {len(packages) - 1} locked packages audited."


def test_a_vulnerability_fails(audit):
    status, told = audit(pip_audit({**GOOD_PYTHON, "starlette": ["PYSEC-2", "CVE-3"]}), npm())
    assert status == 1
    assert "Python: VULNERABLE: starlette==" in told
    assert told.rstrip().count("\n") == 2
    assert "CVE-3, PYSEC-2" in told
    status, told = audit(pip_audit(), npm({**GOOD_NPM, "htmx.org": ["https://example.org/2"]}))
    assert status == 1
    assert "npm: VULNERABLE: htmx.org==" in told


def test_fewer_audited_than_locked_is_said_with_their_names(audit):
    status, told = audit(pip_audit(unknown=("celery", "kombu")), npm(short=1))
    assert status == 0
    assert "Python: NOT AUDITED: celery==" in told
    assert ", kombu==" in told
    assert "npm: 0 of" in told
    assert "npm: NOT AUDITED: all (npm looked at" in told


def test_a_source_that_knows_no_advisory_is_not_believed(audit):
    """A mirror that says "nothing found" to everything looks like a clean bill of health."""
    status, told = audit(pip_audit(bad={}), npm(bad={}))
    assert status == 0
    assert "Python: NOT AUDITED: all (the source does not know that django==3.2 is" in told
    assert "npm: NOT AUDITED: all (the source does not know that lodash==4.17.15 is" in told
    status, told = audit(pip_audit(bad={"celery": ["PYSEC-4"]}), npm())
    assert status == 1, "what it does know counts"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("echo no route to host >&2; exit 1", "no route to host"),
        ("exit 0", "it printed nothing"),
        ("echo '<html>'; echo a gateway >&2", "a gateway"),
        ("echo '[]'", "a shape of its own"),
        ("echo '{\"a\": 1}'", "a shape of its own"),
        ('echo \'{"error": {}, "message": "405 Method Not Allowed"}\'', ""),
    ],
)
def test_no_answer_is_told_with_its_reason_and_does_not_fail(audit, words, reason):
    status, told = audit(f"#!/bin/sh\n{words}\n", f"#!/bin/sh\n{words}\n")
    assert status == 0
    for name in ("Python", "npm"):
        assert f"{name}: 0 of " in told
        assert f"{name}: NOT AUDITED: all (" in told
    assert told.count(reason) >= 2
    assert "405 Method Not Allowed" in told or "405" not in words


def test_a_tool_that_is_not_there_is_told(audit):
    status, told = audit("#!/there/is/no/such/program\n", "#!/there/is/no/such/program\n")
    assert status == 0
    assert told.count("NOT AUDITED: all") == 2
