"""The checks of each kind, and how a test suite runs them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.plugin.parameters import all_missing_for
from attrxfer.plugin.registry import Component
from attrxfer.testing.contract import data, engines, every, gpus, inference, losses, networks, stages
from attrxfer.testing.subject import NotChecked, Subject

if TYPE_CHECKING:
    import pytest

Table = Mapping[str, Any]
Examples = Mapping[tuple[str, str], Table]
EVERY = (
    every.check_its_table_reads_back,
    every.check_unknown_settings_are_refused,
    every.check_every_setting_is_documented,
    every.check_it_is_described,
)
CHECKS: dict[str, tuple[Callable[[Subject], None], ...]] = {
    "generator": (
        networks.check_images_come_out_as_they_went_in,
        networks.check_an_image_does_not_depend_on_its_neighbours,
        networks.check_every_parameter_learns,
        networks.check_parts_hold_the_output,
        networks.check_weights_load_again,
        gpus.check_it_runs_on_a_gpu,
    ),
    "discriminator": (
        networks.check_it_gives_a_logit_and_feature_maps,
        networks.check_gradients_reach_the_image,
        networks.check_weights_load_again,
        gpus.check_it_runs_on_a_gpu,
    ),
    "features": (
        networks.check_it_is_frozen_and_gives_maps,
        networks.check_gradients_reach_the_image,
        networks.check_weights_load_again,
        gpus.check_it_runs_on_a_gpu,
    ),
    "adversarial": (
        losses.check_both_sides_are_finite_scalars,
        losses.check_a_fooled_discriminator_costs_the_generator_less,
        losses.check_equal_rows_augment_equally,
        gpus.check_both_sides_run_on_a_gpu,
    ),
    "identity": (
        losses.check_it_is_a_finite_scalar_with_gradient,
        losses.check_a_copy_of_the_source_costs_nothing,
        losses.check_d_is_left_as_it_was,
        gpus.check_its_loss_runs_on_a_gpu,
    ),
    "regularizer": (
        losses.check_it_is_a_finite_scalar_with_gradient,
        losses.check_d_is_left_as_it_was,
        gpus.check_its_loss_runs_on_a_gpu,
    ),
    "enhancer": (
        losses.check_enhanced_images_stay_images,
        networks.check_weights_load_again,
        gpus.check_it_runs_on_a_gpu,
    ),
    "dataset": (
        data.check_labels_are_of_one_length,
        data.check_no_person_is_in_two_splits,
        data.check_images_are_read_in_any_order,
        data.check_equal_settings_have_one_fingerprint,
    ),
    "selection": (data.check_it_chooses_images,),
    "locator": (
        data.check_masks_lie_where_the_image_does,
        data.check_nothing_is_detected_in_an_empty_image,
    ),
    "stage": (
        stages.check_steps_are_finite_and_repeatable,
        stages.check_its_state_can_be_kept,
        stages.check_previews_are_images,
    ),
    "metric": (stages.check_it_returns_scores, stages.check_it_leaves_the_images_alone),
    "backend": (inference.check_results_are_those_of_torch,),
    "exporter": (inference.check_the_file_gives_back_metadata_and_results, inference.check_a_damaged_file_is_refused),
    "engine": (
        engines.check_every_task_is_done_once_with_its_portion,
        engines.check_what_ends_a_job_is_said_in_its_own_words,
        engines.check_it_can_be_stopped_early,
    ),
    "method": (stages.check_results_are_images_of_the_inputs_size,),
}
"""The checks of each kind, in addition to those of ``EVERY`` kind."""


def promises(kind: str) -> tuple[Callable[[Subject], None], ...]:
    """All checks of a kind."""
    return (*EVERY, *CHECKS[kind])


@dataclass(frozen=True)
class Check:
    """A check of a component.

    Calling it raises AssertionError if the check fails, and skips the test where something is missing or cannot be followed.
    What is missing is asked when the test runs, since its fixtures may make what the component reads.

    Attributes:
        subject: The component.
        promise: The check's function.
    """

    subject: Subject
    promise: Callable[[Subject], None]

    def __call__(self) -> None:
        import pytest

        if self.missing:
            pytest.skip(f"missing: {'; '.join(self.missing)}")
        try:
            self.promise(self.subject)
        except NotChecked as reason:
            pytest.skip(str(reason))

    @property
    def name(self) -> str:
        """KIND-NAME-CHECK, the id of the test."""
        component = self.subject.component
        return f"{component.kind}-{component.name}-{self.promise.__name__.removeprefix('check_')}"

    @functools.cached_property
    def missing(self) -> list[str]:
        """What is missing on this machine to build the component; then the check cannot run."""
        return all_missing_for(self.subject.spec())


def subject_of(component: Component, host: Host, examples: Examples) -> Subject:
    """The subject of a component, with its example settings."""
    return Subject(component, host.registry, examples.get((component.kind, component.name), {}), examples)


def checks(host: Host, *, plugin: str | None = None, examples: Examples | None = None) -> list[Check]:
    """All checks of all components.

    Args:
        host: The plugins.
        plugin: Only components that this plugin registered.
        examples: {(kind, name): settings} for components with settings that have no default.
    """
    found = []
    for component in host.registry.all():
        if plugin in (None, component.owner):
            subject = subject_of(component, host, examples or {})
            found += [Check(subject, promise) for promise in promises(component.kind)]
    return found


def parametrize_with_checks(
    *, plugin: str | None = None, examples: Examples | None = None, expected_failures: Mapping[str, str] | None = None
) -> pytest.MarkDecorator:
    """A pytest decorator: the test gets each check as ``check`` and calls it.

    Args:
        plugin: Only components that this plugin registered.
        examples: {(kind, name): settings} for components with settings that have no default.
        expected_failures: {name of a check: why it fails}. If such a check passes, the test fails.

    Raises:
        ValueError: ``expected_failures`` has a name that no check has.
    """
    import pytest

    made = checks(hosts.load(), plugin=plugin, examples=examples)
    expected = dict(expected_failures or {})
    unknown = set(expected) - {check.name for check in made}
    if unknown:
        raise ValueError(f"expected_failures: no check is named {', '.join(sorted(unknown))}")
    marked = [
        pytest.param(
            check,
            id=check.name,
            marks=_marks(check, expected),
        )
        for check in made
    ]
    return pytest.mark.parametrize("check", marked)


def _marks(check: Check, expected: Mapping[str, str]) -> list[Any]:
    import pytest

    return [pytest.mark.xfail(reason=expected[check.name], strict=True)] if check.name in expected else []
