"""The place that a user names: looked at once, so that permissions and broken links are told, not met later."""

import os
import stat
from pathlib import Path

from qddft.core.errors import OutputError


def located(path: str | Path) -> Path:
    """Return a path with its ``~`` expanded; what does not exist is left to the caller, who knows what to suggest.

    Raises
    ------
    OutputError
        It is no path, a folder that may not be listed or entered, a link to nothing or in a circle.
    """
    try:
        where = Path(path).expanduser()
    except RuntimeError as error:
        raise OutputError(f"{path} names a user without a home folder: {error}") from error
    try:
        if stat.S_ISDIR(where.stat().st_mode):
            with os.scandir(where):
                (where / ".").stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        if where.is_symlink():
            raise OutputError(f"{where} is a link to {where.readlink()}, which does not exist") from error
    except OSError as error:
        remedy = "; change its permissions or copy it" if isinstance(error, PermissionError) else ""
        raise OutputError(f"{where} cannot be read: {error.strerror}{remedy}") from error
    except ValueError as error:
        raise OutputError(f"{path} is no path: {error}") from error
    return where
