"""Cs/Pb/X ratios of a model, as papers report them from energy-dispersive X-ray spectra (EDS)."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qddft.atoms.ions import A_CATIONS, B_CATIONS, HALIDES
from qddft.core.errors import StructureError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class IonRatios:
    """How many ions of each sublattice there are; ions of ligands, such as F of PF6, are not counted.

    Attributes
    ----------
    a, b, x
        A cations (molecular ones included), B cations and halides of the inorganic part.
    """

    a: int
    b: int
    x: int

    @property
    def ratios(self) -> tuple[float, float, float]:
        """A : B : X with B as one."""
        return self.a / self.b, 1.0, self.x / self.b

    @property
    def per_a(self) -> tuple[float, float, float]:
        """A : B : X with A as one, as EDS ratios are written; not a number without A cations."""
        return (1.0, self.b / self.a, self.x / self.a) if self.a else (np.nan, np.nan, np.nan)

    @property
    def balance(self) -> int:
        """Cs + 2 Pb - X, e: what ligands and vacancies balance."""
        return self.a + 2 * self.b - self.x

    def __str__(self) -> str:
        _, b, x = self.per_a
        listed = f"1 : {b:.2f} : {x:.2f}" if self.a else f"0 : 1 : {self.x / self.b:.2f}"
        return f"Cs : Pb : X = {listed}, X/Pb {self.x / self.b:.2f}, Cs + 2 Pb - X = {self.balance:+d}"


@dataclass(frozen=True)
class MeasuredRatios:
    """One EDS result.

    Attributes
    ----------
    ratios
        Cs : Pb : X with Cs as one; ``None`` where only X/Pb is printed.
    x_per_b
        X/Pb.
    source
        Where it is printed.
    """

    ratios: tuple[float, float, float] | None
    x_per_b: float
    source: str

    @property
    def balance(self) -> float | None:
        """Cs + 2 Pb - X per Cs, e."""
        return None if self.ratios is None else self.ratios[0] + 2 * self.ratios[1] - self.ratios[2]


_GUO = "Guo et al., Small 2025, 21(8), 2409630, CsPbI3 nanocrystals, EDS"
_REN = "Ren et al., ACS Mater. Lett. 2024, 6, 4115, CsPbI3 nanocrystals, EDS"
PUBLISHED: tuple[MeasuredRatios, ...] = (
    *(
        MeasuredRatios((1.0, lead, iodine), round(iodine / lead, 2), _GUO)
        for lead, iodine in ((1.2, 2.1), (1.1, 3.4), (1.2, 2.9), (1.1, 3.2))
    ),
    *(MeasuredRatios(None, value, _REN) for value in (2.87, 3.29, 3.44)),
)


def ion_ratios(atoms: "Atoms") -> IonRatios:
    """Return the numbers of ions in the inorganic part (fragment 0) of a structure.

    Raises
    ------
    StructureError
        It holds no B cation.
    """
    fragment = atoms.arrays.get("fragment", np.zeros(len(atoms), dtype=int))
    held = Counter(np.array(atoms.get_chemical_symbols())[fragment == 0].tolist())
    molecules = atoms.info.get("qddft", {}).get("molecules", [])
    a = sum(held[symbol] for symbol in A_CATIONS) + sum(int(entry["count"]) for entry in molecules)
    b = sum(held[symbol] for symbol in B_CATIONS)
    if not b:
        raise StructureError("the structure holds no Pb, Sn or Ge outside its ligands, so that ratios have no meaning.")
    return IonRatios(a, b, sum(held[symbol] for symbol in HALIDES))
