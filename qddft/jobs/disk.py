"""Plain words for what a disk refuses."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qddft.core.errors import FolderError

_REMEDIES = {
    errno.ENOSPC: "the disk is full; make room and run again, nothing that was done is lost",
    errno.EDQUOT: "the disk quota is used up; make room and run again, nothing that was done is lost",
    errno.EROFS: "this file system is read-only; take another folder",
    errno.EACCES: "no permission to write there; take another folder or change its permissions",
    errno.EPERM: "no permission to write there; take another folder or change its permissions",
    errno.ENAMETOOLONG: "the path is too long; take a shorter one",
    errno.ENOTDIR: "a part of this path is a file, not a folder; take another path",
    errno.EIO: "the disk reports an input/output error; check it before you run again",
}


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn the system's refusals inside the block into a ``FolderError`` that names ``where`` and a remedy."""
    try:
        yield
    except FolderError:
        raise
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        raise FolderError(f"{error.filename or where}: {_REMEDIES[error.errno]}") from error
