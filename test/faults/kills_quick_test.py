"""A few of the kills of ./dev soak kills."""
import os
import pathlib
import sys

os.environ.setdefault("SOYANG_KILLS", "10")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "soak"))
from kills_test import Kills  # noqa: E402,F401
