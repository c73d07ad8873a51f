"""Write the JSON Schema of tree documents to where the package ships it."""

from __future__ import annotations

import json
from pathlib import Path

from metrictree import json_schema

TARGET = Path(__file__).parents[1] / "src" / "metrictree" / "metrictree.schema.json"

TARGET.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8", newline="\n")
