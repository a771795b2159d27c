"""Ten thousand damaged copies of real (and made-up) files: an error that names the file, or the right numbers.

Run by name: ``pytest -m slow tests/engines/vasp/test_read_fuzz.py``.
"""

import gzip
import random
from pathlib import Path

import pytest
from made_up_vasp import outcar, two_steps, vasprun
from shared_vasp import FOLDER, of_kind

from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_outputs

COPIES = 10_000
SMALL = 500_000


def originals() -> list[bytes]:
    """Return the texts that are damaged: all small result files, or made-up ones where there are none."""
    texts = []
    for name in [*of_kind("vasprun"), *of_kind("outcar")]:
        data = (FOLDER / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        if len(data) < SMALL:
            texts.append(data)
    made_up = [two_steps(version=version) for version in ("5.4.4", "6.3.0")]
    return [*texts, *(writer(run).encode() for run in made_up for writer in (vasprun, outcar))]


def damaged(text: bytes, rng: random.Random) -> bytes:
    """Return a copy that was cut, or in which bytes were changed, lost, doubled, zeroed or starred."""
    data, n = bytearray(text), len(text)
    at, length = rng.randrange(n), rng.choice((1, 8, 100, 3000, 20000))
    match rng.choice(("cut", "change", "lose", "double", "zero", "star", "digit", "swap")):
        case "cut":
            return text[:at]
        case "change":
            for _ in range(rng.choice((1, 3, 20))):
                data[rng.randrange(n)] = rng.randrange(256)
        case "lose":
            del data[at : at + length]
        case "double":
            data[at:at] = data[at : at + length]
        case "zero":
            data[at : at + length] = bytes(len(data[at : at + length]))
        case "star":
            data[at : at + length % 50] = b"*" * len(data[at : at + length % 50])
        case "digit":
            place = next((i for i in range(at, n) if chr(data[i]).isdigit()), at)
            data[place] = ord(str(rng.randrange(10)))
        case "swap":
            lines = text.split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            return b"\n".join(lines)
    return bytes(data)


def outcome(path: Path) -> tuple[float | None, bool]:
    """Return energy and convergence, or no energy where the file is refused with its name."""
    try:
        outputs = read_outputs(path)
    except OutputError as error:
        message = str(error)
    else:
        return outputs.energy, outputs.converged
    assert str(path) in message
    return None, False


def check(tmp_path: Path, seed: int, copies: int) -> None:
    rng = random.Random(seed)
    texts = originals()
    expected = []
    for number, text in enumerate(texts):
        path = tmp_path / f"original-{number}"
        path.write_bytes(text)
        expected.append(outcome(path))
    for number in range(copies):
        chosen = rng.randrange(len(texts))
        path = tmp_path / "copy"
        path.unlink(missing_ok=True)
        path.write_bytes(damaged(texts[chosen], rng))
        energy, converged = outcome(path)
        reference, reference_converged = expected[chosen]
        # a damaged file may lose its claim to have converged, never gain one, and never give another energy
        assert energy is None or energy == pytest.approx(reference, abs=1e-4), f"copy {number} of {chosen}"
        assert not converged or reference_converged, f"copy {number} of {chosen}"


def test_a_few_damaged_files(tmp_path):
    check(tmp_path, seed=1, copies=150)


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    check(tmp_path, seed=20261121, copies=COPIES)
