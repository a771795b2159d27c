"""Errors the user can fix.

Every exception of this module means: the input or the environment is at fault, the message says what is wrong,
where, and what to do. Any other exception that reaches a user is a bug of qddft.
"""


class QddftError(Exception):
    """Base of everything the user can fix."""


class StructureError(QddftError, ValueError):
    """A bulk, slab or structure file that cannot be built or read as asked."""


class LigandError(QddftError, ValueError):
    """A ligand that is unknown, cannot be parsed or contradicts itself."""


class PlacementError(QddftError, ValueError):
    """A ligand that cannot be put where it was asked to go."""


class ChargeError(QddftError, ValueError):
    """Formal charges that do not add up to what a periodic calculation allows."""


class StudyError(QddftError, ValueError):
    """A study file with one or more mistakes, all of them listed."""


class LevelError(QddftError, ValueError):
    """A level of theory that is unknown or inconsistent."""


class PlanError(QddftError, ValueError):
    """Jobs that cannot be ordered or that contradict each other."""


class FolderError(QddftError, OSError):
    """A job or run folder that is missing, foreign, damaged or in use."""


class EngineError(QddftError, RuntimeError):
    """An engine that is not installed, not suitable or that failed."""


class OutputError(QddftError, ValueError):
    """A finished calculation whose files are missing, truncated or unreadable."""


class ConvergenceError(QddftError, RuntimeError):
    """A number was asked of a calculation that did not converge."""


class ReferenceSchemeError(QddftError, ValueError):
    """A reaction whose elements or charges do not balance, or an unknown reference scheme."""


class SettingsMismatchError(QddftError, ValueError):
    """Energies or densities that were computed with different settings."""


class MachineError(QddftError, ValueError):
    """A machine file that is unknown or has mistakes, or a batch system that refuses."""
