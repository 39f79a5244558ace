"""Options that commands of the core and of plugins share."""

from __future__ import annotations

import doctest

import click
from click.testing import CliRunner

from attrxfer.plugin import options


@click.command()
@options.attribute("What it makes")
def command(attributes: dict[str, bool] | None) -> None:
    click.echo(repr(attributes))


def test_attributes_are_read_and_refused_alike() -> None:
    run = CliRunner().invoke
    assert run(command, ["--attribute", "Young=True", "--attribute", "Male=false"]).output == "{'Young': True, 'Male': False}\n"
    assert run(command, []).output == "None\n"
    wrong = run(command, ["--attribute", "Young"])
    assert wrong.exit_code == 2 and '"Young" is not NAME=true or NAME=false' in wrong.output
    assert "What it makes; repeatable." in run(command, ["--help"]).output


def test_examples() -> None:
    assert doctest.testmod(options).failed == 0
