"""What a density of states says: curves on a named energy zero, band edges, states in the gap, overlap, alignment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qddft.core.frozen import freeze_fields

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class EnergyZero:
    """Where the energy axis has its zero.

    Attributes
    ----------
    kind
        ``vbm``, ``fermi``, ``vacuum``, ``core`` or ``given``.
    value
        Position on the engine's own scale, eV.
    source
        How it was found.
    """

    kind: str
    value: float
    source: str


@dataclass(frozen=True)
class BandEdge:
    """A valence-band maximum or conduction-band minimum.

    Attributes
    ----------
    energy
        On the engine's own scale, eV.
    kpoint
        Fractional coordinates, shape (3,).
    spin
        Spin channel, from 0.
    band
        Index of the band, from 0.
    character
        Share of each ``element orbital`` in what was projected, largest first; degenerate levels averaged. Empty
        without projections.
    """

    energy: float
    kpoint: tuple[float, float, float]
    spin: int
    band: int
    character: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class BandEdges:
    """The gap and what lies on its two sides.

    Attributes
    ----------
    vbm, cbm
        Highest level that is more than half full, lowest that is not; ``cbm`` is ``None`` where no empty band was
        computed.
    gap
        ``cbm - vbm``, eV; 0 for a metal, ``None`` where no empty band was computed.
    direct_gap
        Smallest difference at one k-point, eV.
    direct
        Both edges lie at one k-point.
    metallic
        A band crosses the Fermi level: k-points differ in their number of occupied levels, or the edges overlap.
    n_electrons
        Sum of the occupations.
    """

    vbm: BandEdge
    cbm: BandEdge | None
    gap: float | None
    direct_gap: float | None
    direct: bool
    metallic: bool
    n_electrons: float


@dataclass(frozen=True)
class Dos:
    """Total and projected density of states on a named energy zero.

    Attributes
    ----------
    atoms
        The structure that the projections refer to.
    energies
        Evenly spaced, shape (n_energies,), eV, relative to ``zero``.
    zero
        Where 0 is.
    broadening
        ``gaussian`` or ``as computed``.
    sigma
        Width of the gaussian, ``exp(-E^2 / 2 sigma^2)``, eV; ``None`` as computed.
    total
        Shape (n_spins, n_energies), states/eV for the cell; an unpolarized calculation counts both spins in one curve.
    projected
        Partition (``element``, ``element_orbital``, ``fragment``, ``layer``) to part to curves of the shape of
        ``total``. What lies between the atoms is projected on none of them.
    n_states
        States that the integral of ``total`` has to give, shape (n_spins,).
    edges
        The gap; ``None`` where the eigenvalues were not at hand.
    fermi_level
        eV, relative to ``zero``.
    warnings
        Sentences that a reader has to see.
    source
        What was read.
    """

    atoms: "Atoms"
    energies: np.ndarray
    zero: EnergyZero
    broadening: str
    sigma: float | None
    total: np.ndarray
    projected: Mapping[str, Mapping[str, np.ndarray]]
    n_states: np.ndarray
    edges: BandEdges | None = None
    fermi_level: float | None = None
    warnings: tuple[str, ...] = ()
    source: str | None = None

    def __post_init__(self) -> None:
        freeze_fields(self)

    @property
    def integral(self) -> np.ndarray:
        """Integral of ``total`` over the grid, shape (n_spins,), states."""
        return np.asarray(np.trapezoid(self.total, self.energies, axis=1))

    def curve(self, partition: str, part: str) -> np.ndarray:
        """Return a projected curve summed over spins, shape (n_energies,), states/eV."""
        return np.asarray(self.projected[partition][part].sum(axis=0))


@dataclass(frozen=True)
class GapState:
    """A band in the gap.

    Attributes
    ----------
    energy
        k-averaged, on the engine's own scale, eV.
    above_vbm
        Height above the reference valence-band maximum, eV.
    occupation
        Electrons in it.
    spin, band
        Where it stands in the eigenvalues, from 0.
    localized
        The largest weights, on at most the stated number of atoms, hold at least the stated share.
    n_atoms
        Participation number: one over the sum of squared atomic shares.
    atoms
        Indices of the atoms with the largest weights.
    parts
        Share of each fragment, or of each element where fragments are not known.
    """

    energy: float
    above_vbm: float
    occupation: float
    spin: int
    band: int
    localized: bool
    n_atoms: float
    atoms: tuple[int, ...]
    parts: Mapping[str, float]

    def __post_init__(self) -> None:
        freeze_fields(self)


@dataclass(frozen=True)
class GapStates:
    """States between the band edges of the bulk-like layers.

    Attributes
    ----------
    states
        From low to high.
    vbm, cbm
        Reference edges on the engine's own scale, eV.
    reference
        Where the edges come from.
    criterion
        The rule, with its numbers.
    holes
        Electrons missing below the middle of the gap region, that is in the reference valence band.
    excess
        Electrons in the reference conduction band.
    trapped
        Electrons in the states of the gap.
    explanation
        What the electron count says about their cause.
    """

    states: tuple[GapState, ...]
    vbm: float
    cbm: float
    reference: str
    criterion: str
    holes: float
    excess: float
    trapped: float
    explanation: str


@dataclass(frozen=True)
class Overlap:
    """How far the densities of states of two parts share an energy window.

    Attributes
    ----------
    parts
        The two parts.
    window
        From, to, eV, relative to ``zero``.
    zero
        Where 0 is.
    minimum
        Integral of ``min(g_a, g_b)``, states.
    normalized
        ``minimum`` over the smaller of the two integrals in the window, 0 to 1; ``None`` where one of them is zero.
    geometric
        Integral of ``sqrt(g_a g_b)``, states.
    integrals
        States of each part in the window.
    """

    parts: tuple[str, str]
    window: tuple[float, float]
    zero: EnergyZero
    minimum: float
    normalized: float | None
    geometric: float
    integrals: tuple[float, float]


@dataclass(frozen=True)
class Alignment:
    """Frontier levels of the ligand beside the band edges of the dot.

    Attributes
    ----------
    kind
        ``type I`` (the dot's gap lies inside the ligand's), ``type I inverted`` (the ligand's inside the dot's),
        ``type II`` (staggered) or ``type III`` (broken gap).
    dot, ligand
        Highest occupied and lowest empty level of each, on the engine's own scale, eV.
    share
        A level belongs to a part that holds at least this share of its projections.
    """

    kind: str
    dot: tuple[float, float]
    ligand: tuple[float, float]
    share: float

    @property
    def offsets(self) -> tuple[float, float]:
        """Ligand minus dot of the occupied and of the empty level, eV."""
        return self.ligand[0] - self.dot[0], self.ligand[1] - self.dot[1]


def plain(value: Any) -> Any:
    """Return a value of this module, or what it holds, as JSON types."""
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value
