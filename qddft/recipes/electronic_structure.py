"""Gap, states in the gap, overlap and alignment of a finished calculation, made by anybody."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qddft.analysis.midgap import Criterion, gap_states
from qddft.analysis.overlap import alignment, overlap
from qddft.analysis.partitions import DOT, LIGAND, fragment_masks
from qddft.core.errors import StructureError
from qddft.core.frozen import freeze_fields
from qddft.outputs.dos import Alignment, Dos, GapStates, Overlap, plain
from qddft.outputs.outputs import Outputs
from qddft.recipes.density_of_states import Tables, dos_of, read_tables
from qddft.recipes.provenance import audit_record, input_hashes
from qddft.recipes.result import Result

if TYPE_CHECKING:
    from ase import Atoms

# quantity -> name of its formula
_FORMULAS = {
    "band_gap": "gap between occupied and empty levels",
    "dos_overlap": "overlap integral of two densities of states",
    "level_offset": "alignment of frontier levels",
    "gap_states": "states in the gap by criterion",
}


@dataclass(frozen=True)
class ElectronicStructure:
    """A density of states and what follows from it.

    Attributes
    ----------
    dos
        Curves, zero and band edges.
    gap_states
        States in the gap; ``None`` without projections or without layers and reference edges.
    overlap
        Overlap of dot and ligand in the window that was asked for.
    alignment
        Ligand levels beside the band edges.
    system
        Formula.
    engine, level
        What computed it, and its functional.
    inputs
        Path to SHA-256 of what was read.
    audit
        Settings of the calculation, as in every result.
    """

    dos: Dos
    gap_states: GapStates | None
    overlap: Overlap | None
    alignment: Alignment | None
    system: str
    engine: str
    level: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze_fields(self)

    def results(self) -> tuple[Result, ...]:
        """Return gap, overlap, alignment and states in the gap as results."""
        return tuple(self._result(*item) for item in self._quantities())

    def _quantities(self) -> list[tuple[str, float | None, str, str, dict[str, Any]]]:
        found: list[tuple[str, float | None, str, str, dict[str, Any]]] = []
        edges = self.dos.edges
        if edges is not None:
            details = {"edges": plain(edges), "zero": plain(self.dos.zero)}
            found.append(("band_gap", edges.gap, "eV", "E_CBM - E_VBM over the computed k-points", details))
        if self.overlap is not None:
            convention = "integral of min(g_dot, g_ligand) over the window"
            details = {"overlap": plain(self.overlap), "broadening": self.dos.broadening, "sigma_eV": self.dos.sigma}
            found.append(("dos_overlap", self.overlap.minimum, "states", convention, details))
        if self.alignment is not None:
            details = {"alignment": plain(self.alignment)}
            value = self.alignment.offsets[0]
            found.append(
                ("level_offset", value, "eV", f"ligand HOMO - dot VBM; {self.alignment.kind} alignment", details)
            )
        if self.gap_states is not None:
            convention = f"number of bands in the gap: {self.gap_states.criterion}"
            details = {"gap_states": plain(self.gap_states)}
            found.append(("gap_states", float(len(self.gap_states.states)), "bands", convention, details))
        return found

    def _result(
        self, quantity: str, value: float | None, unit: str, convention: str, details: dict[str, Any]
    ) -> Result:
        return Result(
            quantity=quantity,
            system=self.system,
            ligand="",
            value=value,
            unit=unit,
            convention=convention,
            reference=f"zero: {self.dos.zero.kind}, {self.dos.zero.source}",
            engine=self.engine,
            level=self.level,
            charge=0,
            jobs=(),
            warnings=self.dos.warnings,
            details=details,
            formula=_FORMULAS[quantity],
            inputs=self.inputs,
            audit=self.audit,
            structure=self.dos.atoms,
        )


def electronic_structure(
    calculation: str | Path | Outputs | Tables,
    *,
    zero: str | float = "auto",
    broadening: str = "auto",
    sigma: float = 0.05,
    window: tuple[float, float] | None = None,
    labels: "Atoms | None" = None,
    edges: tuple[float, float] | None = None,
    criterion: Criterion | None = None,
) -> ElectronicStructure:
    """Return the density of states with gap, states in the gap, overlap and alignment.

    Parameters
    ----------
    calculation, zero, broadening, sigma, labels
        As in ``density_of_states``; or what ``read_tables`` gave, which also takes runs that have not converged.
    window
        Energies between which dot and ligand are compared, relative to ``zero``, eV.
    edges
        Reference band edges for the states in the gap, on the engine's own scale, eV; without them, those of the
        bulk-like layers.
    criterion
        When a band counts as a state in the gap.

    Raises
    ------
    OutputError, ConvergenceError
        As ``density_of_states``.
    """
    tables = calculation if isinstance(calculation, Tables) else read_tables(calculation, labels=labels)
    dos = dos_of(tables, zero=zero, broadening=broadening, sigma=sigma)
    found, notes = _gap_states(tables, edges, criterion)
    outputs = tables.outputs
    return ElectronicStructure(
        dos=replace(dos, warnings=(*dos.warnings, *notes)),
        gap_states=found,
        overlap=None if window is None else overlap(dos, window),
        alignment=None if tables.projections is None else alignment(tables.projections, tables.atoms),
        system=tables.atoms.get_chemical_formula(mode="hill"),
        engine=" ".join(filter(None, (outputs.engine, outputs.engine_version))),
        level=str(outputs.settings.get("xc", "unknown")),
        inputs=input_hashes([outputs.source] if outputs.source else []),
        audit=audit_record({"calculation": outputs}),
    )


def _gap_states(
    tables: Tables, edges: tuple[float, float] | None, criterion: Criterion | None
) -> tuple[GapStates | None, tuple[str, ...]]:
    if tables.projections is None:
        return None, ()
    try:
        found = gap_states(
            tables.projections, tables.atoms, edges=edges, criterion=criterion, formal_charge=_charge(tables.atoms)
        )
    except StructureError as error:
        return None, (f"states in the gap were not looked for: {error}",)
    masks = fragment_masks(tables.atoms)
    unlabeled = LIGAND in masks and DOT in masks and "fragment" not in tables.atoms.arrays
    note = "dot and ligand are told apart by element (C H O N S P F: ligand), as the atoms are not labeled"
    return found, ((note,) if unlabeled else ())


def _charge(atoms: "Atoms") -> int | None:
    if "qddft" not in atoms.info:
        return None
    from qddft.atoms.charge import charge_ledger

    return charge_ledger(atoms).total
