"""Outputs that say which inputs were changed after they were written."""

import json
from dataclasses import replace
from pathlib import Path

from qddft.core.errors import OutputError
from qddft.engines.vasp.corrections import changes, input_texts, read_corrections, warnings_of
from qddft.engines.vasp.write import ORDER_FILE
from qddft.outputs.outputs import Outputs

# key of Outputs.extra: tags whose change gives another energy than the level stands for
DECIDING = "energy_deciding_changes"
CHANGES = "changed_inputs"


def with_changes(outputs: Outputs, folder: Path) -> Outputs:
    """Return outputs with warnings and records of what custodian, or a hand, changed in the inputs of a folder.

    A folder that qddft did not write gives the outputs as they are.

    Raises
    ------
    OutputError
        The record of what was written is damaged.
    """
    path = folder / ORDER_FILE
    if not path.is_file():
        return outputs
    try:
        written = json.loads(path.read_text(encoding="utf-8"))["written"]
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise OutputError(
            f"{path} is damaged ({error!r}); write the folder again elsewhere and copy it here"
        ) from error
    found = changes(written, input_texts(folder))
    corrections = read_corrections(folder)
    if not found and not corrections:
        return outputs
    reasons = [error for record in corrections for error in record.get("errors", ())]
    deciding = [change.tag for change in found if change.importance == "decides energies"]
    extra = {
        **outputs.extra,
        CHANGES: [change.record() for change in found],
        DECIDING: deciding,
        "corrections": list(corrections),
    }
    return replace(outputs, warnings=(*outputs.warnings, *warnings_of(found, reasons)), extra=extra)
