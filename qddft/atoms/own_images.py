"""A molecule and its own lateral images."""

import numpy as np

from qddft.atoms.contacts import lattice_points


def own_translations(lattice: np.ndarray, size: float, reach: float) -> np.ndarray:
    """Return the lateral translations at which a molecule may touch its image, one of each pair of opposite ones.

    Parameters
    ----------
    lattice
        Lateral lattice, shape (2, 3), Angstrom.
    size
        Largest distance of two atoms of the molecule, Angstrom.
    reach
        Largest distance at which two atoms touch, Angstrom.

    Returns
    -------
    array
        Shape (n, 3), shortest first, Angstrom.
    """
    counts = lattice_points(lattice, size + reach)
    half = (counts[:, 0] > 0) | ((counts[:, 0] == 0) & (counts[:, 1] > 0))
    return np.asarray(counts[half] @ lattice)


def own_images_clear(positions: np.ndarray, radii: np.ndarray, translations: np.ndarray, limit: float) -> bool:
    """Tell whether a molecule stays clear of its own lateral images.

    Parameters
    ----------
    positions
        Shape (n_atoms, 3), Angstrom.
    radii
        Van der Waals radii, Angstrom, shape (n_atoms,).
    translations
        From ``own_translations``.
    limit
        Smallest ratio allowed.
    """
    reach = limit * 2 * float(radii.max())
    lengths = np.linalg.norm(translations, axis=1)
    along = positions @ (translations / lengths[:, None]).T
    low, high = along.min(axis=0), along.max(axis=0)
    for k in np.flatnonzero(high - low > lengths - reach):
        # parts of the molecule that face each other across the translation
        left = along[:, k] > low[k] + lengths[k] - reach
        right = along[:, k] < high[k] - lengths[k] + reach
        gaps = positions[left][:, None, :] - positions[right][None, :, :] - translations[k]
        ratios = np.einsum("ijk,ijk->ij", gaps, gaps) / np.add.outer(radii[left], radii[right]) ** 2
        if ratios.min() < limit**2:
            return False
    return True
