"""The command line: where a command is written, and what it does with a pipe that is closed."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from attrxfer.cli import COMMANDS, _show_log
from attrxfer.plugin.host import Host
from tests.conftest import attrxfer


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
