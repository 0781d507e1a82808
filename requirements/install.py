"""Install one hash-pinned list into `.venv`: `python requirements/install.py run`.

Makes the environment when it is missing, and does nothing when the list has not changed. Starts
on old versions of Python too, to say plainly that they are too old.
"""

import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
OLDEST = (3, 11)


def main(name):
    """Bring `.venv` up to date with `requirements/NAME.txt`; the exit status."""
    if sys.version_info < OLDEST:
        print("Luthier needs Python 3.11 or later; this is %s." % sys.version.split()[0])
        print("With another one installed, say for example: make run PYTHON=python3.12")
        return 1
    python = os.path.join(VENV, "bin", "python")
    wanted = os.path.join(ROOT, "requirements", name + ".txt")
    with open(wanted, "rb") as pinned:
        state = hashlib.sha256(pinned.read()).hexdigest()
    stamp = os.path.join(VENV, "installed-" + name)
    if os.path.exists(python) and (read(stamp) == state or is_part_of_another(wanted)):
        return 0
    if not works(python, "-c", "pass"):
        print("Making .venv ...", flush=True)
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False)
        if made.returncode:
            print("Python's venv module is missing. On Debian: apt install python3-venv")
            return 1
    if not works(python, "-m", "pip", "--version"):
        subprocess.run([python, "-m", "ensurepip"], check=True)
    print("Installing requirements/%s.txt ..." % name, flush=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    done = subprocess.run([*pip, "--require-hashes", "--requirement", wanted], check=False)
    if done.returncode == 0:
        with open(stamp, "w") as note:
            note.write(state)
    return done.returncode


def is_part_of_another(wanted):
    """Whether everything on the list is on a longer one that is installed as it stands."""
    pins = set(read(wanted).splitlines())
    for name in os.listdir(os.path.dirname(wanted)):
        stem, kind = os.path.splitext(name)
        text = read(os.path.join(os.path.dirname(wanted), name))
        if kind == ".txt" and pins <= set(text.splitlines()):
            state = hashlib.sha256(text.encode()).hexdigest()
            if read(os.path.join(VENV, "installed-" + stem)) == state:
                return True
    return False


def read(path):
    """The text of a file, or nothing."""
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def works(*command):
    """Whether a command can be run and succeeds."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.run(command, check=False, **quiet).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
