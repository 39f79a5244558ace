"""What only looks starts at once."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plugins"], ["recipe", "ls"], ["components"]])
def test_looking_imports_neither_torch_nor_numpy_nor_pydantic(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['attrxfer', *sys.argv[1:]]\n"
        "from attrxfer.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'numpy', 'pydantic', 'rich', 'PIL') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
