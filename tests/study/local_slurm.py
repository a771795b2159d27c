"""A private Slurm of one node on this machine, for tests: loopback only, own keys, own ports, ends what it started."""

import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
_CONF = """\
ClusterName=qddft
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
ReturnToService=2
KillWait=1
MinJobAge=300
OverTimeLimit=0
SlurmdTimeout=60
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} CoresPerSocket={cores} RealMemory=1000
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=00:10:00 State=UP
"""


def program(name: str) -> str | None:
    """Return the path of a program; daemons are not on every user's PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS if program(name) is None]


class LocalSlurm:
    """Daemons that run until ``stop``."""

    def __init__(self, root: Path, cores: int = 4) -> None:
        self.root, self.cores = root, cores
        self.conf = root / "slurm.conf"
        self._processes: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Write keys and configuration, start the daemons and wait until the node is idle."""
        for name in ("munge", "state", "spool", "log"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "munge").chmod(0o755)
        key = self.root / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        ports = _free_ports(2)
        values = {"host": self._host(), "control_port": ports[0], "node_port": ports[1], "cores": self.cores}
        self.conf.write_text(_CONF.format(root=self.root, user=getpass.getuser(), **values))
        folder = self.root / "munge"
        self._start(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={folder}/socket",
            f"--pid-file={folder}/pid", f"--log-file={folder}/log", f"--seed-file={folder}/seed",
        )  # fmt: skip
        _until((folder / "socket").exists, "munged")
        self.start_controller()
        self.start_node()
        self.wait_idle()

    def start_controller(self) -> None:
        """Start slurmctld."""
        self._start("slurmctld", "-D", "-f", str(self.conf))

    def start_node(self) -> None:
        """Start slurmd."""
        self._start("slurmd", "-D", "-f", str(self.conf))

    def kill(self, name: str) -> None:
        """Kill a daemon with SIGKILL."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def restart_controller(self) -> None:
        """End slurmctld as an administrator would, and start it again."""
        self._end("slurmctld")
        self.start_controller()
        _until(self._answers, "slurmctld")

    def crash_controller(self) -> None:
        """Kill slurmctld and start it again: it may have forgotten the last seconds."""
        self.kill("slurmctld")
        self.start_controller()
        _until(self._answers, "slurmctld")
        # a job whose id was given twice drains the node until an administrator looks
        self.call("scontrol", "update", f"NodeName={self._host()}", "State=RESUME")

    def wait_idle(self) -> None:
        """Wait until the node answers; it may still be ending jobs, of which a killed slurmd was not told in time."""

        def answers() -> bool:
            state = self.call("sinfo", "-h", "-p", "debug", "-o", "%T")
            if state.startswith("drain"):
                # an administrator would look, and let it go on
                self.call("scontrol", "update", f"NodeName={self._host()}", "State=RESUME")
            return state in ("idle", "mixed", "allocated", "completing")

        _until(answers, "slurmd", seconds=120)

    def start_now(self, job: str) -> None:
        """Let a job start that was put back into the queue: Slurm would keep it there for two minutes."""
        # its first start has to have ended on the node, or the node refuses the id
        _until(lambda: self.call("sinfo", "-h", "-p", "debug", "-o", "%T") == "idle", "the end of the first start")
        # it also refuses ("Job credential revoked") a start in the very second in which the first one ended
        time.sleep(2)

        def started() -> bool:
            if self.call("squeue", "-h", "-j", job, "-o", "%T") != "PENDING":
                return True
            self.call("scontrol", "update", f"JobId={job}", "StartTime=now")
            time.sleep(0.5)
            return False

        _until(started, f"job {job}")

    def call(self, name: str, *arguments: str) -> str:
        """Return what a command of Slurm prints."""
        done = subprocess.run(
            [program(name), *arguments], capture_output=True, text=True, check=False, env=self.environment()
        )
        return done.stdout.strip()

    def environment(self) -> dict[str, str]:
        """Return the environment in which commands find this Slurm."""
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    def stop(self) -> None:
        """Cancel all jobs and end the daemons."""
        self.call("scancel", f"--user={getpass.getuser()}")
        deadline = time.monotonic() + 10
        while self.call("squeue", "-h") and time.monotonic() < deadline:
            time.sleep(0.2)
        for name in ("slurmd", "slurmctld", "munged"):
            self._end(name)

    @staticmethod
    def _host() -> str:
        return socket.gethostname().partition(".")[0]

    def _answers(self) -> bool:
        return self.call("sinfo", "-h") != ""

    def _start(self, name: str, *arguments: str) -> None:
        with (self.root / "log" / name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [program(name), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=self.environment(),
            )  # fmt: skip

    def _end(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    """Return ports below those that the system hands out by itself, drawn, since several of us may be looking."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().randint(10_000, 32_000)
        with socket.socket() as one:
            if port not in found and one.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found


def _until(condition, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come up")
        time.sleep(0.1)
