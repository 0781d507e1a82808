"""The folder an instance lives in: private, held by one process at a time."""

import fcntl
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDERS = ("blobs", "index", "events", "trainer", "valkey", "logs", "run")
PRIVATE = 0o700
# sockaddr_un: 108 bytes on Linux, 104 on macOS, the closing zero included.
SOCKET_PATH_LIMIT = 107 if sys.platform == "linux" else 103


class HomeTaken(RuntimeError):
    """Another instance lives in this folder, or it cannot be used."""


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Make `home` and its folders, readable by their owner alone, and keep other instances out.

    Raises HomeTaken with a sentence for the person at the terminal.
    """
    os.umask(0o077)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        home.chmod(PRIVATE)
        for name in FOLDERS:
            (home / name).mkdir(exist_ok=True, mode=PRIVATE)
        lock = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeTaken(f"{home} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(lock, 32, 0).decode().strip() or "unknown"
        os.close(lock)
        raise HomeTaken(
            f"Luthier already runs in {home} (process {holder}). "
            "Stop it first, or start this one with another LUTHIER_HOME and PORT."
        ) from error
    try:
        os.truncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def socket_path(home: Path, name: str) -> Path:
    """Where a unix socket of this instance may lie.

    Under `home/run`, or where that path would be too long for the kernel, in a private temporary
    folder, remembered for the next start.
    """
    near = home / "run" / name
    if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
        return near
    note = home / "run" / "sockets"
    with suppress(OSError):
        known = Path(note.read_text())
        state = known.lstat()
        if known.is_dir() and state.st_uid == os.getuid() and state.st_mode & 0o777 == PRIVATE:
            return known / name
    made = Path(tempfile.mkdtemp(prefix="luthier-"))  # mode 0700
    note.write_text(str(made))
    return made / name


def forget_sockets(home: Path) -> None:
    """Remove the temporary folder of `socket_path`, if one was made."""
    note = home / "run" / "sockets"
    with suppress(OSError):
        shutil.rmtree(note.read_text())
        note.unlink()


def trainer_port(home: Path) -> int:
    """A loopback port for the trainer: picked once and kept, picked anew when it is taken."""
    note = home / "trainer.port"
    with suppress(OSError, ValueError):
        known = int(note.read_text())
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", known))
            return known
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    note.write_text(f"{port}\n")
    return port
