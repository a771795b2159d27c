"""Looking at what was built: a still picture, or a page to turn."""

from pathlib import Path
from typing import TYPE_CHECKING

from qddft.cli.console import place, say
from qddft.core.errors import FolderError

if TYPE_CHECKING:
    from ase import Atoms


def save_picture(atoms: "Atoms", path: Path) -> None:
    """Write a still picture from the side and from above.

    Raises
    ------
    FolderError
        The folder is missing or cannot be written to.
    """
    from qddft.core.files import write_bytes
    from qddft.jobs.disk import disk_errors
    from qddft.report.pictures import structure_picture
    from qddft.report.style import png_bytes

    _check_folder(path)
    with disk_errors(path):
        write_bytes(path, png_bytes(structure_picture(atoms)))
    say(f"picture {place(path)}")


def save_view(atoms: "Atoms", path: Path, title: str) -> None:
    """Write one page with the structure to turn in a browser; it works offline.

    Raises
    ------
    FolderError
        The folder is missing or cannot be written to.
    """
    from qddft.core.files import write_text
    from qddft.jobs.disk import disk_errors
    from qddft.report.view import structure_page

    _check_folder(path)
    with disk_errors(path):
        write_text(path, structure_page(atoms, title))
    say(f"page to turn {place(path)}")


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise FolderError(f"the folder {path.parent} does not exist; make it first, or give another name")
