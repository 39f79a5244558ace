"""The contract suite: checks that every component of a kind must pass, for the tests of plugins.

    from attrxfer.testing import parametrize_with_checks

    @parametrize_with_checks(plugin="my_losses")
    def test_the_contract(check):
        check()

The built-in components pass the same suite. ``attrxfer.testing.pytest_plugin`` has fixtures for the tests of plugins
(``tiny_data``, ``run_recipe``), which pytest finds wherever attrxfer is installed. ``attrxfer plugins check`` runs the
suite from the command line.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attrxfer.testing.suite import CHECKS, Check, checks, parametrize_with_checks

__all__ = ["CHECKS", "Check", "checks", "parametrize_with_checks"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # the suite imports torch; pytest loads this package wherever attrxfer is installed, and should start fast
        if name not in __all__:
            raise AttributeError(f"module 'attrxfer.testing' has no attribute {name!r}")
        from attrxfer.testing import suite

        # all names at once, since importing the suite binds "checks" to the folder of that name
        globals().update({public: getattr(suite, public) for public in __all__})
        return globals()[name]
