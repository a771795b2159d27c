"""Which files a number came from, by path and by content."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def input_hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """Return path -> SHA-256 of the content, for the files that exist; of a folder, its result files."""
    from qddft.engines.vasp.read.dispatch import result_files

    found: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            product = path / "outputs.json"
            found += [product] if product.is_file() else result_files(path)
        elif path.is_file():
            found.append(path)
    return {str(path): _sha256(path) for path in dict.fromkeys(found)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
