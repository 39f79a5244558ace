"""The command line: where a command is written, and what it does with a pipe that is closed."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from attrxfer.cli import COMMANDS, _show_log
from attrxfer.plugin.host import Host
from tests.conftest import attrxfer, command_line


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_a_command_is_in_the_file_of_its_name(command: click.Command) -> None:
    assert command.callback is not None
    assert command.callback.__module__ == f"attrxfer.cli.{command.name}"


def test_a_list_of_commands_is_not_cut_and_every_option_is_explained(host: Host) -> None:
    group = click.Group("attrxfer", commands={str(command.name): command for command in COMMANDS})
    host.add_commands(group)
    groups = [("attrxfer", group)]
    for path, one in groups:
        listed = CliRunner().invoke(one, ["--help"]).output
        assert "..." not in listed.partition("Commands:")[2], listed
        for name, command in one.commands.items():
            if isinstance(command, click.Group):
                groups.append((f"{path} {name}", command))
            options = [param for param in command.params if isinstance(param, click.Option)]
            unexplained = [option.opts[-1] for option in options if not option.help]
            assert not unexplained, f"{path} {name}: {unexplained}"


def test_who_reads_only_the_first_lines_gets_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [sys.executable, "-m", "attrxfer", "components"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert "roken pipe" not in result.stderr and "Traceback" not in result.stderr


def test_a_model_that_is_not_there_is_answered_by_the_names_there_are() -> None:
    result = attrxfer("info", "trth")
    assert result.returncode == 2
    assert result.stderr == 'attrxfer: trth: no such file or folder, model or method; did you mean "truth"?\n'


def test_a_description_of_a_method_imports_no_torch() -> None:
    code = (
        "import sys; from attrxfer.plugin.host import load; from attrxfer.workflows.info import facts; facts('truth', load())"
    )
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; print('torch' in sys.modules)"], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False\n"


def test_what_plugins_report_is_printed_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("attrxfer")
    before = (list(log.handlers), log.level)
    try:
        _show_log()
        logging.getLogger("attrxfer").info("training the attribute classifier (%s)", "small")
        logging.getLogger("someone.else").info("not ours")
    finally:
        log.handlers, level = before
        log.setLevel(level)
    assert capsys.readouterr().err == "training the attribute classifier (small)\n"


# ---------------------------------------------------------------- what all commands have


def leaves(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The commands that can be run, with their full names."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(f"{path} {name}", inner)
    else:
        yield path, command


def test_every_command_has_v_and_q_and_one_word_for_a_model(host: Host) -> None:
    found = dict(leaves("attrxfer", command_line(host)))
    assert {"attrxfer run", "attrxfer push", "attrxfer data inspect", "attrxfer train"} <= found.keys()
    for path, command in found.items():
        opts = [opt for param in command.params for opt in param.opts]
        assert opts.count("-v") == 1 and opts.count("-q") == 1, path
        context = click.Context(command)
        words = {param.make_metavar(context).strip("[].") for param in command.params if isinstance(param, click.Argument)}
        assert not words & {"BUNDLE", "CANDIDATE", "CANDIDATES", "RUN", "RUNS", "MODELS"}, path


def test_v_prints_what_is_read_and_where_an_error_arose() -> None:
    plain, more = attrxfer("recipe", "show", "diat_a_gender"), attrxfer("recipe", "show", "diat_a_gender", "-v")
    assert plain.stdout == more.stdout
    log = logging.getLogger("attrxfer")
    assert log.level != logging.DEBUG, "the level is that of one command"
    error = attrxfer("info", "trth", "-v")
    assert error.returncode == 2 and "Traceback" in error.stderr and error.stderr.splitlines()[-1].startswith("attrxfer: trth")
    both = attrxfer("models", "-v", "-q")
    assert both.returncode == 2 and "-v and -q together" in both.stderr


def test_v_logs_the_file_of_a_recipe(caplog: pytest.LogCaptureFixture) -> None:
    attrxfer("recipe", "show", "diat_a_gender", "-v")
    assert any(record.levelno == logging.DEBUG and "diat_a_gender.toml" in record.getMessage() for record in caplog.records)


def test_q_silences_what_the_core_and_plugins_report(caplog: pytest.LogCaptureFixture, trained: Path) -> None:
    command = (
        "evaluate",
        trained,
        "gender",
        "--recipe",
        trained / "recipe.toml",
        "--set",
        "metric=[]",
        "--limit",
        "2",
        "-o",
        trained.parent / "quiet",
    )
    assert "gender: works at 128 px" in _logged(caplog, command)
    result = attrxfer(*command, "-q")
    assert result.returncode == 0 and result.stdout == "" and "works at" not in result.stderr


def _logged(caplog: pytest.LogCaptureFixture, command: Sequence[str | Path]) -> str:
    with caplog.at_level(logging.INFO, logger="attrxfer"):
        assert attrxfer(*command).returncode == 0
    return caplog.text


@pytest.mark.parametrize(
    "arguments",
    [("models",), ("components", "metric"), ("plugins",), ("recipe", "ls"), ("recipe", "diff", "diat_a_gender")],
)
def test_a_list_as_json_has_an_object_a_row(arguments: tuple[str, ...]) -> None:
    rows = json.loads(attrxfer(*arguments, "--json").stdout)
    lines = attrxfer(*arguments).stdout.splitlines()
    assert len(rows) == len(lines) - 1 and all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows)
    assert str(next(iter(rows[-1].values()))) in lines[-1]


def test_facts_and_scores_as_json(trained: Path) -> None:
    known = json.loads(attrxfer("info", "gender", "--json").stdout)
    assert known["size"] == 128 and known["scores"]["scores"]["attribute accuracy"]["value"] > 0.5
    assert json.loads(attrxfer("info", "truth", "--json").stdout)["method"] == "truth"
    compared = json.loads(attrxfer("compare", trained, "gender", "--json").stdout)
    assert compared["settings"]["train.size"] == {str(trained): 16, "gender": 128} and "gender" in compared["scores"]
    assert json.loads(attrxfer("recipe", "show", "diat_a_gender", "--json").stdout)["task"]["guided"] == {"Male": False}


def test_names_are_completed(host: Host) -> None:
    whole = command_line(host)
    complete = ShellComplete(whole, {}, "attrxfer", "_ATTRXFER_COMPLETE")
    assert [item.value for item in complete.get_completions(["run"], "diat_a_ge")] == ["diat_a_gender", "diat_a_ge"]
    assert [item.value for item in complete.get_completions(["info"], "mouth_o")] == ["mouth_open", "mouth_o"]
    assert [item.value for item in complete.get_completions(["components"], "gen")] == ["generator"]
    assert "ablate" in [item.value for item in complete.get_completions([], "ab")]
