"""What a recipe says of data that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import attrxfer


@pytest.mark.parametrize("name", ["celeba", "folder", "csv"])
def test_a_path_that_does_not_exist_is_missing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    output = attrxfer("recipe", "check", "diat_a_gender", "--set", f'data={{use="{name}", path="{path}"}}').stdout
    assert f"{path}: no such file or folder" in output and "missing" in output


def test_the_images_of_a_table_are_looked_for_too(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("file,smiling\n")
    table = f'data={{use="csv", path="{tmp_path / "table.csv"}", images="{tmp_path / "nowhere"}"}}'
    output = attrxfer("recipe", "check", "diat_a_gender", "--set", table).stdout
    assert f"{tmp_path / 'nowhere'}: no such file or folder" in output
