"""Ask the advisory sources about every locked package: `python requirements/audit.py`.

A known vulnerability fails. What a source does not answer for is "not audited" and never clean:
each is also asked about a package that is known to be bad, and one that finds nothing there knows
nothing.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
# In neither lock, and both with advisories for years.
BAD_PYTHON, BAD_NPM = ("django", "3.2"), ("lodash", "4.17.15")
ANSWER_SECONDS, TOOL_SECONDS = 10, 120

Pin = tuple[str, str]


class Audit(NamedTuple):
    """What is known of a lock's pins (name, version): the advisories of some, and whom nobody
    answered for.
    """

    locked: set[Pin]
    holes: dict[Pin, str]
    missed: set[Pin]
    why: str


class NoAnswer(Exception):
    """The tool said nothing that can be believed; the message is its reason in one line."""


def main() -> int:
    """Print one line for each lock and one for each hole; 1 when there is a hole."""
    audits = {
        "Python": audited(python_pins(), ask_pip_audit, BAD_PYTHON),
        "npm": audited(npm_pins(), ask_npm, BAD_NPM),
    }
    for name, found in audits.items():
        answered = len(found.locked) - len(found.missed)
        print(f"{name}: {answered} of {len(found.locked)} locked packages audited.")
        if found.missed:
            which = ", ".join(sorted("==".join(pin) for pin in found.missed)) if answered else "all"
            print(f"{name}: NOT AUDITED: {which} ({found.why}).")
        for pin, advisories in sorted(found.holes.items()):
            print(f"{name}: VULNERABLE: {'=='.join(pin)}: {advisories}")
    return int(any(found.holes for found in audits.values()))


def audited(locked: set[Pin], ask: Callable[[set[Pin]], dict[Pin, str]], bad: Pin) -> Audit:
    """What `ask(pins)` knows: it returns the answered pins with their advisories."""
    try:
        known = ask(locked | {bad})
    except NoAnswer as error:
        return Audit(locked, {}, locked, str(error))
    holes = {pin: found for pin, found in known.items() if found and pin in locked}
    if known.get(bad):
        return Audit(locked, holes, locked - known.keys(), "the source does not know them")
    why = f"the source does not know that {'=='.join(bad)} is vulnerable"
    return Audit(locked, holes, locked - holes.keys(), why)


def python_pins() -> set[Pin]:
    """Every (name, version) in requirements/*.txt, whatever platform it is for."""
    found = set()
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        found |= {(name.lower(), version) for name, version in PIN.findall(path.read_text())}
    return found


def ask_pip_audit(pins: set[Pin]) -> dict[Pin, str]:
    """PyPI's advisories by pip-audit, which takes each name once: other versions go in turns."""
    known: dict[Pin, str] = {}
    waiting = sorted(pins)
    while waiting:
        turn = dict(waiting)
        waiting = [pin for pin in waiting if turn[pin[0]] != pin[1]]
        known |= _ask_pip_audit_once(turn)
    return known


def _ask_pip_audit_once(versions: Mapping[str, str]) -> dict[Pin, str]:
    with tempfile.TemporaryDirectory() as place:
        asked = Path(place) / "pins.txt"
        asked.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()))
        words = ["--requirement", str(asked), "--no-deps", "--disable-pip", "--format", "json"]
        quiet = ["--progress-spinner", "off", "--timeout", str(ANSWER_SECONDS)]
        answer = answer_of(["pip-audit", *words, *quiet])
    try:
        return {
            (one["name"].lower(), versions[one["name"].lower()]): ", ".join(
                sorted({hole["id"] for hole in one["vulns"]})
            )
            for one in answer["dependencies"]
            if "skip_reason" not in one
        }
    except (KeyError, TypeError) as error:
        raise NoAnswer("pip-audit answers in a shape of its own") from error


def npm_pins() -> set[Pin]:
    """Every (name, version) in package-lock.json."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return {
        (path.rpartition("node_modules/")[2], one["version"])
        for path, one in packages.items()
        if path
    }


def ask_npm(pins: set[Pin]) -> dict[Pin, str]:
    """npm's advisories; it tells how many packages it looked at, not which."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    name, version = BAD_NPM
    lock["packages"][""]["dependencies"][name] = version
    lock["packages"][f"node_modules/{name}"] = {"version": version}
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "package-lock.json").write_text(json.dumps(lock))
        (Path(place) / "package.json").write_text(json.dumps(lock["packages"][""]))
        patience = ["--fetch-retries=0", f"--fetch-timeout={ANSWER_SECONDS * 1000}"]
        answer = answer_of(["npm", "audit", "--json", "--package-lock-only", *patience], place)
    try:
        if "error" in answer:
            raise NoAnswer(first_line(answer.get("message") or json.dumps(answer["error"])))
        count = answer["metadata"]["dependencies"]["total"]
        holes = {name: _reasons(one) for name, one in answer["vulnerabilities"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise NoAnswer("npm answers in a shape of its own") from error
    expected = len(lock["packages"]) - 1  # the first is ourselves
    if count < expected:
        raise NoAnswer(f"npm looked at {count} of {expected} packages and does not say which")
    return {pin: holes.get(pin[0], "") for pin in pins}


def _reasons(hole: Mapping[str, Any]) -> str:
    return ", ".join(
        sorted({why if isinstance(why, str) else str(why["url"]) for why in hole["via"]})
    )


def answer_of(command: list[str], place: str | None = None) -> dict[str, Any]:
    """The JSON a tool prints, whatever its status. Raises NoAnswer."""
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswer(first_line(str(error))) from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        last = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise NoAnswer(f"{command[0]}: {first_line(last)}") from error
    if not isinstance(answer, dict):
        raise NoAnswer(f"{command[0]} answers in a shape of its own")
    return answer


def first_line(text: str) -> str:
    """The beginning of what a tool said."""
    return text.strip().splitlines()[0][:200] if text.strip() else "no reason was given"


if __name__ == "__main__":
    raise SystemExit(main())
