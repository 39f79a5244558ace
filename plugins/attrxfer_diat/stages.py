"""The paper's training of T and D: pre-training (eq. 8, 9), then Algorithm 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from attrxfer.errors import Problem
from attrxfer.interfaces import (
    AdaptsAugmentation,
    Adversarial,
    Devices,
    HasDiscriminator,
    HasGenerator,
    RecipeView,
    Run,
    SupervisesDiscriminator,
    TransferStep,
)
from attrxfer_diat.image_pool import ImagePool
from attrxfer_diat.moving_average import MovingAverage
from attrxfer_diat.supervised import Betas, LearningRate, Positive, Steps, Sum, Supervised, squared


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, the parameters of ``network`` get no gradient; gradients still flow through it to its input."""
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


class PretrainGenerator(Supervised):
    """Eq. 8: T learns to return its input, on the training split.

    The generator ``masked`` nearly returns its input from the start and needs no such steps.

    Args:
        scale: "paper" sums over the image, as printed; "mean" averages.
    """

    def __init__(
        self,
        *,
        steps: Steps = 0,
        batch_size: Positive = 16,
        lr: LearningRate = 2e-4,
        betas: Betas = (0.5, 0.999),
        scale: Sum = "mean",
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)
        self.scale = scale

    def prepare(self, run: Run, owner: Any) -> None:
        self.attach(run, run.generator)

    def step(self, index: int) -> Mapping[str, Tensor]:
        images = self.run.batch("all", index, self.batch_size).images
        with self.run.devices.autocast():
            loss = squared(self.network(images) - images, self.scale)
        self.run.devices.update(self.optimizer, loss)
        return {"reconstruction": loss.detach()}

    def preview(self, images: Tensor) -> Tensor:
        return self.network(images)


class PretrainDiscriminator(Supervised):
    """Eq. 9: the sigmoid of D's logit learns the attribute label by squared error.

    D sees augmented images, as in adversarial training.
    """

    def __init__(
        self, *, steps: Steps = 300, batch_size: Positive = 32, lr: LearningRate = 2e-4, betas: Betas = (0.9, 0.999)
    ) -> None:
        super().__init__(steps=steps, batch_size=batch_size, lr=lr, betas=betas)

    def prepare(self, run: Run, owner: Any) -> None:
        self.attach(run, run.discriminator)

    def step(self, index: int) -> Mapping[str, Tensor]:
        run = self.run
        batch = run.batch("all", index, self.batch_size)
        images = run.adversarial.augment(batch.images, run.uniform("augment", index, self.batch_size, 8))
        with run.devices.autocast():
            logit = self.network(images).logit.float()
        labels = batch.labels.view(-1, *(1,) * (logit.ndim - 1))  # a D of patches has a logit for each
        loss = (torch.sigmoid(logit) - labels).square().mean()
        run.devices.update(self.optimizer, loss)
        accuracy = ((logit > 0) == (labels > 0.5)).float().mean()
        return {"label": loss.detach(), "accuracy": accuracy.detach()}


class AdversarialTraining:
    """Algorithm 1 with the objective of eq. 14, or of eq. 7 where the recipe has those losses.

    A step is one iteration of the loop. Line 5 transfers images of the input set. Lines 6-8 update D on the guided set and on
    generated images: half from this iteration, half from earlier ones. Lines 9-11 update T. Previews show the moving average
    of T (``ema_generator``), which becomes the generator at the end.

    The paper names dstep and tstep without values and has neither image pool nor moving average; its learning rate is 1e-5
    for DIAT-A and 1e-4 for DIAT. Eq. 14 prints the identity loss inside max over D as well; here D minimises it only where
    ``discriminator_weight`` of the loss ``adaptive`` is not 0.

    Args:
        steps: Iterations of Algorithm 1.
        transform: What line 5 transfers. "set": the whole input set, as printed; each update of D draws its generated images
            from it, and each update of T draws a batch of its own. "batch": one batch, which T's first update shares, so that
            T runs once in an iteration when ``tstep`` is 1.
        batch_size: Images in a batch.
        lr: Learning rate of Adam for T.
        lr_discriminator: Learning rate of Adam for D; 0 takes ``lr``.
        lr_decay: Share of the iterations, at the end, over which both learning rates fall linearly to 0.
        betas: Adam's two decay rates, for T and D.
        dstep: Updates of D in an iteration.
        tstep: Updates of T in an iteration.
        pool: Number of earlier iterations whose generated images D sees again; 0 uses this iteration's images only.
        ema: Decay of T's moving average after its warm-up, (i + 1) / (i + 10); 0 keeps the last weights.
        balance_every: Every so many iterations each term's share of T's gradient is recorded, which costs a backward pass
            for each term; 0 records none.

    Attributes:
        discriminator_terms: D's terms of the adversarial component, named as ``step`` reports them; set by ``prepare``.
    """

    def __init__(
        self,
        *,
        steps: Steps = 1000,
        transform: Literal["batch", "set"] = "batch",
        batch_size: Positive = 16,
        lr: LearningRate = 2e-4,
        lr_discriminator: Annotated[float, Field(ge=0)] = 0.0,
        lr_decay: Annotated[float, Field(ge=0, le=1)] = 0.0,
        betas: Betas = (0.5, 0.999),
        dstep: Positive = 4,
        tstep: Positive = 1,
        pool: Annotated[int, Field(ge=0)] = 30,
        ema: Annotated[float, Field(ge=0, lt=1)] = 0.998,
        balance_every: Annotated[int, Field(ge=0)] = 50,
    ) -> None:
        self.steps = steps
        self.transform = transform
        self.batch_size = batch_size
        self.lr = lr
        self.lr_discriminator = lr_discriminator
        self.lr_decay = lr_decay
        self.betas = betas
        self.dstep = dstep
        self.tstep = tstep
        self.pool = pool
        self.ema = ema
        self.balance_every = balance_every

    def check_recipe(self, recipe: RecipeView) -> Iterator[Problem]:
        """A problem when earlier images are mixed with those of the whole input set."""
        if self.transform == "set" and self.pool:
            yield Problem(
                "pool", f'{self.pool}: with transform = "set", D sees the whole input set of this iteration: pool = 0'
            )

    def prepare(self, run: Run, owner: Adversarial) -> None:
        self.run = run
        self.devices: Devices = run.devices
        self.place = run.devices.device
        self.adversarial = owner if owner is not None else run.adversarial
        terms = self.adversarial.discriminator_terms
        self.discriminator_terms = replace(terms, names=tuple(f"D {name}" for name in terms.names))
        self.generator, self.discriminator = run.generator, run.discriminator
        losses = (*run.identity, *run.regularizer)
        back = [loss.generator for loss in losses if isinstance(loss, HasGenerator)]
        self.generators = nn.ModuleList([self.generator, *back])
        self.optimizer_t = run.devices.optimizer(self.generators, self.lr, self.betas)
        self.own = [loss for loss in losses if isinstance(loss, HasDiscriminator)]
        self.discriminators = nn.ModuleList([self.discriminator, *(loss.discriminator for loss in self.own)])
        self.optimizer_d = run.devices.optimizer(self.discriminators, self.lr_discriminator or self.lr, self.betas)
        self.ema_generator = MovingAverage(self.generator, self.ema)
        self.image_pool = ImagePool(self.pool)

    def step(self, index: int) -> Mapping[str, Tensor]:
        report: dict[str, Tensor] = {}
        self._set_learning_rates(index)
        step = None if self.transform == "set" else self._transform(index * self.tstep)  # line 5
        generated = self._whole_set(index) if step is None else [(step.source, step.output.detach())]
        with frozen(self.generators):
            for i in range(self.dstep):  # lines 6-8
                source, fake = generated[(index * self.dstep + i) % len(generated)]
                report.update(self._update_discriminator(index * self.dstep + i, source.to(self.place), fake.to(self.place)))
        self._remember(generated[0][1])
        with frozen(self.discriminators):
            for i in range(self.tstep):  # lines 9-11
                step = self._transform(index * self.tstep + i) if step is None or i else step
                terms = self._terms(step)
                if i == 0 and self.balance_every and index % self.balance_every == 0:
                    report.update(self._balance(terms))
                report.update(self._update_generator(terms))
                self.ema_generator.update_parameters(self.generator)
        return report

    def _remember(self, fake: Tensor) -> None:
        """Put generated images (N, 3, S, S) into the pool."""
        self.image_pool.add(fake)

    def _set_learning_rates(self, index: int) -> None:
        if not self.lr_decay:
            return
        share = min(1.0, (self.steps - index) / (self.lr_decay * self.steps))
        for optimizer, lr in ((self.optimizer_t, self.lr), (self.optimizer_d, self.lr_discriminator or self.lr)):
            for group in optimizer.param_groups:
                group["lr"] = share * lr

    def _whole_set(self, index: int) -> list[tuple[Tensor, Tensor]]:
        """Batches of x and T(x) that cover the input set, in the processor's memory."""
        size = self.batch_size
        count = -(-self.run.count("input") // (size * self.devices.world))
        batches = []
        with torch.no_grad(), self.devices.autocast():
            for i in range(count):
                source = self.run.batch("input", index * count + i, size).images
                batches.append((source.cpu(), self.generator(source).float().cpu()))
        return batches

    def _transform(self, index: int) -> TransferStep:
        step = self.run.transfer(self.run.batch("input", index, self.batch_size).images, index)
        with self.devices.autocast():
            _ = step.output
        return step

    def _update_discriminator(self, index: int, source: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """max over D of eq. 14: log D(a) + log(1 - D(T(x))), and the identity losses that D minimises too. The
        discriminators that losses bring are updated with D."""
        run = self.run
        real = run.batch("guided", index, self.batch_size).images
        # two draws for each row, not twice as many rows: a row's numbers must not depend on the number of processes
        uniform = run.uniform("augment_discriminator", index, self.batch_size, 16)
        guided = self.adversarial.augment(real, uniform[:, :8])
        mixed = self.image_pool.mix(fake, run.uniform("pool", index, self.batch_size, 2))
        generated = self.adversarial.augment(mixed, uniform[:, 8:])
        with self.devices.autocast():
            terms = dict(self.adversarial.discriminator_loss(self.discriminator, guided, generated, index))
            for loss in run.identity:
                if isinstance(loss, SupervisesDiscriminator) and loss.discriminator_weight:
                    pair = (self.adversarial.augment(images, uniform[:, 8:]) for images in (source, fake))
                    terms.update(loss.discriminator_loss(self.discriminator, *pair))
            terms.update(self._own_terms(real, source, mixed))
        return self._step_discriminator(terms)

    def _own_terms(self, real: Tensor, source: Tensor, generated: Tensor) -> dict[str, Tensor]:
        """What the discriminators that losses bring minimise; a number tells equal names apart."""
        terms: dict[str, Tensor] = {}
        for number, loss in enumerate(self.own):
            made = loss.own_discriminator_loss(real, source, generated)
            terms.update({name + (f" {number + 1}" if number else ""): term for name, term in made.items()})
        return terms

    def _step_discriminator(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        self.devices.update(self.optimizer_d, torch.stack(list(terms.values())).sum())
        report = {f"D {name}": term.detach() for name, term in terms.items()}
        adversarial = self.adversarial
        if isinstance(adversarial, AdaptsAugmentation) and adversarial.adaptive and adversarial.guided_logits is not None:
            adversarial.adapt(self.devices.gather(adversarial.guided_logits))
            report["augmentation"] = adversarial.probability
        return report

    def _terms(self, step: TransferStep) -> dict[str, Tensor]:
        """min over T of eq. 14: -log D(T(x)) + lambda * identity (+ gamma * regularizer, eq. 7)."""
        with self.devices.autocast():
            terms = {"T attribute": step.attribute_loss}
            for kind, losses in (("identity", self.run.identity), ("regularizer", self.run.regularizer)):
                for number, loss in enumerate(losses):
                    terms[f"T {kind}" + (f" {number + 1}" if number else "")] = loss.weight * loss(step)
        return terms

    def _balance(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each term's share of T's gradient: the norm of its gradient divided by the sum of all terms' norms. A term below
        1% has no effect, however large its value."""
        parameters = [parameter for parameter in self.generator.parameters() if parameter.requires_grad]
        norms = {}
        for name, term in terms.items():
            gradients = (
                torch.autograd.grad(term, parameters, retain_graph=True, allow_unused=True) if term.requires_grad else ()
            )
            own = [gradient.float().norm() for gradient in gradients if gradient is not None]
            norms[name] = torch.stack(own).norm() if own else torch.zeros((), device=term.device)
        total = torch.stack(list(norms.values())).sum().clamp_min(torch.finfo(torch.float32).tiny)
        return {f"share {name.removeprefix('T ')}": norm / total for name, norm in norms.items()}

    def _update_generator(self, terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
        self.devices.update(self.optimizer_t, torch.stack(list(terms.values())).sum())
        return {name: term.detach() for name, term in terms.items()}

    def preview(self, images: Tensor) -> Tensor:
        made: Tensor = self.ema_generator(images)
        return made

    def finish(self) -> None:
        """Copy the moving average into the run's generator."""
        self.generator.load_state_dict(self.ema_generator.module.state_dict())

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer_t": self.optimizer_t.state_dict(),
            "optimizer_d": self.optimizer_d.state_dict(),
            "ema_generator": self.ema_generator.state_dict(),
            "image_pool": self.image_pool.state_dict(),
            "augmentation": self.adversarial.probability if isinstance(self.adversarial, AdaptsAugmentation) else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer_t.load_state_dict(state["optimizer_t"])
        self.optimizer_d.load_state_dict(state["optimizer_d"])
        self.ema_generator.load_state_dict(state["ema_generator"])
        self.image_pool.load_state_dict(state["image_pool"], self.devices.device)
        if isinstance(self.adversarial, AdaptsAugmentation) and state.get("augmentation") is not None:
            self.adversarial.probability = state["augmentation"]
