"""Which settings matter, how much, and when two values of one are the same."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, TypeAlias

import numpy as np

from qddft.analysis.mesh import Sampling, lateral_multiplicity, periodic_axes, same_sampling, sampling
from qddft.outputs.run_settings import RunSettings

Importance: TypeAlias = Literal["decides energies", "changes accuracy", "harmless"]
_DECIDES: Importance = "decides energies"
_ACCURACY: Importance = "changes accuracy"
_HARMLESS: Importance = "harmless"
_TOLERANCE_RATIO = 10.0  # thresholds differ harmlessly below this ratio
_NO_MOMENT = 0.01
# small molecules whose ground state is a triplet
_TRIPLETS = {("O", "O"), ("S", "S"), ("O", "S"), ("Se", "Se"), ("Te", "Te"), ("H", "N"), ("C", "H", "H"), ("B", "B")}
_WHOLE = 1e-3
_FROZEN_SHARE = 0.05
_SAME_CRYSTAL = 0.002
_EXCHANGE_GRID = ("NKRED", "NKREDX", "NKREDY", "NKREDZ", "EVENONLY", "ODDONLY", "ENCUTFOCK")


@dataclass(frozen=True)
class Finding:
    """What the structures, not single values, show to be different or unknown."""

    key: str
    importance: Importance
    values: Mapping[str, Any]
    note: str = ""
    unknown: bool = False


Weigh: TypeAlias = Callable[[Sequence[RunSettings], Mapping[str, Any]], tuple[Importance, str]]


@dataclass(frozen=True)
class Rule:
    """How one setting is compared.

    Attributes
    ----------
    key
        Neutral name.
    importance
        Of a difference, unless ``judge`` says otherwise.
    absolute
        Numbers closer than this are the same.
    judge
        Weighs a difference by the runs it occurs in.
    slabs_only
        Only slabs are compared.
    always_asked
        Unknown everywhere is still worth telling.
    unknown_note
        Why it cannot be known.
    """

    key: str
    importance: Importance
    absolute: float = 1e-6
    judge: Weigh | None = None
    slabs_only: bool = False
    always_asked: bool = False
    unknown_note: str = ""

    def same(self, one: Any, other: Any) -> bool:
        """Return whether two known values mean the same."""
        if isinstance(one, bool) or isinstance(other, bool):
            return bool(one == other)
        if isinstance(one, int | float) and isinstance(other, int | float):
            return math.isclose(one, other, rel_tol=1e-6, abs_tol=self.absolute)
        return bool(one == other)

    def ignored(self, run: RunSettings) -> bool:
        """Return whether a run is left out of the comparison."""
        return (self.slabs_only and dimensions(run) != 2) or (self.key == "cutoff_eV" and run.tight_binding)

    def weigh(self, runs: Sequence[RunSettings], known: Mapping[str, Any]) -> tuple[Importance, str]:
        """Return the importance of a difference, with a reason where it is not the usual one."""
        return (self.importance, "") if self.judge is None else self.judge(runs, known)


def _spin(runs: Sequence[RunSettings], known: Mapping[str, Any]) -> tuple[Importance, str]:
    """Weigh calculations with and without spin: closed shells need none, odd numbers of electrons cannot do without."""
    plain = [run for run in runs if known.get(run.source) == 1]
    polarized = [run for run in runs if known.get(run.source) == 2]
    if any(_odd(run) for run in plain):
        return _DECIDES, "an odd number of electrons was computed without spin"
    if all(run.magnetization is not None and abs(run.magnetization) < _NO_MOMENT for run in polarized):
        return _HARMLESS, "the polarized calculations have no moment"
    if any(_odd(run) for run in polarized) and all(_odd(run) is not False for run in polarized):
        return _HARMLESS, "polarized exactly where the number of electrons is odd"
    if all(_closed_shell_molecule(run) for run in plain):
        return _ACCURACY, "only molecules that are taken for closed shells were computed without spin"
    return _DECIDES, ""


def _closed_shell_molecule(run: RunSettings) -> bool:
    """Return whether a run is of a molecule with an even number of electrons that is no known triplet."""
    if dimensions(run) != 0 or _odd(run) is not False or len(run.symbols) < 2:
        return False
    return tuple(sorted(run.symbols)) not in _TRIPLETS


def _odd(run: RunSettings) -> bool | None:
    """Return whether the number of electrons is odd; ``None`` where it is unknown or no whole number.

    Where no number is set the cell is neutral, and since frozen cores are closed shells, its valence electrons are
    odd in number when all its electrons are.
    """
    electrons = run.settings.get("nelect")
    if electrons is None and run.symbols:
        from ase.data import atomic_numbers

        electrons = float(sum(atomic_numbers[symbol] for symbol in run.symbols))
    if electrons is None or abs(electrons - round(electrons)) > _WHOLE:
        return None
    return bool(round(electrons) % 2)


def _threshold(_: Sequence[RunSettings], known: Mapping[str, Any]) -> tuple[Importance, str]:
    values = [float(value) for value in known.values() if float(value) > 0]
    return (_ACCURACY if max(values) >= _TOLERANCE_RATIO * min(values) * (1 - 1e-9) else _HARMLESS), ""


def _fixed_density(_: Sequence[RunSettings], known: Mapping[str, Any]) -> tuple[Importance, str]:
    fixed = [source for source, value in known.items() if value >= 10]
    if fixed and len(fixed) < len(known):
        return _DECIDES, "a fixed charge density gives no total energy"
    return _HARMLESS, ""


_DISPERSION_NOTE = "vasprun.xml does not echo IVDW; OUTCAR or the INCAR beside it would tell"
RULES: tuple[Rule, ...] = (
    Rule("xc", _DECIDES, always_asked=True),
    Rule("gga", _DECIDES),
    Rule("metagga", _DECIDES),
    Rule("aexx", _DECIDES),
    Rule("hfscreen", _DECIDES, absolute=1e-4),
    Rule("cutoff_eV", _DECIDES, absolute=0.06, always_asked=True),
    Rule("dispersion", _DECIDES, always_asked=True, unknown_note=_DISPERSION_NOTE),
    Rule("prec", _DECIDES),
    Rule("lreal", _DECIDES),
    Rule("lasph", _DECIDES),
    Rule("soc", _DECIDES),
    Rule("noncollinear", _DECIDES),
    Rule("ispin", _DECIDES, judge=_spin),
    Rule("core", _DECIDES),
    Rule("basis", _DECIDES),
    Rule("mode", _DECIDES),
    Rule("grid_spacing_A", _DECIDES),
    Rule("pressure_kB", _DECIDES),
    Rule("electric_field", _DECIDES),
    Rule("icharg", _HARMLESS, judge=_fixed_density),
    Rule("smearing", _ACCURACY),
    Rule("sigma_eV", _ACCURACY, absolute=5e-3),  # OUTCAR prints two decimals
    Rule("nupdown", _ACCURACY),
    Rule("idipol", _ACCURACY, slabs_only=True),
    Rule("ldipol", _ACCURACY, slabs_only=True),
    Rule("addgrid", _ACCURACY),
    Rule("gga_compat", _ACCURACY),
    Rule("accuracy", _ACCURACY),
    Rule("energy_tol_eV", _ACCURACY, absolute=5e-9, judge=_threshold),  # vasprun.xml prints eight decimals
    Rule("force_tol_eV_per_A", _ACCURACY, absolute=0.0, judge=_threshold),
    Rule("lmaxmix", _HARMLESS),
    Rule("isym", _HARMLESS),
    Rule("max_scf_steps", _HARMLESS),
)


def dimensions(run: RunSettings) -> int | None:
    """Return 3 for a crystal, 2 for a slab, 0 for a molecule, ``None`` without a structure."""
    if run.cell is None or run.scaled is None or not len(run.scaled):
        return None
    return sum(periodic_axes(run.cell, run.scaled, run.settings.get("kpoints")))


def structural_findings(runs: Sequence[RunSettings]) -> list[Finding]:
    """Return what has to be judged together with the structures: k-points, cells, potentials, frozen atoms."""
    found = [*_engines(runs), *_by_element(runs, "potential", _titles), *_by_element(runs, "hubbard", _hubbard)]
    return [*found, *_rare(runs), *_kpoints(runs), *_cells(runs), *_frozen(runs)]


def _engines(runs: Sequence[RunSettings]) -> list[Finding]:
    engines = {run.source: run.engine for run in runs if run.engine is not None}
    if len(set(engines.values())) > 1:
        return [Finding("engine", _DECIDES, engines)]
    versions = {run.source: run.version for run in runs if run.version is not None}
    major = {str(version).split(".", maxsplit=1)[0] for version in versions.values()}
    if len(set(versions.values())) > 1:
        return [Finding("version", _ACCURACY if len(major) > 1 else _HARMLESS, versions)]
    return []


def _by_element(
    runs: Sequence[RunSettings], what: str, values_of: Callable[[RunSettings], Mapping[str, Any]]
) -> list[Finding]:
    found = []
    tables = {run.source: values_of(run) for run in runs}
    for element in sorted({element for table in tables.values() for element in table}):
        values = {source: table[element] for source, table in tables.items() if element in table}
        items = list(values.values())
        if any(not _same_potential(items[0], item) for item in items[1:]):
            found.append(Finding(f"{what} of {element}", _DECIDES, values))
    return found


def _titles(run: RunSettings) -> dict[str, str]:
    """Return element -> title; a plain symbol such as ``Pb_d`` (POTCAR.spec) is its own title."""
    found = {}
    for title in run.settings.get("potentials") or ():
        words = str(title).split()
        name = words[1] if len(words) > 1 and words[0].startswith(("PAW", "US")) else words[0]
        found[name.split("_")[0]] = str(title)
    return found


def _hubbard(run: RunSettings) -> dict[str, Any]:
    """Return element -> [l, U, J] of all elements present; ``0`` for those without a term."""
    terms = run.settings.get("hubbard")
    return {} if terms is None else {element: list(terms.get(element, [0])) for element in sorted(set(run.symbols))}


def _rare(runs: Sequence[RunSettings]) -> list[Finding]:
    """Return raw tags that few calculations set and that change what energy is computed."""
    tables = {run.source: run.settings.get("rare") or {} for run in runs}
    found = []
    for tag in dict.fromkeys(tag for table in tables.values() for tag in table):
        values = {source: table.get(tag, "not set") for source, table in tables.items()}
        if len({str(value) for value in values.values()}) > 1:
            grid = tag in _EXCHANGE_GRID
            found.append(
                Finding(tag, _ACCURACY if grid else _DECIDES, values, "grid of exact exchange" if grid else "")
            )
    return found


def _variant(title: str) -> str:
    """Return ``Pb_d`` of ``PAW_PBE Pb_d 06Sep2000`` and of ``Pb_d``."""
    words = title.split()
    return words[0] if len(words) == 1 else words[1]


def _same_potential(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str) and min(len(one.split()), len(other.split())) == 1:
        return _variant(one) == _variant(other)
    return bool(one == other)


def _samplings(runs: Sequence[RunSettings]) -> dict[str, Sampling]:
    found = {}
    for run in runs:
        mesh = run.settings.get("kpoints")
        if mesh is not None and run.cell is not None and run.scaled is not None and len(run.scaled):
            found[run.source] = sampling(run.cell, run.scaled, (mesh[0], mesh[1], mesh[2]))
    return found


def _kpoints(runs: Sequence[RunSettings]) -> list[Finding]:
    found: list[Finding] = []
    samplings = _samplings(runs)
    extended = [run for run in runs if dimensions(run)]
    unread = [run for run in extended if run.source not in samplings]
    lists = {str(run.settings.get("kpoint_list")) for run in extended}
    if unread and len(extended) > 1 and not (len(lists) == 1 and "None" not in lists):
        note = "an explicit list, a band path, or nothing that says"
        found.append(Finding("kpoints", _DECIDES, {run.source: "unknown" for run in unread}, note, unknown=True))
    sampled = [run for run in runs if run.source in samplings]
    verdicts = [_same_mesh(one, other, samplings) for one, other in combinations(sampled, 2)]
    values = {source: item.text for source, item in samplings.items() if item.dimensions}
    if False in verdicts:
        found.append(Finding("kpoints", _DECIDES, values, "the meshes sample the zone differently densely"))
    elif "other material" in verdicts:
        found.append(Finding("kpoints", _ACCURACY, values, "different materials, each with a mesh of its own density"))
    elif None in verdicts:
        found.append(Finding("kpoints", _ACCURACY, values, "about equally dense, not the same points"))
    schemes = {run.source: run.settings.get("kpoint_scheme") for run in extended if run.source in samplings}
    schemes = {source: scheme for source, scheme in schemes.items() if scheme is not None}
    if len(set(schemes.values())) > 1:
        found.append(Finding("kpoint_scheme", _ACCURACY, schemes, "Gamma is in one mesh and not in the other"))
    return found


def _same_mesh(one: RunSettings, other: RunSettings, samplings: Mapping[str, Sampling]) -> bool | str | None:
    """Return the verdict of ``same_sampling``; unequal densities of different materials are no contradiction."""
    verdict = same_sampling(samplings[one.source], samplings[other.source])
    slabs = dimensions(one) == dimensions(other) == 2
    if verdict is False and not slabs and _unlike(one.symbols, other.symbols):
        return "other material"
    return verdict


def _unlike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two compositions differ by more than a tenth of their atoms."""
    shares = [{symbol: symbols.count(symbol) / len(symbols) for symbol in set(symbols)} for symbols in (one, other)]
    return sum(abs(shares[0].get(s, 0.0) - shares[1].get(s, 0.0)) for s in {*one, *other}) / 2 > 0.1


def _cells(runs: Sequence[RunSettings]) -> list[Finding]:
    slabs = [run for run in runs if dimensions(run) == 2]
    crystals = [run for run in runs if dimensions(run) == 3]
    found = []
    laterals = {run.source: _lateral(run) for run in slabs}
    if any(lateral_multiplicity(one, other) is None for one, other in combinations(laterals.values(), 2)):
        values = {source: _lengths(pair) for source, pair in laterals.items()}
        note = "no lateral cell is a multiple of the other: the slabs are strained against each other"
        found.append(Finding("lateral cell", _DECIDES, values, note))
    similar = [pair for pair in combinations(crystals, 2) if _same_supercell(*pair) is False]
    if similar:
        values = {run.source: _lengths(run.cell) for pair in similar for run in pair}
        note = "two supercells of one crystal with different lattice vectors"
        found.append(Finding("cell", _DECIDES, values, note))
    return found


def _lateral(run: RunSettings) -> Any:
    """Return the two periodic lattice vectors of a slab, shape (2, 3), Angstrom."""
    if run.cell is None or run.scaled is None:
        return None
    return run.cell[list(periodic_axes(run.cell, run.scaled, run.settings.get("kpoints")))]


def _lengths(vectors: Any) -> str:
    return " x ".join(f"{float((row @ row) ** 0.5):.3f}" for row in vectors)


def _same_supercell(one: RunSettings, other: RunSettings) -> bool | None:
    """Return whether two crystals of about the same content have the same cell; ``None``: they are not comparable."""
    if one.cell is None or other.cell is None:
        return None
    content = [{symbol: run.symbols.count(symbol) for symbol in set(run.symbols)} for run in (one, other)]
    changed = sum(abs(content[0].get(s, 0) - content[1].get(s, 0)) for s in set(content[0]) | set(content[1]))
    if changed > max(2, 0.1 * len(one.symbols)) or len(one.symbols) < 8:
        return None
    return bool(abs(one.cell - other.cell).max() <= _SAME_CRYSTAL * abs(one.cell).max())


def _frozen(runs: Sequence[RunSettings]) -> list[Finding]:
    slabs = [run for run in runs if dimensions(run) == 2 and run.settings.get("n_frozen") is not None]
    densities = [run.settings["n_frozen"] / float(np.linalg.norm(np.cross(*_lateral(run)))) for run in slabs]
    if len(slabs) < 2 or np.allclose(densities, densities[0], rtol=_FROZEN_SHARE):
        return []
    values = {run.source: f"{run.settings['n_frozen']} of {len(run.symbols)}" for run in slabs}
    return [Finding("frozen atoms", _ACCURACY, values, "one slab was relaxed where the other was held")]
