"""What users get wrong is one line; what is printed can be run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import attrxfer


def test_errors_of_the_command_line(tmp_path: Path) -> None:
    for arguments, message in (
        (["run", "diat_a_gendr"], 'did you mean "diat_a_gender"'),
        (["run", "diat_a_gender", "--data", tmp_path / "nowhere"], "no such file or folder"),
        (["run", "--resume", tmp_path], "no recipe.toml here"),
        (
            ["recipe", "check", "diat_a_gender", "--set", "train.size=17"],
            "train.size: input should be a multiple of 16",
        ),
        (["components", "generatr"], 'no kind "generatr"; did you mean "generator"?'),
        (["info", tmp_path], "neither a bundle nor a finished run"),
    ):
        result = attrxfer(*arguments)
        assert result.returncode == 2, arguments
        assert message in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.slow
def test_recipe_show_prints_what_can_be_run_again(tmp_path: Path) -> None:
    text = attrxfer("recipe", "show", "diat_a_gender", "--set", "train.seed=3").stdout
    (tmp_path / "mine.toml").write_text(text)
    assert "seed = 3" in text
    assert attrxfer("recipe", "check", tmp_path / "mine.toml").stdout.startswith(f"{tmp_path / 'mine.toml'}: valid")
