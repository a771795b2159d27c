"""The key ``poses_from`` of a row of ligands: starting poses taken from a finished search."""

import re
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _beside_the_study(text: str) -> str:
    path = PurePosixPath(text)
    if _CONTROL.search(text) or "\\" in text or path.is_absolute() or ".." in path.parts or text.startswith("~"):
        raise ValueError(f"{text!r}: give the folder of a search that lies beside the study or below it")
    return text


# folder of a finished search, relative to the study file
PosesFrom = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_beside_the_study)]
