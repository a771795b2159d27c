"""Meshes that KPOINTS or INCAR state by a length, and VASP divides by the cell."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from qddft.engines.vasp.read.readings import KMesh, Structure


def mesh_of_inputs(kpoints: KMesh | None, tags: Mapping[str, Any], structure: Structure | None) -> KMesh | None:
    """Return the mesh that VASP would use.

    Parameters
    ----------
    kpoints
        What KPOINTS says; ``None`` without the file.
    tags
        Of the INCAR, canonical.
    structure
        What is computed; without it a length stays a length.

    Notes
    -----
    N = max(1, ceil(2 pi |b| / KSPACING)) (VASP wiki, KSPACING); N = int(max(1, R |b| + 0.5)) for a length R in KPOINTS
    (VASP wiki, KPOINTS); b without 2 pi.
    """
    if structure is None or (kpoints is not None and kpoints.length is None):
        return kpoints
    heights = np.linalg.norm(np.linalg.inv(structure.cell), axis=0)
    if kpoints is not None and kpoints.length is not None:
        divisions = [int(max(1.0, kpoints.length * float(height) + 0.5)) for height in heights]
        return replace(kpoints, divisions=(divisions[0], divisions[1], divisions[2]))
    # without either VASP takes its default, but a file that was not kept with the others is as likely
    spacing = tags.get("KSPACING")
    if not isinstance(spacing, int | float) or isinstance(spacing, bool) or not spacing > 0:
        return None
    # a spacing that divides exactly must not be rounded up
    divisions = [max(1, math.ceil(2 * math.pi * float(height) / spacing - 1e-9)) for height in heights]
    scheme = "monkhorst-pack" if tags.get("KGAMMA") is False else "gamma"
    return KMesh(scheme, (divisions[0], divisions[1], divisions[2]))
