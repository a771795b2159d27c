"""What one finished calculation gave, the same type from every engine."""

from qddft.outputs.outputs import Outputs

__all__ = ["Outputs"]
