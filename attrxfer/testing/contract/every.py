"""Checks of every component."""

from __future__ import annotations

import inspect

from torch import nn

from attrxfer.testing.subject import Subject


def check_its_table_reads_back(subject: Subject) -> None:
    """The filled table, with all defaults, is valid and is not changed by filling it again."""
    filled = subject.spec()
    table = {key: value for key, value in filled.table().items() if key != "use"}
    assert subject.spec(**table).table() == filled.table()


def check_unknown_settings_are_refused(subject: Subject) -> None:
    try:
        subject.spec(no_such_setting=1)
    except Exception as error:
        assert "no_such_setting" in str(error), f"the message does not name the setting: {error}"
        return
    raise AssertionError("a setting that does not exist was accepted")


def check_every_setting_is_documented(subject: Subject) -> None:
    """The docstring of the class, or of a base class, names every parameter except size, steps, batch_size, lr and betas."""
    cls = subject.component.load()
    text = " ".join(inspect.getdoc(base) or "" for base in cls.__mro__[:-1] if base is not nn.Module)
    assert inspect.getdoc(cls), f"{cls.__name__} has no docstring"
    common = {"size", "steps", "batch_size", "lr", "betas"}
    missing = [name for name in subject.spec().values if name not in common and name not in text]
    assert not missing, f"the docstring of {cls.__name__} does not name {', '.join(missing)}"


def check_it_is_described(subject: Subject) -> None:
    component = subject.component
    assert component.summary and "\n" not in component.summary, "summary must be one line"
