"""Jobs, the plan that orders them, and the folders that hold them."""

from qddft.jobs.job import FinalOf, Given, Job

__all__ = ["FinalOf", "Given", "Job"]
