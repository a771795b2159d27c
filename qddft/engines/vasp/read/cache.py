"""Remember what was read: one hidden file beside a run, valid as long as its files are the same."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from qddft.core.files import write_json
from qddft.engines.vasp.read.dispatch import read_outputs
from qddft.engines.vasp.read.source import OUTPUTS_JSON
from qddft.outputs.outputs import Outputs
from qddft.outputs.places import located
from qddft.outputs.store import outputs_from_dict, outputs_to_dict

CACHE = ".qddft-read.json"
# raised whenever the readers give more, or something else, for the same files
FORMAT = 2
_ENDS = 4096


def cached_outputs(path: str | Path) -> Outputs:
    """Read a finished calculation like ``read_outputs``, at once when its folder has not changed since the last time.

    The result is kept in the folder as ``.qddft-read.json`` with size, time of change and a hash over both ends of
    every file beside it. A folder that cannot be written to is read afresh each time.

    Parameters
    ----------
    path
        Folder of the calculation; a single file is read without remembering.

    Raises
    ------
    OutputError
        As ``read_outputs``.
    """
    folder = located(path)
    if not folder.is_dir() or (folder / OUTPUTS_JSON).is_file():
        return read_outputs(path)
    key = fingerprint(folder)
    remembered = _remembered(folder / CACHE, key)
    if remembered is not None:
        return replace(remembered, source=str(path))
    outputs = read_outputs(path)
    if _storable(outputs):
        _remember(folder / CACHE, key, outputs)
    return outputs


def fingerprint(folder: Path) -> dict[str, Any]:
    """Return name -> [size, time of change (ns), hash of both ends] of the visible files of a folder."""
    with os.scandir(folder) as entries:
        files = sorted((entry.name, entry.stat()) for entry in entries if _counts(entry))
    return {name: [status.st_size, status.st_mtime_ns, _hash_of_ends(folder / name)] for name, status in files}


def _counts(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_file()


def _hash_of_ends(path: Path) -> str:
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256(file.read(_ENDS))
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _ENDS, 0))
            digest.update(file.read(_ENDS))
    except OSError:
        # often the POTCAR of somebody else: what cannot be read was not read, size and time remain
        return "unreadable"
    return digest.hexdigest()[:32]


def _remembered(path: Path, key: dict[str, Any]) -> Outputs | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or data["files"] != key:
            return None
        return outputs_from_dict(data["outputs"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, ValueError):
        # absent, cut or foreign: read the run itself
        return None


def _remember(path: Path, key: dict[str, Any], outputs: Outputs) -> None:
    try:
        write_json(path, {"format": FORMAT, "files": key, "outputs": outputs_to_dict(outputs)})
    except OSError:
        # a read-only or full disk only costs the time of reading again
        return


def _storable(outputs: Outputs) -> bool:
    """Return whether JSON keeps all of it: atoms that are frozen in part of their coordinates are not kept."""
    return all(type(constraint).__name__ == "FixAtoms" for constraint in outputs.atoms.constraints)
