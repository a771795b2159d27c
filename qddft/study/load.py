"""A study file to a ``Study``; every mistake of the file at once, each with its line."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from qddft.core.errors import (
    FolderError,
    LevelError,
    LigandError,
    PlacementError,
    ReferenceSchemeError,
    StructureError,
    StudyError,
)
from qddft.core.safe_yaml import Location, YamlDocument, read_yaml
from qddft.core.schema_errors import schema_mistakes
from qddft.core.suggest import did_you_mean
from qddft.study.schema import ExchangeSpec, LigandSpec, PublishedSpec, SlabSpec, Study, VacancySpec
from qddft.study.schema_convergence import SeriesSpec
from qddft.study.schema_shells import ShellSpec

if TYPE_CHECKING:
    from qddft.study.ligands import Adsorbate

Mistake = tuple[Location, str]
Model = TypeVar("Model", bound=BaseModel)


_UNEQUAL = (
    "ligands on both faces need equal faces, but fixed_layers: {} holds layers of the bottom one only, so that the two "
    "ligands relax differently; set fixed_layers: 0 (or all) in the slab, or faces: top"
)


def load_study(path: str | Path) -> Study:
    """Read and check a study.

    Parameters
    ----------
    path
        A study file, or a folder with a ``study.yaml``.

    Raises
    ------
    StudyError
        Lists every mistake as ``file:line: message``.
    """
    document = read_yaml(_study_file(Path(path)), StudyError)
    if not isinstance(document.data, Mapping):
        raise StudyError(f"{document.path}:1: a study is a mapping of keys to values; see workflows/ for examples")
    data = dict(document.data)
    found: list[Mistake] = []
    study = None
    try:
        study = Study.model_validate(data).located(document.path, document.text)
    except ValidationError as error:
        found = schema_mistakes(error, Study)
    found += _meaning(data, document.path.parent)
    if study is None or found or document.mistakes:
        raise StudyError(_listed(document, found))
    return study


def _study_file(path: Path) -> Path:
    return path / "study.yaml" if path.is_dir() else path


def _listed(document: YamlDocument, found: list[Mistake]) -> str:
    lines = [*document.mistakes, *((document.line(location), message) for location, message in found)]
    unique = sorted(dict.fromkeys(lines))
    return "\n".join(f"{document.path}:{line}: {message}" for line, message in unique)


def _meaning(data: Mapping[str, Any], folder: Path) -> list[Mistake]:
    """Check what the parts mean, each as far as it has the right shape: a misspelt key hides no wrong ligand."""
    slab = _part(SlabSpec, data.get("slab"))
    ligands = _parts(LigandSpec, data.get("ligands"))
    published = _parts(PublishedSpec, data.get("published"))
    return [
        *_level_mistakes(data.get("levels"), folder),
        *(_slab_mistakes(slab) if slab else ()),
        *_repeated_rows(data.get("ligands")),
        *_ligand_mistakes(ligands, slab, folder),
        *_published_mistakes(published, ligands),
        *_exchange_mistakes(_parts(ExchangeSpec, data.get("exchanges")), ligands),
        *_vacancy_mistakes(_parts(VacancySpec, data.get("vacancies")), slab, folder),
        *_shell_mistakes(_parts(ShellSpec, data.get("shells")), slab, folder),
        *_convergence_mistakes(data, slab, ligands),
    ]


def _part(model: type[Model], value: Any) -> Model | None:
    """Return a part with its wrong keys left out, ``None`` where the rest is not enough; the schema has named them."""
    if not isinstance(value, Mapping):
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        wrong = {item["loc"][0] for item in error.errors() if item["loc"]}
    try:
        return model.model_validate({key: entry for key, entry in value.items() if key not in wrong})
    except ValidationError:
        return None


def _parts(model: type[Model], values: Any) -> list[tuple[int, Model]]:
    parts = enumerate(_part(model, value) for value in values) if isinstance(values, list) else ()
    return [(index, part) for index, part in parts if part is not None]


def _level_mistakes(levels: Any, folder: Path) -> Iterator[Mistake]:
    from qddft.levels.load import load_level, locate_level

    for engine, name in levels.items() if isinstance(levels, Mapping) else ():
        try:
            load_level(locate_level(str(name), folder))
        except LevelError as error:
            yield ("levels", engine), f"{engine}: {error}"


def _slab_mistakes(slab: SlabSpec) -> Iterator[Mistake]:
    """Check keys against each other, then whether the slab can be built."""
    from qddft.atoms.alloy_slab import mixture_of
    from qddft.atoms.bulk import build_bulk
    from qddft.atoms.bulk_data import find_bulk
    from qddft.atoms.slab_options import check_fixed_layers, check_layers, parse_termination

    if mixture_of(slab.formula, slab.order, slab.seed) is not None:
        # the keys of a mixture are judged together
        yield from _unbuildable(slab)
        return
    steps: dict[str, Callable[[], object]] = {
        "phase": lambda: find_bulk(slab.formula, slab.phase),
        "lattice": lambda: build_bulk(slab.formula, phase=slab.phase, lattice=slab.lattice),
        "fixed_layers": lambda: check_fixed_layers(slab.fixed_layers, slab.layers),
        "termination": lambda: parse_termination(slab.termination, ["Cs"], ["Pb"], [halide_of(slab)]),
        "layers": lambda: check_layers(
            slab.layers, *parse_termination(slab.termination, ["Cs"], ["Pb"], [halide_of(slab)])
        ),
    }
    wrong: dict[str, str] = {}
    for key, step in steps.items():
        # a key can only be judged when those it depends on are right
        if (key == "lattice" and "phase" in wrong) or (key == "layers" and "termination" in wrong):
            continue
        try:
            step()
        except StructureError as error:
            wrong[key] = str(error)
    yield from ((("slab", key), message) for key, message in wrong.items())
    if not wrong:
        yield from _unbuildable(slab)


def _unbuildable(slab: SlabSpec) -> Iterator[Mistake]:
    from qddft.study.structures import build_study_slab

    try:
        build_study_slab(slab)
    except StructureError as error:
        yield ("slab",), str(error)


def halide_of(slab: SlabSpec) -> str:
    """Return the halide of a study's slab, of a mixture the one with the largest share."""
    return halides_of(slab)[0]


def halides_of(slab: SlabSpec) -> tuple[str, ...]:
    """Return the halides of a study's slab, the largest share first."""
    from qddft.atoms.alloy_slab import mixture_of
    from qddft.atoms.bulk_data import find_bulk

    mixture = mixture_of(slab.formula, slab.order, slab.seed)
    if mixture is None:
        return (find_bulk(slab.formula).halide,)
    shares = mixture.asked.x
    return tuple(sorted(shares, key=lambda symbol: (-shares[symbol], symbol)))


def removable(slab: SlabSpec) -> tuple[str, ...]:
    """Return what a vacancy of a study may lack: a halide, or a neutral group."""
    halides = halides_of(slab)
    groups = tuple(f"{cation}{x}{n}" for x in (*halides, "X") for cation, n in (("Cs", ""), ("Pb", "2")))
    return (*halides, *groups)


def _repeated_rows(rows: Any) -> Iterator[Mistake]:
    seen: list[Any] = []
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if row in seen:
            first = seen.index(row) + 1
            yield ("ligands", index), f"the same row stands there already, as number {first} of the ligands"
        seen.append(row)


def _ligand_mistakes(ligands: list[tuple[int, LigandSpec]], slab: SlabSpec | None, folder: Path) -> Iterator[Mistake]:
    from qddft.study.ligands import find_ligand, resolve

    for index, spec in ligands:
        row: Location = ("ligands", index)
        whole = spec.model_copy(update={"truncate": None})
        try:
            find_ligand(whole, folder)
        except LigandError as error:
            yield (*row, "ligand"), str(error)
            continue
        try:
            find_ligand(spec, folder)
        except LigandError as error:
            yield (*row, "truncate"), str(error)
            spec = whole  # noqa: PLW2901  (the scheme can still be judged)
        if slab is not None and spec.faces == "both" and slab.fixed_layers not in (0, "all"):
            yield (*row, "faces"), _UNEQUAL.format(slab.fixed_layers)
        try:
            adsorbate = resolve(spec, "Br" if slab is None else halide_of(slab), folder)
        except (ReferenceSchemeError, LigandError) as error:
            yield (*row, "reference"), str(error)
            continue
        if slab is not None and spec.poses_from is not None:
            yield from _search_mistakes(row, adsorbate, slab)


def _search_mistakes(row: Location, adsorbate: "Adsorbate", slab: SlabSpec) -> Iterator[Mistake]:
    from qddft.study.poses_from import searched_poses
    from qddft.study.structures import build_study_slab

    try:
        searched_poses(build_study_slab(slab), adsorbate)
    except (PlacementError, FolderError) as error:
        yield (*row, "poses_from"), str(error)
    except StructureError:
        # said of the slab already
        return


def _published_mistakes(
    published: list[tuple[int, PublishedSpec]], ligands: list[tuple[int, LigandSpec]]
) -> Iterator[Mistake]:
    for index, row in published:
        same = [spec for _, spec in ligands if same_ligand(row.ligand, spec.ligand)]
        if not same:
            names = {spec.ligand for _, spec in ligands}
            yield (
                ("published", index, "ligand"),
                f"no ligand of this study is called {row.ligand!r}. {did_you_mean(row.ligand, names)}",
            )
        elif row.reference is not None and row.reference not in {spec.reference for spec in same}:
            schemes = ", ".join(sorted({spec.reference for spec in same}))
            yield (
                ("published", index, "reference"),
                f"the study has {row.ligand} with reference {schemes}, not {row.reference}",
            )


def _exchange_mistakes(
    exchanges: list[tuple[int, ExchangeSpec]], ligands: list[tuple[int, LigandSpec]]
) -> Iterator[Mistake]:
    for index, row in exchanges:
        ends = (("from", row.before, row.before_reference), ("to", row.after, row.after_reference))
        found = []
        for key, name, reference in ends:
            specs = rows_of(name, reference, [spec for _, spec in ligands])
            if len(specs) != 1:
                yield ("exchanges", index, key), _not_one(key, name, specs, ligands)
            found += specs[:1] if len(specs) == 1 else []
        if len(found) == 2 and found[0].faces != found[1].faces:
            yield ("exchanges", index), f"{row.before} sits on {found[0].faces}, {row.after} on {found[1].faces}"


def _vacancy_mistakes(
    vacancies: list[tuple[int, VacancySpec]], slab: SlabSpec | None, folder: Path
) -> Iterator[Mistake]:
    from qddft.study.ligands import find_ligand

    for index, row in vacancies:
        place: Location = ("vacancies", index)
        if slab is not None and row.species not in (known := removable(slab)):
            held = ", ".join(halides_of(slab))
            hint = did_you_mean(row.species, known)
            yield (*place, "species"), f"the halide of this slab is {held}, not {row.species}. {hint}"
        if slab is not None and row.layer is not None and row.layer > slab.layers:
            yield (*place, "layer"), f"the slab has {slab.layers} layers, not {row.layer}"
        for number, spec in enumerate(row.ligands):
            try:
                find_ligand(spec, folder)
            except LigandError as error:
                yield (*place, "ligands", number), str(error)


def _shell_mistakes(shells: list[tuple[int, ShellSpec]], slab: SlabSpec | None, folder: Path) -> Iterator[Mistake]:
    from qddft.study.ligands import find_ligand, find_molecule

    for index, row in shells:
        place: Location = ("shells", index)
        if slab is not None and row.faces == "both" and slab.fixed_layers not in (0, "all"):
            yield (*place, "faces"), _UNEQUAL.format(slab.fixed_layers)
        for number, spec in enumerate(row.ligands):
            try:
                find_ligand(spec, folder)
            except LigandError as error:
                yield (*place, "ligands", number), str(error)
        for key in ("consumes", "releases"):
            for name in getattr(row, key):
                try:
                    molecule = find_molecule(name, folder)
                except LigandError as error:
                    yield (*place, key, name), str(error)
                    continue
                if molecule.charge:
                    yield (*place, key, name), f"{name} has the charge {molecule.charge:+d}; name neutral molecules"


def _convergence_mistakes(
    data: Mapping[str, Any], slab: SlabSpec | None, ligands: list[tuple[int, LigandSpec]]
) -> Iterator[Mistake]:
    from qddft.study.check_convergence import series_mistakes

    rows = data.get("convergence")
    specs = [spec for _, spec in ligands]
    none = not data.get("ligands")
    return series_mistakes(rows, _parts(SeriesSpec, rows), slab, specs, data.get("levels"), no_ligands=none)


def _not_one(key: str, name: str, specs: list[LigandSpec], ligands: list[tuple[int, LigandSpec]]) -> str:
    if specs:
        schemes = ", ".join(spec.reference for spec in specs)
        return f"the study has {len(specs)} rows of {name} ({schemes}); give {key}_reference"
    return f"no row of this study has the ligand {name!r}. {did_you_mean(name, {spec.ligand for _, spec in ligands})}"


def rows_of(name: str, reference: str | None, specs: Sequence[LigandSpec]) -> list[LigandSpec]:
    """Return the rows of a ligand, with one reference scheme or with any."""
    return [spec for spec in specs if same_ligand(name, spec.ligand) and reference in (None, spec.reference)]


def same_ligand(first: str, second: str) -> bool:
    """Tell whether two names mean one ligand: equal text, or names and synonyms of one library entry."""
    from qddft.library.ligands import find_record

    if first.strip().casefold() == second.strip().casefold():
        return True
    record = find_record(first)
    return record is not None and record == find_record(second)
