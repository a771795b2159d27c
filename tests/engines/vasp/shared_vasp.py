"""Where the third-party VASP files lie that the tests read, when they are there."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "vasp"
present = pytest.mark.skipif(
    not (FOLDER / "reference.json").is_file(),
    reason="the third-party VASP files (../shared/vasp beside the repository) are not on this machine",
)


def reference() -> dict:
    """Return the reference values of all files, empty without the folder."""
    path = FOLDER / "reference.json"
    return json.loads(path.read_text())["files"] if path.is_file() else {}


def derived() -> dict:
    """Return the derived reference values."""
    return json.loads((FOLDER / "reference.json").read_text())["derived"]


def of_kind(kind: str) -> list[str]:
    """Return the names of the files of one kind."""
    return [name for name, entry in reference().items() if entry["reference"].get("kind") == kind]
