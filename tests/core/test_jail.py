"""What a stranger's function can do in its jail: compute. Everything here tries something else."""

import os
import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.core import jail, owned
from app.core.jail import Failed, Jail

if lacks := jail.obstacle():
    pytest.skip(lacks, allow_module_level=True)

OUTCOME = """
import ctypes, os, resource, signal, socket, sys, threading
LIBC = ctypes.CDLL(None, use_errno=True)
def told(act):
    try:
        return str(act())
    except BaseException as error:
        return type(error).__name__
"""
DENIED = {"PermissionError", "FileNotFoundError", "OSError", "BlockingIOError", "RuntimeError"}
SOON = 5.0


@pytest.fixture
def jailed():
    """Make jails of an expression of x, and end them."""
    made: list[Jail] = []
    before = os.umask(0o077)  # as the program has it

    def of(expression: str, before: str = "") -> Jail:
        made.append(Jail(f"{OUTCOME}{before}\ndef act(x):\n    return {expression}\n", "act"))
        return made[-1]

    yield of
    os.umask(before)
    for each in made:
        each.close()


def inside() -> list[int]:
    """Processes of jails below this one."""
    below = owned.descendants(os.getpid())
    return [pid for pid in below if "jail_inside" in _command(pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def gone() -> bool:
    until = time.monotonic() + SOON
    while inside() and time.monotonic() < until:
        threading.Event().wait(0.01)
    return not inside()


def test_it_computes_call_after_call_in_one_process(jailed):
    counts = jailed("seen.append(x) or len(seen)", "seen = []")

    assert [counts.call(x) for x in "abc"] == [1, 2, 3]


def test_the_standard_library_is_there(jailed):
    modules = (
        "bz2 csv datetime decimal difflib hashlib json random re sqlite3 statistics unicodedata"
    )
    loads = jailed(f"[__import__(name).__name__ for name in '{modules}'.split()]")

    assert loads.call(0) == modules.split()


@pytest.mark.parametrize("mode", ["r", "w"])
def test_the_secret_and_the_database_are_not_there(jailed, tmp_path: Path, mode):
    tmp_path.chmod(0o755)
    for name in ("secret.key", "luthier.db"):
        (tmp_path / name).write_text("ours")
        (tmp_path / name).chmod(0o666)
        opens = jailed(f"told(lambda: open(x, '{mode}').read())")
        assert opens.call(str(tmp_path / name)) in DENIED
        assert (tmp_path / name).read_text() == "ours"


def test_no_path_leads_out(jailed):
    tried = ["/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/sys", "/home"]
    tried += ["../../../../etc/passwd", "/proc/self/fd", str(Path(__file__))]

    assert set(jailed("[told(lambda: os.stat(p)) for p in x]").call(tried)) == {"FileNotFoundError"}


def test_nothing_can_be_written_anywhere(jailed):
    places = jailed("[told(lambda: open(p + '/x', 'w')) for p in ('', *sys.path, '/usr')]")
    changes = "[os.mkdir, os.unlink, os.rmdir, lambda p: os.chmod(p, 511), lambda p: os.utime(p)]"
    modes = jailed(f"[told(lambda: act(p)) for act in {changes} for p in ('/', os.__file__)]")

    assert set(places.call(0)) <= DENIED | {"NotADirectoryError"}
    assert set(modes.call(0)) <= DENIED | {
        "FileExistsError",
        "NotADirectoryError",
        "IsADirectoryError",
    }


def test_our_environment_and_descriptors_are_not_its_own(jailed, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("LUTHIER_SECRET", "ours")
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        sees = jailed(
            "[os.environ.get('LUTHIER_SECRET'),"
            " [n for n in range(4096) if told(lambda: os.fstat(n)) != 'OSError']]"
        )
        secret, descriptors = sees.call(0)

    assert secret is None
    assert len(descriptors) == 5  # nothing, three times, and the two pipes


def test_it_reaches_no_network_and_no_socket_of_ours(jailed):
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind("\0luthier-jail-test")
        hidden.listen()
        port = ours.getsockname()[1]
        inet = jailed("told(lambda: socket.create_connection(('127.0.0.1', x), 1))")
        unix = jailed("told(lambda: socket.socket(socket.AF_UNIX).connect(x))")

        assert inet.call(port) in DENIED
        assert unix.call("\0luthier-jail-test") in DENIED


def test_a_fork_bomb_does_not_go_off(jailed):
    bomb = jailed("[told(os.fork) for _ in range(100)]")
    threads = jailed("[told(threading.Thread(target=print).start) for _ in range(100)]")
    programs = jailed(
        "[told(lambda: os.execv(p, [p])) for p in ('/bin/su', sys.executable or '/x')]"
    )

    assert set(bomb.call(0)) == {"BlockingIOError"}
    assert set(threads.call(0)) == {"RuntimeError"}
    assert set(programs.call(0)) <= DENIED
    assert len(inside()) == 6  # an outer and an inner one each


def test_it_sees_no_process_and_signals_none(jailed):
    sends = "[told(lambda: os.kill(p, 9)) for p in (0, -1, os.getppid(), *x)]"
    kept = jailed(f"[os.getpid(), os.getppid(), {sends}]")
    pid, parent, sent = kept.call([os.getpid(), os.getppid(), *range(2, 200)])

    assert (pid, parent) == (1, 0)
    assert set(sent) <= DENIED | {"ProcessLookupError", "None"}
    assert kept.call([])[0] == 1
    assert len(inside()) == 2


def test_ptrace_and_other_calls_into_the_kernel_are_denied(jailed):
    wanted = ("ptrace", "process_vm_readv", "io_uring_setup", "unshare", "mount", "shmget", "bpf")
    from app.core.jail_inside import ARCHITECTURES, FORBIDDEN

    column = ARCHITECTURES[os.uname().machine][0]
    calls = jailed("[(LIBC.syscall(n, 0, 0, 0, 0), ctypes.get_errno()) for n in x]")

    numbers = [FORBIDDEN[name][column] for name in wanted]
    assert calls.call(numbers) == [[-1, 1]] * len(wanted)


def test_it_is_nobody_and_can_become_no_other(jailed):
    becomes = jailed(
        "[os.getuid(), os.getgroups(), told(lambda: os.setuid(0)), LIBC.prctl(39, 0, 0, 0, 0)]"
    )
    user, groups, rise, no_new_privileges = becomes.call(0)

    assert user == (65534 if os.getuid() == 0 else os.getuid())
    assert os.getuid() != 0 or groups == []
    assert rise in DENIED
    assert no_new_privileges == 1


def test_its_limits_cannot_be_raised(jailed):
    raises = jailed("told(lambda: resource.setrlimit(getattr(resource, x), (2**40, 2**40)))")

    for limit in ("RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_CPU", "RLIMIT_FSIZE"):
        assert raises.call(limit) == "ValueError"


def test_three_gigabytes_are_refused_in_words(jailed):
    fills = jailed("len(bytearray(x))")

    with pytest.raises(Failed, match=r"^Line 11: it needs more than 2 GB of memory\.$"):
        fills.call(3 * 10**9)
    assert fills.call(5) == 5


def test_an_endless_loop_is_ended_and_the_next_call_is_answered(jailed):
    loops = jailed("[0 for _ in iter(int, x)]")

    with pytest.raises(Failed, match=r"^It took longer than 0\.3 seconds\.$"):
        loops.call(1, seconds=0.3)
    assert gone()
    assert loops.call(0) == []


def test_a_gigabyte_on_stdout_goes_nowhere(jailed):
    prints = jailed("sum(sys.stdout.write(block) for _ in range(1024))", "block = 'x' * 2**20")

    assert prints.call(0) == 2**30


def test_a_gigabyte_into_its_answer_is_cut(jailed):
    floods = jailed(
        "[told(lambda: os.write(n, bytes(2**20))) for _ in range(1024) for n in range(3, 9)]"
    )

    with pytest.raises(Failed, match="more than 64 kB"):
        floods.call(0)
    assert gone()


@pytest.mark.parametrize(
    "forged", ["[", "[]", "{}", '{"value"', "[" * 50_000, '{"error": 1}', "\xff"]
)
def test_a_forged_answer_is_told(jailed, forged):
    forges = jailed(
        "[told(lambda: os.write(n, (x + chr(10)).encode('latin-1'))) for n in range(3, 9)]"
    )

    with pytest.raises(Failed, match="something else into its answer"):
        forges.call(forged)
    assert gone()


def test_an_ended_process_is_told_and_started_anew(jailed):
    ends = jailed("x or os._exit(3)")

    with pytest.raises(Failed, match=r"^Its process ended \(exit status 3\) before it returned\.$"):
        ends.call(0)
    with pytest.raises(Failed, match="SIGSEGV"):
        jailed("ctypes.string_at(0)").call(0)
    assert ends.call(1) == 1


def test_an_argument_that_nobody_reads_is_given_up_in_time(jailed):
    deaf = jailed("[0 for _ in iter(int, 1)]")

    with pytest.raises(Failed, match="longer than"):
        deaf.call("x" * 2**22, seconds=0.3)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\ndef act(x):\n    return 1 / x\n", "Line 3: ZeroDivisionError: division by zero"),
        ("def act(x):\n    return len(x))\n", "Line 2: SyntaxError: unmatched ')'"),
        (
            "import json\n\njson.loads('[')\n",
            "Line 3: json.decoder.JSONDecodeError: Expecting value",
        ),
        (
            "import nothing_like_it\n",
            "Line 1: ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("def acts(x):\n    return 1\n", "The source defines no function 'act'."),
        ("act = 5\n", "The source defines no function 'act'."),
        ("def act(x):\n    raise SystemExit(0)\n", "Line 2: SystemExit: 0"),
        ("def act(x):\n    return {1}\n", "It returned a value of type set, no JSON."),
        (
            "def act():\n    return 1\n",
            "TypeError: act() takes 0 positional arguments but 1 was given",
        ),
        (
            "def act(x):\n    return act(x)\n",
            "Line 2: RecursionError: maximum recursion depth exceeded",
        ),
    ],
)
def test_what_it_raises_is_told_with_its_line(source, words):
    with closing(Jail(source, "act")) as wrong, pytest.raises(Failed) as told:
        wrong.call(0)

    assert str(told.value).startswith(words)


def test_its_processes_end_with_it(jailed):
    calm = jailed("x")
    calm.call(1)
    calm.close()

    assert gone()


def test_its_processes_end_when_nobody_holds_it():
    assert Jail("def act(x):\n    return x\n", "act").call(1) == 1
    assert gone()
