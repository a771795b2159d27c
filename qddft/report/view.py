"""A structure to turn in a browser: one page, its script inside, no network."""

from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.report.pictures import COLORS, MOST_CONTACTS, OTHER_COLOR, SPHERE, bonds_of, contacts_of

if TYPE_CHECKING:
    from ase import Atoms

# of carbon atoms and bonds of each kind of ligand (Okabe and Ito, 10.1038/nmeth.1618, darker where black text is near)
TINTS = ("#0072B2", "#CC6600", "#007A5A", "#AA4499", "#7A6A00", "#56309A")


def structure_page(atoms: "Atoms", title: str) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    atoms
        A slab, complex or molecule; each kind of ligand has a color of its own, anchor contacts carry their length.
    title
        Heading of the page.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("qddft.report"), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("view.html.j2").render(title=title, scene=scene_of(atoms))


def scene_of(atoms: "Atoms") -> dict[str, Any]:
    """Return what the script draws, JSON types: atoms, bonds, contacts, cell; Angstrom, centered on the atoms."""
    from ase.data import covalent_radii

    fragment = np.asarray(atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int)))
    center = (atoms.positions.max(axis=0) + atoms.positions.min(axis=0)) / 2
    names = [str(entry.get("name", "")) for entry in atoms.info.get("qddft", {}).get("fragments", [])]
    return {
        "symbols": atoms.get_chemical_symbols(),
        "positions": np.round(atoms.positions - center, 4).tolist(),
        "radii": np.round(SPHERE * covalent_radii[atoms.numbers], 3).tolist(),
        "colors": [COLORS.get(symbol, OTHER_COLOR) for symbol in atoms.get_chemical_symbols()],
        "fragments": fragment.tolist(),
        "names": names or ["structure"],
        "tints": _tints(fragment, names),
        "bonds": bonds_of(atoms, fragment).tolist(),
        "contacts": [
            {
                "from": np.round(start - center, 4).tolist(),
                "to": np.round(end - center, 4).tolist(),
                "label": f"{np.linalg.norm(end - start):.2f} Å",
            }
            for start, end in contacts_of(atoms, most=MOST_CONTACTS)
        ],
        "cell": _cell(atoms, center),
    }


def _tints(fragment: np.ndarray, names: list[str]) -> dict[str, str]:
    """Return a color for each ligand, by the number of its fragment; equal ligands have equal colors."""
    numbers = sorted({int(number) for number in fragment.tolist()} - {0})
    kinds = {number: names[number] if number < len(names) else str(number) for number in numbers}
    order = list(dict.fromkeys(kinds.values()))
    return {str(number): TINTS[order.index(kind) % len(TINTS)] for number, kind in kinds.items()}


def _cell(atoms: "Atoms", center: np.ndarray) -> list[list[list[float]]]:
    """Return the twelve edges of the cell as pairs of points, none for a free molecule."""
    if atoms.cell.rank < 3:
        return []
    steps = np.eye(3)
    starts = [np.array([i, j, k], dtype=float) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    edges = [(low, low + steps[axis]) for low in starts for axis in range(3) if low[axis] == 0]
    return [[np.round(end @ atoms.cell.array - center, 4).tolist() for end in edge] for edge in edges]
