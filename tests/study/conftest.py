"""A real Slurm for the tests of a process, and one that a test may ruin."""

import getpass
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from local_slurm import LocalSlurm, missing


@contextmanager
def started_slurm():
    """Start a Slurm of one node, and end it."""
    if missing():
        pytest.skip(f"Slurm is not installed: no {', '.join(missing())}")
    # the path of a socket may not be long
    root = Path(tempfile.mkdtemp(prefix="qddft-slurm-", dir="/tmp"))
    root.chmod(0o755)
    slurm = LocalSlurm(root)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def cluster():
    """The Slurm of this process: with pytest-xdist every worker has its own."""
    with started_slurm() as slurm:
        yield slurm


@pytest.fixture
def own_cluster(monkeypatch):
    """A Slurm for one test, which may kill its controller."""
    with started_slurm() as slurm:
        monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
        yield slurm


@pytest.fixture(scope="session")
def bytecode_folder(tmp_path_factory):
    """Give a folder in which processes keep compiled modules; compiling them costs more than the tests."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def compiled(monkeypatch, bytecode_folder):
    """Let processes that a test starts keep and find compiled modules."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(bytecode_folder))


@pytest.fixture
def queue_environment(monkeypatch, cluster):
    """Point the commands of Slurm at the cluster; leave its queue empty."""
    monkeypatch.setenv("SLURM_CONF", str(cluster.conf))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(cluster.root / "bytecode"))
    yield cluster
    cluster.call("scancel", f"--user={getpass.getuser()}")
    deadline = time.monotonic() + 20
    while cluster.call("squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.2)


@pytest.fixture
def pace(tmp_path, monkeypatch):
    """Return a function that says how long an evaluation of the slow calculator takes, also while it runs."""
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", here)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("SLOW_LJ_LOG", str(tmp_path / "calls.log"))
    (tmp_path / "calls.log").touch()

    def take(seconds):
        temporary = tmp_path / "pace.tmp"
        temporary.write_text(str(seconds))
        temporary.rename(tmp_path / "calls.log.pace")

    return take


@pytest.fixture
def slow(queue_environment, pace):
    """The slow calculator on the cluster; return the function that sets its pace."""
    return pace
