"""Locks that the kernel gives back when their holder dies, however it dies."""

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qddft.core.errors import FolderError

_PAUSE = 0.05
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class LockedError(FolderError):
    """Somebody else holds the lock."""


@contextmanager
def hold(path: Path, *, patience: float = 1.0) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs.

    Parameters
    ----------
    path
        Made when missing and left in place: a lock file that is deleted can be locked twice.
    patience
        How long to wait for another holder, s. Looking whether a lock is held holds it for an instant, therefore
        the default is not zero.

    Raises
    ------
    LockedError
        Another process holds it still; the message names that process.
    FolderError
        The file system knows no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _wait_for(handle, path, patience)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        # closing gives the lock back
        os.close(handle)


def is_held(path: Path) -> bool:
    """Tell whether a living process holds the lock file ``path``."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # a run of somebody else that may only be read
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return not _try(handle, path, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def holder(path: Path) -> str:
    """Return in words who took the lock last."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
    except FileNotFoundError:
        return "another process"


def _wait_for(handle: int, path: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while not _try(handle, path, fcntl.LOCK_EX):
        if time.monotonic() >= end:
            raise LockedError(f"{path.parent} is in use by {holder(path)}; wait until it has ended, or end it")
        time.sleep(_PAUSE)


def _try(handle: int, path: Path, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno in _NO_LOCKS:
            raise FolderError(
                f"{path.parent}: this file system has no file locks; put the run on another one"
            ) from error
        raise
    return True
