"""A believable company whose logs can be generated: `python -m tests.company --out sample_logs --seed 7`.

What belongs here: the company's story, its simulation, and writers for each log format. Same seed, same
bytes.
"""

from tests.company.company import Company, Period, Truth
from tests.company.writing import write

__all__ = ["Company", "Period", "Truth", "write"]
