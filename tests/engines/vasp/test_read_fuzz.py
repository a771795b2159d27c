"""Ten thousand damaged copies of real (and made-up) files: an error that names the file, or the right numbers.

Run by name: ``pytest -m slow tests/engines/vasp/test_read_fuzz.py``.
"""

import gzip
import random
from contextlib import suppress
from pathlib import Path

import pytest
from made_up_vasp import outcar, two_steps, vasprun
from shared_vasp import FOLDER, of_kind

from qddft.analysis.audit import compare
from qddft.core.errors import OutputError
from qddft.engines.vasp.read import read_dos, read_eigenvalues, read_outputs, read_projected, read_trajectory
from qddft.engines.vasp.read.collect import run_settings

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


INPUTS = {
    "INCAR": b"ENCUT = 400; PREC = Accurate\nLDAU = T\nLDAUL = 2 -1\nLDAUU = 4 0\nLDAUJ = 0 0\nNELECT = 28\n",
    "POSCAR": b"x\n1\n6 0 0\n0 6 0\n0 0 20\nPb Br\n1 2\nS\nD\n0 0 .25 F F F\n.5 0 .25 T T T\n0 .5 .25 T F T\n",
    "KPOINTS": b"k\n0\nGamma\n4 4 1\n0 0 0\n",
    "POTCAR.spec": b"Pb_d\nBr\n",
}


def check_audits(folder: Path, seed: int, copies: int) -> None:
    """Audit damaged inputs, with and without outputs, against a sound calculation: an answer or a named error."""
    rng = random.Random(seed)
    output = vasprun(two_steps(projected="last")).encode()
    (folder / "sound").mkdir()
    (folder / "sound" / "vasprun.xml").write_bytes(output)
    sound = run_settings(folder / "sound")
    for number in range(copies):
        run = folder / f"run-{number}"
        run.mkdir()
        for name, text in INPUTS.items():
            (run / name).write_bytes(damaged(text, rng) if rng.random() < 0.5 else text)
        if rng.random() < 0.5:
            (run / "vasprun.xml").write_bytes(damaged(output, rng))
        for reader in (read_dos, read_eigenvalues, read_projected, read_trajectory):
            with suppress(OutputError):
                reader(run)
        with suppress(OutputError):
            compare([sound, run_settings(run)]).table()


def test_a_few_audits_of_damaged_folders(tmp_path):
    check_audits(tmp_path, seed=2, copies=60)


@pytest.mark.slow
def test_many_audits_of_damaged_folders(tmp_path):
    check_audits(tmp_path, seed=3, copies=3000)


@pytest.mark.slow
def test_ten_thousand_damaged_files(tmp_path):
    check(tmp_path, seed=20261121, copies=COPIES)
