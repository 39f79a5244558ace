"""Checks of engines."""

from __future__ import annotations

import errno
from contextlib import closing

from attrxfer.errors import AttrxferError
from attrxfer.testing.jobs import NOT_HERE, REFUSED, Given, Numbers
from attrxfer.testing.subject import Subject

PORTIONS = ((0, 1, 2), (3,), (4, 5))


def check_every_task_is_done_once_with_its_portion(subject: Subject) -> None:
    """In any order; without portions, nothing happens."""
    with closing(subject.build().run(Numbers(), PORTIONS)) as results:
        found = sorted(results)
    assert found == [(task, Given(task, portion)) for portion in PORTIONS for task in portion]
    assert list(subject.build().run(Numbers(), [])) == []


def check_what_ends_a_job_is_said_in_its_own_words(subject: Subject) -> None:
    """A job that cannot be opened, or refuses to go on, is an AttrxferError with its message; a full disk is an OSError."""
    for job, message in ((Numbers(opens=False), NOT_HERE), (Numbers(refuses=3), REFUSED)):
        try:
            list(subject.build().run(job, PORTIONS))
        except AttrxferError as error:
            assert str(error) == message, f"the message is {error}"
        else:
            raise AssertionError(f'"{message}" was not raised')
    try:
        list(subject.build().run(Numbers(fills=4), PORTIONS))
    except OSError as error:
        assert error.errno == errno.ENOSPC and error.filename == "out/a.png"
    else:
        raise AssertionError("a full disk was not raised")


def check_it_can_be_stopped_early(subject: Subject) -> None:
    """As Ctrl-C does; it can run again."""
    engine = subject.build()
    results = engine.run(Numbers(), PORTIONS)
    assert next(results)[0] in range(6)
    results.close()
    assert len(list(engine.run(Numbers(), PORTIONS))) == 6
