"""Importing this puts the checkout first on the path, so that ``demo_world`` is found in it.

It is not installed, and Python looks in a script's own folder first, where
``benchmarks/demo_world.py`` would be taken for it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
