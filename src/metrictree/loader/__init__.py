"""Files and includes -> one `TreeSpec`, and where all stands: the only reader of tree files."""

from __future__ import annotations

from metrictree.loader.files import is_relative
from metrictree.loader.history import load_history
from metrictree.loader.inputs import load_inputs
from metrictree.loader.loading import Loaded
from metrictree.loader.places import Places
from metrictree.loader.tests import files_of_tests, load_test_file, load_with_tests
from metrictree.loader.trees import load_data, load_file, load_text, quiet_collector

__all__ = [
    "Loaded",
    "Places",
    "files_of_tests",
    "is_relative",
    "load_data",
    "load_file",
    "load_history",
    "load_inputs",
    "load_test_file",
    "load_text",
    "load_with_tests",
    "quiet_collector",
]
