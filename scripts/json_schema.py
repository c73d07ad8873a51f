"""Write the JSON Schemas of trees and of files of tests to where the package ships them."""

from __future__ import annotations

import json
from pathlib import Path

from metrictree import json_schema

FOLDER = Path(__file__).parents[1] / "src" / "metrictree"

for name, schema in (
    ("metrictree", json_schema()),
    ("metrictest", json_schema("tests")),
):
    text = json.dumps(schema, indent=2) + "\n"
    (FOLDER / f"{name}.schema.json").write_text(text, encoding="utf-8", newline="\n")
