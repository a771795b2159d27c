"""``Outputs`` to a JSON file and back; the file's presence is what makes a job done."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from qddft.core.errors import OutputError
from qddft.core.files import write_json
from qddft.core.structure_json import structure_from_dict, structure_to_dict
from qddft.outputs.outputs import Outputs

FORMAT = 1
_PLAIN = (
    "energy", "free_energy", "fermi_level", "n_electrons", "charge", "electronically_converged",
    "ionically_converged", "n_ionic_steps", "magnetization", "engine", "engine_version", "source",
)  # fmt: skip
_ARRAYS = ("forces", "stress")


def outputs_to_dict(outputs: Outputs) -> dict[str, Any]:
    """Return the JSON form of ``outputs``."""
    data: dict[str, Any] = {"format": FORMAT, "atoms": structure_to_dict(outputs.atoms)}
    data |= {name: getattr(outputs, name) for name in _PLAIN}
    for name in _ARRAYS:
        array = getattr(outputs, name)
        data[name] = None if array is None else np.asarray(array).tolist()
    return data | {
        "settings": dict(outputs.settings),
        "warnings": list(outputs.warnings),
        "extra": dict(outputs.extra),
    }


def outputs_from_dict(data: dict[str, Any]) -> Outputs:
    """Return the ``Outputs`` of its JSON form."""
    arrays: dict[str, Any] = {name: None if data[name] is None else np.array(data[name]) for name in _ARRAYS}
    return Outputs(
        atoms=structure_from_dict(data["atoms"]),
        settings=data["settings"],
        warnings=tuple(data["warnings"]),
        extra=data["extra"],
        **{name: data[name] for name in _PLAIN},
        **arrays,
    )


def save_outputs(path: Path, outputs: Outputs) -> None:
    """Write ``outputs`` as JSON, whole or not at all."""
    write_json(path, outputs_to_dict(outputs))


def load_outputs(path: Path) -> Outputs:
    """Read what ``save_outputs`` wrote.

    Raises
    ------
    OutputError
        The file is missing, cut short or of another format.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        outputs = outputs_from_dict(data) if data["format"] == FORMAT else None
    except FileNotFoundError as error:
        raise OutputError(f"{path} does not exist: the job has not finished") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise OutputError(f"{path} is damaged ({error}); delete it and run the job again") from error
    if outputs is None:
        raise OutputError(f"{path} has format {data['format']}, not {FORMAT}; run the job again with this qddft")
    return outputs
