"""What a jail's process does: it locks itself in, then calls a stranger's function for each line.

Run as a script by `python -I -S`; the standard library only, for nothing else is within reach. Two
processes: the outer waits and ends the inner one when the asker is gone; the inner is the first of
its own process namespace, so that all it could start ends with it.
"""

import ctypes
import errno
import json
import os
import resource
import select
import struct
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

MEMORY = 2 * 10**9
SECONDS = 120
"""Most seconds of one call; a process is allowed twice as many seconds of CPU, and then ends."""

NOBODY = 65534
FILE = "<source>"
LONGEST_ERROR = 1_000

NEW_NAMESPACES = {
    "mount": 0x0002_0000,
    "hostname": 0x0400_0000,
    "IPC": 0x0800_0000,
    "user": 0x1000_0000,
    "process": 0x2000_0000,
    "network": 0x4000_0000,
}
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC = 0x1, 0x20, 0x1000, 0x4000
MS_NOSUID_NODEV = 0x2 | 0x4
LOCKED = 0x2 | 0x4 | 0x8 | 0x400 | 0x800
"""Mount flags (nosuid, nodev, noexec, noatime, nodiratime) that a new user may not take away."""
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
SIGKILL = 9
CAPABILITY_VERSION_3 = 0x2008_0522

# linux/landlock.h. A kernel refuses rights it does not know: how many of files each ABI has.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ABI_OF_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
FILE_RIGHTS_NOW = 16
READ_FILE, READ_DIR = 0x4, 0x8
ABI_OF_NETWORK, ABI_OF_SCOPES = 4, 6

# Calls that reach past the limits below, look into processes or gain rights, and the kernel's most
# often broken doors: their numbers on x86_64 and on aarch64.
ARCHITECTURES = {"x86_64": (0, 0xC000_003E), "aarch64": (1, 0xC000_00B7)}
FORBIDDEN = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "execve": (59, 221),
    "execveat": (322, 281),
    "io_uring_setup": (425, 425),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "msgget": (68, 186),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "socket": (41, 198),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
X32 = 0x4000_0000
"""From here on x86_64 has a second set of numbers."""
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
CALL_AT, ARCHITECTURE_AT = 0, 4
ALLOW, NOT_PERMITTED = 0x7FFF_0000, 0x0005_0000 | errno.EPERM

LIMITS = {
    "AS": MEMORY,
    "CPU": 2 * SECONDS,
    "FSIZE": 0,
    "NPROC": 1,
    "NOFILE": 32,
    "CORE": 0,
    "MEMLOCK": 0,
    "MSGQUEUE": 0,
}


class Refused(Exception):
    """This kernel cannot lock a process in; the message says what it lacks."""


class Told(Exception):
    """What is wrong with the stranger's code, as a sentence."""


def main() -> None:
    """Lock in and answer, or answer with `refused` and why."""
    root, answers = os.geteuid() == 0, os.dup(1)
    try:
        _first_to_go()
        reach = within_reach()
        leave(root)
        if (inner := os.fork()) != 0:
            os._exit(watched(inner))
        os.setsid()  # its group is its own: a signal to all of it reaches nobody else
        calls = os.dup(0)
        silence()
        bring(reach)
        give_up_rights(root)
        allow_reading_only()
        forbid_calls()
        for what, most in LIMITS.items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))
    except (Refused, OSError) as error:
        os.write(answers, json.dumps({"refused": str(error)}).encode() + b"\n")
        os._exit(1)
    serve(os.fdopen(calls, "rb"), os.fdopen(answers, "wb"))


def _first_to_go() -> None:
    """Where memory runs out, the kernel is to end this process before any other."""
    Path("/proc/self/oom_score_adj").write_text("1000")


def within_reach() -> list[str]:
    """The directories Python runs from: its modules, and those of the libraries it has loaded."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    loaded = {line.split(maxsplit=5)[5] for line in maps if ".so" in line}
    modules = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    found = {os.path.realpath(path) for path in (*map(os.path.dirname, loaded), *modules)}
    return [p for p in sorted(found) if not any(p.startswith(f"{other}/") for other in found)]


def leave(root: bool) -> None:
    """Go into new namespaces; a child that stays behind says who is who in them, as only it may."""
    me, users = os.getpid(), [0, NOBODY] if root else [os.geteuid()]
    groups = users if root else [os.getegid()]
    if root:
        os.setgroups([])
    wait, go = os.pipe()
    if (helper := os.fork()) == 0:
        os.close(go)
        os.read(wait, 1)
        try:
            Path(f"/proc/{me}/setgroups").write_text("deny")
            Path(f"/proc/{me}/gid_map").write_text("".join(f"{n} {n} 1\n" for n in groups))
            Path(f"/proc/{me}/uid_map").write_text("".join(f"{n} {n} 1\n" for n in users))
        except OSError:
            os._exit(1)
        os._exit(0)
    try:
        call("unshare", sum(NEW_NAMESPACES.values()), why="new namespaces are not allowed here")
    finally:
        os.close(go)
        os.close(wait)
        _, status = os.waitpid(helper, 0)
    if status:
        raise Refused("new namespaces are not allowed here: their users cannot be set.")


def watched(inner: int) -> int:
    """Wait for the inner process and end it when the asker closes its pipe; how it ended."""
    ended = os.pidfd_open(inner)
    either = select.poll()
    either.register(0, 0)  # only POLLHUP: the calls are the inner process's to read
    either.register(ended, select.POLLIN)
    either.poll()
    os.kill(inner, SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1])
    return status if status >= 0 else 128 - status


def silence() -> None:
    """What the stranger prints goes nowhere."""
    nowhere = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.close(nowhere)


def bring(reach: list[str]) -> None:
    """Make an empty file system with these directories in it, read-only, and move there."""
    handles = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in reach]
    base = "/tmp"  # noqa: S108 - only a place to mount on, seen by nobody else
    why = "a file system of its own is not allowed here"
    call("mount", b"none", base.encode(), b"tmpfs", MS_NOSUID_NODEV, b"size=1m,mode=755", why=why)
    os.umask(0o022)  # nobody, too, is to find the way to these
    for path, handle in zip(reach, handles, strict=True):
        Path(base + path).mkdir(parents=True)
        place = (base + path).encode()
        source = f"/proc/self/fd/{handle}".encode()
        call("mount", source, place, None, MS_BIND | MS_REC, None, why=why)
        flags = os.statvfs(place).f_flag & LOCKED | MS_BIND | MS_REMOUNT | MS_RDONLY
        call("mount", None, place, None, flags, None, why=why)
        os.close(handle)
    flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID_NODEV
    call("mount", None, base.encode(), None, flags, None, why=why)
    os.chroot(base)  # a process in a chroot cannot make user namespaces, and so win no rights back
    os.chdir("/")


def give_up_rights(root: bool) -> None:
    """Become nobody where it was root; keep no capability, and win none by any program."""
    if root:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    call("prctl", PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, why="it cannot be tied to its parent")
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, why="no_new_privs is not known here")
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)(), why="its rights cannot be given up")


def allow_reading_only() -> None:
    """Landlock: read what is here; write, make, run, connect and signal nothing."""
    why = "this kernel has no Landlock (Linux 5.13 and later, with 'landlock' among its LSMs)"
    abi = call("syscall", CREATE_RULESET, None, ctypes.c_size_t(0), 1, why=why)
    files = (1 << ABI_OF_FILE_RIGHTS.get(abi, FILE_RIGHTS_NOW)) - 1
    network = 0b11 if abi >= ABI_OF_NETWORK else 0
    scopes = 0b11 if abi >= ABI_OF_SCOPES else 0
    handled = (ctypes.c_uint64 * 3)(files, network, scopes)
    known = 8 * (1 + (abi >= ABI_OF_NETWORK) + (abi >= ABI_OF_SCOPES))
    rules = call("syscall", CREATE_RULESET, handled, ctypes.c_size_t(known), 0, why=why)
    here = os.open("/", os.O_PATH)
    beneath = (ctypes.c_uint64 * 2)(READ_FILE | READ_DIR, here)
    call("syscall", ADD_RULE, rules, 1, beneath, 0, why=why)
    call("syscall", RESTRICT_SELF, rules, 0, why=why)
    os.close(here)
    os.close(rules)


def forbid_calls() -> None:
    """Seccomp: these calls, and all of another architecture, answer 'not permitted'."""
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise Refused(f"the numbers of this machine's calls ({machine}) are not known here.")
    column, architecture = ARCHITECTURES[machine]
    numbers = sorted(both[column] for both in FORBIDDEN.values())
    deny = len(numbers) + 1  # how far the denial stands behind the first comparison of a number
    steps = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_IF_EQUAL, 0, deny + 2, architecture),
        (LOAD, 0, 0, CALL_AT),
        (JUMP_IF_AT_LEAST, deny, 0, X32),
        *((JUMP_IF_EQUAL, deny - 1 - at, 0, number) for at, number in enumerate(numbers)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, NOT_PERMITTED),
    ]
    packed = b"".join(struct.pack("=HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(packed, len(packed))
    program = struct.pack("@HP", len(steps), ctypes.addressof(kept))
    why = "seccomp is not known here"
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0, why=why)


def call(name: str, *arguments: Any, why: str) -> int:
    """This function of the C library. Raises Refused with `why` and the kernel's word."""
    library = ctypes.CDLL(None, use_errno=True)
    answer: int = getattr(library, name)(*arguments)
    if answer < 0:
        raise Refused(f"{why}: {name}: {os.strerror(ctypes.get_errno())}.")
    return answer


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """First a line with `source` and `function`, then one of arguments a call; one answer each."""
    first = json.loads(calls.readline())
    answer = attempted(lambda: define(first["source"], first["function"]))
    if (function := answer.get("value")) is not None:
        answer = {"value": None}
    while True:
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if function is None or not (line := calls.readline()):
            return
        arguments = json.loads(line)
        answer = attempted(lambda: as_json(function(*arguments)))  # noqa: B023 - called at once


def define(source: str, name: str) -> Callable[..., Any]:
    """Run the source and give the function of this name."""
    names: dict[str, Any] = {"__name__": "source"}
    exec(compile(source, FILE, "exec"), names)  # noqa: S102 - what a jail is for
    if not callable(names.get(name)):
        raise Told(f"The source defines no function '{name}'.")
    function: Callable[..., Any] = names[name]
    return function


def as_json(value: Any) -> Any:
    """The value as JSON has it, NaN and infinity included."""
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise Told(f"It returned a value of type {type(value).__name__}, no JSON.") from error


def attempted(act: Callable[[], Any]) -> dict[str, Any]:
    """What it gives as `value`, or `error`: the last line a traceback has, and where it was."""
    try:
        return {"value": act()}
    except Told as error:
        return {"error": str(error)}
    except MemoryError as error:
        return {"error": f"{place(error)}it needs more than {MEMORY // 10**9} GB of memory."}
    except BaseException as error:  # noqa: BLE001 - SystemExit and all else end nothing here
        last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        return {"error": (place(error) + last)[:LONGEST_ERROR]}


def place(error: BaseException) -> str:
    """The last line of the source that this came from, as 'Line 3: '."""
    lines = [at for frame, at in traceback.walk_tb(error.__traceback__) if _is_source(frame)]
    if isinstance(error, SyntaxError) and error.filename == FILE and error.lineno:
        lines = [error.lineno]
    return f"Line {lines[-1]}: " if lines else ""


def _is_source(frame: FrameType) -> bool:
    return frame.f_code.co_filename == FILE


if __name__ == "__main__":
    main()
