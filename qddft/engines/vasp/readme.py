"""``README.txt`` of a job folder: what the job is, where it comes from, and why its tags are what they are."""

from textwrap import fill, indent
from typing import TYPE_CHECKING

from qddft.engines.vasp.incar import format_value, preconverges
from qddft.engines.vasp.prepared import describe
from qddft.engines.vasp.script import render
from qddft.jobs.job import FinalOf

if TYPE_CHECKING:
    from qddft.engines.vasp.case import Case
    from qddft.engines.vasp.prepared import Prepared
    from qddft.engines.vasp.tags import Tag
    from qddft.jobs.job import Job

_WIDTH = 110


def readme(prepared: "Prepared", *, has_potcar: bool) -> str:
    """Return the text of README.txt."""
    job, case = prepared.job, prepared.case
    symbols = prepared.sorted_atoms.get_chemical_symbols()
    counts = {item.element: symbols.count(item.element) for item in prepared.potentials}
    n_electrons = sum(counts[item.element] * item.n_electrons for item in prepared.potentials) - job.charge
    return render(
        "README.txt.j2",
        title=prepared.title,
        job=job,
        what=describe(job),
        atoms=f"{len(symbols)} ({' '.join(f'{element}{count}' for element, count in counts.items())})",
        level=_hanging(f"{job.level['name']}: {job.level.get('description', '')}"),
        source=_hanging(str(job.level.get("source", ""))),
        set_name=type(prepared.inputs).__name__,
        parent=prepared.parent_folder,
        taken=_taken(job),
        preconvergence=_preconvergence(prepared),
        kpoints=prepared.kpoints.comment,
        species=" ".join(counts),
        has_potcar=has_potcar,
        potentials=prepared.potentials,
        electrons=f"{n_electrons:g} electrons, " + (f"charge {job.charge:+d}" if job.charge else "neutral"),
        rows=[_reason(case, key, tag) for key, tag in prepared.tags.items() if tag.why or case.why(tag.key)],
        warnings=[fill(text, _WIDTH) for text in cautions(case)],
    )


def cautions(case: "Case") -> tuple[str, ...]:
    """Return what a reader has to know before using a number of this folder."""
    found = []
    if case.role == "molecule" and case.charge:
        found.append(
            "A charged molecule in a periodic box: its energy depends on the box and on the compensating background. "
            "Use it to look at, not as a term of an energy difference."
        )
    if case.role == "bulk" and case.charge:
        found.append(
            "A charged crystal: the energy needs a finite-size correction (Freysoldt or Kumagai) and an alignment of "
            "the potential before it is used."
        )
    if case.charge and case.role in ("slab", "complex"):
        found.append(
            "A charged slab: VASP corrects no energy of charged two-dimensional cells, and this one depends on the "
            "vacuum without limit. It means nothing before a two-dimensional correction of your own."
        )
    if case.settings.kpoint_scheme == "monkhorst-pack" and (case.role != "molecule" or case.part_of_complex):
        found.append(
            "Literal Monkhorst-Pack mesh: an even one holds neither Gamma nor the zone corner, so the band edges are "
            "missed and the gap comes out too large."
        )
    return tuple(found)


def _preconvergence(prepared: "Prepared") -> str:
    """Return the lines on INCAR.pre; empty when there is none."""
    if not preconverges(prepared.tags):
        return ""
    why = ["run first by job.sh, in preconverge/: the same electrons without what disturbs a start."]
    if "LDIPOL" in prepared.tags:
        why.append("From scratch, LDIPOL lets charge slosh through the cell; from converged orbitals it does not.")
    if prepared.case.hybrid:
        why.append("Exact exchange is costly, and starts from converged orbitals of the functional without it.")
    indent_first, indent_rest = "INCAR.pre         ", " " * 18
    return fill(" ".join(why), 116, initial_indent=indent_first, subsequent_indent=indent_rest)


def _taken(job: "Job") -> str:
    if not isinstance(job.start, FinalOf) or job.start.fragments is None:
        return "All its atoms are taken over."
    kept = ", ".join(f"{number} ({'slab' if number == 0 else 'ligand'})" for number in job.start.fragments)
    return f"Only the atoms of fragment {kept} are taken over."


def _reason(case: "Case", key: str, tag: "Tag") -> str:
    """Return tag, value and reasons; the level's own words for a choice come after those of the rule."""
    choice = case.why(tag.key)
    stated = tag.key in case.settings.model_fields_set and not choice
    origin = f"Choice of the level: {choice}" if choice else "Stated by the source of the level." if stated else ""
    value = format_value(tag.value)
    text = " ".join(filter(None, (_sentence(tag.why), origin)))
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    return f"{key} = {shown}\n{indent(fill(text, _WIDTH - 4), '    ')}"


def _hanging(text: str) -> str:
    """Wrap the text of a head line behind its name."""
    return fill(" ".join(text.split()), _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 9).strip()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
