"""Parsl's interchange, kept from outliving its driver.

A driver that is killed would leave the interchange behind, and with it all pilot jobs (Parsl issue 3663, open).
"""

import os
import runpy
import subprocess
import sys
import threading
import time

_MODULE = "parsl.executors.high_throughput.interchange"
_LEASH = ("setsid", "setpriv", "--pdeathsig", "TERM")


def interchange_command() -> list[str]:
    """Return the words that start the interchange in a session of its own, where Ctrl-C does not reach it.

    The kernel ends it with its driver where ``setpriv --pdeathsig`` is there (Linux, util-linux 2.33 and later);
    elsewhere this module watches the driver.
    """
    python = [sys.executable, "-m"]
    return [*_LEASH, *python, _MODULE] if _kernel_can() else [*python, __name__]


def _kernel_can() -> bool:
    try:
        return subprocess.run([*_LEASH, "true"], check=False, capture_output=True, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _end_with(parent: int) -> None:
    """Leave when this process was given to another parent, since its own has died."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main() -> None:
    """Watch the driver, and be the interchange."""
    os.setsid()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    runpy.run_module(_MODULE, run_name="__main__")


if __name__ == "__main__":
    main()
