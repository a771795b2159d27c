"""Jobs through pilot jobs: workers that stay, locally or inside allocations of Slurm, and take one job after another.

Parsl (the extra ``qddft[parsl]``) starts and watches them; folders, locks and products decide what is done, as always.
"""

from qddft.study.pilots.executor import PilotExecutor, pilot_executor
from qddft.study.pilots.settings import Pilots, load_pilots

__all__ = ["PilotExecutor", "Pilots", "load_pilots", "pilot_executor"]
