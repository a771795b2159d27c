"""Large studies a portion at a time, so that their structures need not be in memory all at once."""

from collections.abc import Iterator
from pathlib import Path

from qddft.core.errors import ChargeError, PlacementError
from qddft.study.expand import Expansion, choose_level, expand, expand_at, outline
from qddft.study.naming import unique
from qddft.study.schema import Study

# rows of a portion; a study of as many rows or fewer is one
ROWS = 100


def portions(
    study: Study, *, engine: str | None = None, level: str | Path | None = None, rows: int = ROWS
) -> Iterator[Expansion]:
    """Yield what ``expand`` returns in portions of few rows, with the same jobs and recipes.

    All rows share one height of the cell and number their doubles together, so a first pass builds every structure and
    keeps none. A study with exchanges or convergence series, which tie rows together, is one portion.

    Parameters
    ----------
    study, engine, level
        As in ``expand``.
    rows
        Ligands of a portion.

    Raises
    ------
    StudyError, PlacementError, ChargeError
        As ``expand``; rows of all portions are listed.
    """
    if len(study.ligands) <= rows or study.exchanges or study.convergence:
        yield expand(study, engine=engine, level=level)
        return
    name, chosen = choose_level(study, engine, level)
    parts = _parts(study, rows)
    height, labels, wrong = 0.0, list[str](), list[PlacementError | ChargeError]()
    for place, part in enumerate(parts):
        try:
            needed, found = outline(part, name, chosen, place * rows + 1)
        except (PlacementError, ChargeError) as error:
            wrong.append(error)
        else:
            height = max(height, needed)
            labels += found
    if wrong:
        raise type(wrong[0])("\n".join(map(str, wrong)))
    numbered = unique(labels)
    for place, part in enumerate(parts):
        mine = numbered[place * rows : (place + 1) * rows]
        yield expand_at(part, name, chosen, least_height=height, labels=mine)


def _parts(study: Study, rows: int) -> list[Study]:
    """Split the ligands; everything else goes with the last of them."""
    cuts = range(0, len(study.ligands), rows)
    alone = dict.fromkeys(("vacancies", "shells"), ())
    parts = [study.model_copy(update={"ligands": study.ligands[cut : cut + rows], **alone}) for cut in cuts]
    parts[-1] = study.model_copy(update={"ligands": study.ligands[cuts[-1] :]})
    return parts
