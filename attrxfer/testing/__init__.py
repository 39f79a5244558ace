"""The contract suite: what every component of a kind must do, as tests that a plugin's own suite can run.

    from attrxfer.testing import parametrize_with_checks

    @parametrize_with_checks(plugin="my_losses")
    def test_the_contract(check):
        check()

The built-ins run the same suite. ``attrxfer.testing.pytest_plugin`` has fixtures for plugins' tests (``tiny_faces``,
``run_recipe``), which are there wherever attrxfer is installed; ``attrxfer plugins check`` runs the suite from the command
line.
"""

from attrxfer.testing.suite import CHECKS, Check, checks, parametrize_with_checks

__all__ = ["CHECKS", "Check", "checks", "parametrize_with_checks"]
