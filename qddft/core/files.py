"""Files that are either whole or absent."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_bytes(path: Path, content: bytes, *, flush: bool = True) -> None:
    """Write a file under a temporary name in the same folder, flush it to disk, then rename it.

    ``flush=False`` leaves the flushing to the caller, who has many files to write and calls ``os.sync`` after the last.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if flush:
                os.fsync(file.fileno())
        # mkstemp makes files private; a run folder is shared like any other file of the user
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, flush: bool = True) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    write_bytes(path, text.encode("utf-8"), flush=flush)


def write_json(path: Path, value: Any, *, flush: bool = True) -> None:
    """Write a value as indented JSON, whole or not at all; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n", flush=flush)
