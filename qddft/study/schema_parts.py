"""What the parts of a study file share: plain text, seeds, and a ligand with its place on a face."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from qddft.atoms.sites import KINDS

Mode = Literal["atop", "bidentate", "bridging", "X-site", "A-site", "ion-pair"]
Faces = Literal["top", "both"]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# a title or a label is prose: it may hold a slash, as in (001)/PbBr2, but nothing that acts as a path or in a shell
_PATH_OR_SHELL = re.compile(r"\.\.|^[/~]|\\|`|\$|;|\||[<>]")


def _words(text: str) -> str:
    found = _CONTROL.search(text) or _PATH_OR_SHELL.search(text)
    if found:
        raise ValueError(f"{found[0]!r} is not allowed, because the text is used in names of files; write plain words")
    return text


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


def _site(value: Any) -> int | str | tuple[float, float] | None:
    """Read the number of an atom, a point in the plane, or a kind of site."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, str) and value in KINDS:
        return value
    if isinstance(value, list | tuple) and len(value) == 2:
        x, y = value
        if all(isinstance(item, int | float) and not isinstance(item, bool) for item in (x, y)):
            return float(x), float(y)
    raise ValueError(f"give the number of a slab atom, a point [x, y] in Angstrom, or one of {', '.join(KINDS)}")


Words = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_words)]
Line = Annotated[str, Field(max_length=1000), AfterValidator(_one_line)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**31)]


class Strict(BaseModel):
    """Frozen, and closed to unknown keys and to numbers that are none."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CoveringSpec(Strict):
    """A ligand and how it sits on a face.

    Attributes
    ----------
    ligand
        Library name, synonym, SMILES, or a structure file beside the study.
    charge
        Formal charge, e: needed for ions in files without bonds (xyz), checked otherwise.
    truncate
        Carbon atoms that each chain keeps; ``None`` for the whole molecule.
    mode
        Binding mode.
    seed
        Of the search for conformers and poses.
    distance
        Anchor to surface atom at the start, Angstrom; ``None`` for the default of the pair of elements.
    site
        Number of a slab atom, a point [x, y] in Angstrom, or a kind of site; the middle of the cell if not given.
    conformer
        Number of a conformer by energy; one that fits if not given.
    count, per_nm2
        How many are spread over the face, as a number or as ligands per nm^2; one if neither is given.
    pattern
        Which of the symmetry-distinct ways to choose their sites, from 1, evenly spread ones first.
    """

    ligand: Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)]
    charge: Annotated[int, Field(strict=True, ge=-20, le=20)] | None = None
    truncate: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    mode: Mode = "atop"
    seed: Seed = 0
    distance: Annotated[float, Field(strict=True, gt=0, le=10)] | None = None
    site: Annotated[int | str | tuple[float, float] | None, PlainValidator(_site)] = None
    conformer: Annotated[int, Field(strict=True, ge=0, le=1000)] | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    per_nm2: Annotated[float, Field(strict=True, gt=0, le=100)] | None = None
    pattern: Annotated[int, Field(strict=True, ge=1, le=100000)] = 1
