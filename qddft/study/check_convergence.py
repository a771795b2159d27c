"""What the series of a study file mean: mistakes with their places, before anything is built."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qddft.core.errors import StructureError
from qddft.core.safe_yaml import Location
from qddft.core.suggest import did_you_mean
from qddft.study.schema import LigandSpec, SlabSpec
from qddft.study.schema_convergence import SeriesSpec, label_of

Mistake = tuple[Location, str]
Numbered = Sequence[tuple[int, SeriesSpec]]


def series_mistakes(
    rows: Any,
    series: Sequence[tuple[int, SeriesSpec]],
    slab: SlabSpec | None,
    ligands: Sequence[LigandSpec],
    levels: Any,
    *,
    no_ligands: bool = False,
) -> Iterator[Mistake]:
    """Return what is wrong with the series, each as far as it has the right shape.

    Parameters
    ----------
    rows
        The series as they stand in the file.
    series
        Number in the file, and the series.
    slab, ligands, levels
        The rest of the study, as far as it is right.
    no_ligands
        The study asks for none.
    """
    seen: dict[str, int] = {}
    for index, spec in series:
        place: Location = ("convergence", index)
        # of a series with mistakes only the rest is left, which may look like another one
        whole = set(rows[index]) == spec.model_fields_set
        first = seen.setdefault(spec.model_dump_json(exclude={"tolerance"}), index) if whole else index
        if first != index:
            yield place, f"the same series stands there already, as number {first + 1}"
        if spec.kind == "E_ads" and not ligands and whole and no_ligands:
            others = "bulk energy, surface energy or energy per formula unit"
            yield (*place, "of"), f"the study has no ligand whose energy could converge; give of: {others}"
        if spec.kind == "E_ads" and ligands:
            yield from _row_mistakes(place, spec, ligands)
        for engine in spec.engines:
            known = list(levels) if isinstance(levels, Mapping) else [engine]
            if engine not in known:
                yield (*place, "engines"), f"the study has no level for {engine!r}. {did_you_mean(engine, known)}"
        if slab is not None:
            yield from _slab_mistakes((*place, "values"), spec, slab)


def _row_mistakes(place: Location, spec: SeriesSpec, ligands: Sequence[LigandSpec]) -> Iterator[Mistake]:
    from qddft.study.convergence import chosen_row
    from qddft.study.load import rows_of

    found = chosen_row(spec, ligands)
    if len(found) == 1:
        return
    named = [] if spec.ligand is None else rows_of(spec.ligand, None, ligands)
    if not named:
        names = {row.ligand for row in ligands} | {"surface energy", "energy per formula unit", "bulk energy"}
        yield (
            (*place, "of"),
            f"of: no ligand of this study is called {spec.ligand!r}. {did_you_mean(str(spec.ligand), names)}",
        )
        return
    rows = ", ".join(f"{row.mode} with reference {row.reference}" for row in named)
    if not found:
        yield place, f"the study has {spec.ligand} as {rows}; none is what reference and mode ask for"
        return
    # rows that only truncation, faces or a seed tell apart cannot be named
    differ = len({(row.mode, row.reference) for row in found}) > 1
    advice = "give reference or mode" if differ else "put the row that is meant into a study of its own"
    yield place, f"the study has {len(found)} rows of {spec.ligand} ({rows}); {advice}"


def _slab_mistakes(place: Location, spec: SeriesSpec, slab: SlabSpec) -> Iterator[Mistake]:
    """Build the clean slab of each point where the points have slabs of their own."""
    from qddft.study.convergence import slab_at
    from qddft.study.structures import build_study_slab

    if spec.vary not in ("layers", "supercell") or not _builds(slab):
        return
    for value in spec.values:
        try:
            build_study_slab(slab_at(slab, spec, value))
        except StructureError as error:
            yield place, f"{label_of(spec.vary, value)}: {error}"


def _builds(slab: SlabSpec) -> bool:
    from qddft.study.structures import build_study_slab

    try:
        build_study_slab(slab)
    except StructureError:
        return False
    return True
