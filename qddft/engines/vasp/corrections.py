"""What was changed in a job folder after qddft wrote it, by whom, and whether the energy still belongs to its level."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qddft.core.errors import FolderError
from qddft.core.files import write_text
from qddft.engines.vasp.read.incar import parse_incar

LOG = "corrections.jsonl"
Importance = Literal["decides energies", "changes accuracy", "harmless"]
_RANKS: tuple[Importance, ...] = ("harmless", "changes accuracy", "decides energies")

# how a calculation gets to its end, not where that is, once it has converged
_HARMLESS = frozenset(
    {
        "ALGO", "IALGO", "NELM", "NELMIN", "NELMDL", "AMIX", "BMIX", "AMIX_MAG", "BMIX_MAG", "AMIN", "IMIX", "MAXMIX",
        "MIXPRE", "WC", "TIME", "ISEARCH", "LSUBROT", "POTIM", "IBRION", "NSW", "SMASS", "IOPT", "ISTART", "ICHARG",
        "LWAVE", "LCHARG", "NBANDS", "KPAR", "NCORE", "NPAR", "NSIM", "LPLANE", "LSCALU", "SYSTEM", "MAGMOM", "LORBIT",
        "NEDOS", "EMIN", "EMAX", "LVHAR", "LAECHG",
    }
)  # fmt: skip
# the same energy up to noise: symmetry, convergence criteria
_ACCURACY = frozenset({"ISYM", "SYMPREC", "LMAXMIX", "EDIFF", "EDIFFG", "PRECFOCK"})
# smaller is better: only a looser value takes accuracy away
_THRESHOLDS = frozenset({"EDIFF", "EDIFFG"})
# of the machine, not of the job
_MACHINE = frozenset({"NCORE", "KPAR", "NPAR"})


@dataclass(frozen=True)
class Change:
    """One input that is not what qddft wrote.

    Attributes
    ----------
    tag
        INCAR tag, or ``KPOINTS``.
    before, after
        Values; ``None`` where the tag was or is not there.
    importance
        What it does to an energy.
    """

    tag: str
    before: Any
    after: Any
    importance: Importance

    def __str__(self) -> str:
        return f"{self.tag} {_shown(self.before)} -> {_shown(self.after)}"

    def record(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"tag": self.tag, "before": self.before, "after": self.after, "importance": self.importance}


def input_texts(folder: Path) -> dict[str, str]:
    """Return the texts of INCAR and KPOINTS in a folder, those that are there."""
    names = ("INCAR", "KPOINTS")
    return {name: (folder / name).read_text(errors="replace") for name in names if (folder / name).is_file()}


def changes(written: Mapping[str, str], now: Mapping[str, str]) -> tuple[Change, ...]:
    """Compare the inputs that were written with those that are there now.

    Parameters
    ----------
    written, now
        Texts of INCAR and KPOINTS by name; comments, and in KPOINTS the first line, do not count.
    """
    before, after = (_tags(texts.get("INCAR", "")) for texts in (written, now))
    tags = sorted({tag for tag in {*before, *after} if before.get(tag) != after.get(tag)} - _MACHINE)
    found = [Change(tag, before.get(tag), after.get(tag), _importance(tag, before, after)) for tag in tags]
    meshes = [_mesh(texts["KPOINTS"]) for texts in (written, now) if "KPOINTS" in texts]
    if len(meshes) == 2 and meshes[0] != meshes[1]:
        found.append(Change("KPOINTS", meshes[0], meshes[1], "decides energies"))
    return tuple(found)


def worst(found: Iterable[Change]) -> Importance:
    """Return the highest importance among changes."""
    return max((change.importance for change in found), key=_RANKS.index, default="harmless")


def warnings_of(found: Iterable[Change], reasons: Iterable[str]) -> tuple[str, ...]:
    """Return the sentences that a reader of the energy has to see; harmless changes need one sentence, if any.

    Parameters
    ----------
    found
        What differs from what was written.
    reasons
        Errors that the supervision corrected.
    """
    kept = tuple(found)
    if not kept:
        return ()
    named = ", ".join(dict.fromkeys(reasons))
    why = f" after {named}" if named else ", not by qddft's supervision"
    sentences = []
    for importance in reversed(_RANKS):
        group = [str(change) for change in kept if change.importance == importance]
        if group:
            sentences.append(f"inputs were changed{why}: {', '.join(group)} ({importance})")
    return tuple(sentences)


def append_correction(folder: Path, record: Mapping[str, Any]) -> None:
    """Add one line on a correction to the log of a folder; a last line that was cut short goes."""
    path = folder / LOG
    whole = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0] if path.is_file() else ""
    before = f"{whole}\n" if whole else ""
    write_text(path, before + json.dumps(dict(record), sort_keys=True) + "\n")


def read_corrections(folder: Path) -> tuple[dict[str, Any], ...]:
    """Return the corrections of a folder, in order; a last line that was cut short is left out.

    Raises
    ------
    FolderError
        A line before the last is damaged.
    """
    path = folder / LOG
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    records = []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise FolderError(f"{path}:{number} is damaged ({error}); restore it, or delete it") from error
    return tuple(records)


def _tags(text: str) -> dict[str, Any]:
    # custodian writes INCAR through pymatgen, which turns PE into Pe
    tags = parse_incar(text, "INCAR").tags
    return {tag: value.capitalize() if isinstance(value, str) else value for tag, value in tags.items()}


def _importance(tag: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Importance:
    if tag in _HARMLESS:
        return "harmless"
    if tag in _THRESHOLDS and _is_tighter(before.get(tag), after.get(tag)):
        return "harmless"
    return "changes accuracy" if tag in _ACCURACY else "decides energies"


def _is_tighter(before: Any, after: Any) -> bool:
    if not (isinstance(before, int | float) and isinstance(after, int | float)):
        return False
    # forces are negative and energies positive in EDIFFG: only the same kind can be compared
    return (before < 0) == (after < 0) and abs(after) <= abs(before)


def _mesh(text: str) -> str:
    """Return KPOINTS without its comment line, white space and the case of the style evened out."""
    return " / ".join(" ".join(line.split()) for line in text.splitlines()[1:] if line.strip())


def _shown(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
