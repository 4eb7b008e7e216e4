"""Executes docs/library.ipynb on a workspace and keeps what it prints.

python demo/notebook.py WORKSPACE
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[1] / "docs" / "library.ipynb"


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of its code cells, run in order in one namespace."""
    namespace: dict[str, Any] = {}
    number = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        number += 1
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), namespace)  # noqa: S102
        stream = {"name": "stdout", "output_type": "stream", "text": printed.getvalue()}
        cell |= {"execution_count": number, "outputs": [stream] if stream["text"] else []}
    return notebook


if __name__ == "__main__":
    os.environ["CXR_WORKSPACE"] = sys.argv[1]
    content = executed(json.loads(NOTEBOOK.read_text(encoding="utf-8")))
    NOTEBOOK.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
