"""The use case behind ``attrxfer transfer``: a model, files and folders in; files, counts and a manifest out."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from attrxfer.errors import AttrxferError
from attrxfer.interfaces import ChoosesBackend, LearnsFromData, Model, Work
from attrxfer.media.batch import (
    BatchOptions,
    BatchResult,
    FileProcessor,
    FileResult,
    FileWork,
    OnResult,
    OnSteps,
    ignore_result,
    ignore_steps,
    process_files,
)
from attrxfer.media.buckets import Place, Url, check
from attrxfer.media.detection import load_detector
from attrxfer.media.files import FileTask, Found, find_tasks
from attrxfer.media.image_processor import image_processor
from attrxfer.media.images import SUFFIXES as IMAGES
from attrxfer.media.images import is_image, same_format
from attrxfer.media.manifest import Manifest
from attrxfer.media.photos import Photos
from attrxfer.media.processors import CROP
from attrxfer.media.provenance import provenance_of
from attrxfer.media.video.processor import VideoProcessor
from attrxfer.media.video.reader import SUFFIXES as VIDEOS
from attrxfer.media.video.reader import is_video
from attrxfer.media.whole_images import IMAGE, reach_of
from attrxfer.model.attribute_words import in_words
from attrxfer.model.calling import CallableModel
from attrxfer.model.keep_identity import KeepIdentity
from attrxfer.model.loading import CPU, load_model, locate
from attrxfer.model.method import MethodModel
from attrxfer.plugin import host as hosts
from attrxfer.plugin.host import Host
from attrxfer.plugin.registry import Registry
from attrxfer.storage.files import filled_folder
from attrxfer.workflows.workers import Done, by_engine, load_engine

DEFAULT_BACKEND = "torch"
NAMED = 3
"""Files and folders left out that are named; the others are counted."""


@dataclass(frozen=True)
class TaskOptions:
    """The task and the data of a method that learns from data.

    Attributes:
        recipe: A recipe's file or registered name.
        data: Images to take instead of the recipe's.
        overrides: Settings "a.b=c" that change the recipe.
    """

    recipe: str
    data: Path | None = None
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True)
class TransferOptions:
    """How files are transferred.

    Attributes:
        strength: s in x + s (T(x) - x): 0 is the input, 1 the transfer as trained.
        part: Instead of ``strength``: the part in 0..1 of the images that the transfer changes which should have the
            attribute, see ``CallableModel.strength_at``; None: ``strength`` counts.
        largest: How many subjects of a photo, or of a video's scene, are changed, the largest first; None: all.
        numbers: Instead of ``largest``: the numbers of the subjects of a photo that are changed, 1 for the largest.
        detector: The locator that detects them; None: the default one.
        aligned: The images are crops like those trained on; nothing is detected.
        provenance: Whether results say how they were made.
        keep_identity: The greatest distance between the subjects of an image and of its result; each image gets the largest
            strength, up to ``strength``, that keeps it. None: all get ``strength``.
        attributes: What a bundle for many attributes makes of images; None: what its recipe's task says.
        only_without: Whether images and subjects that seem to have the attribute already are left alone.
        backend: What runs the networks of a bundle.
        device: Where they are placed, for torch: "cpu", "cuda:1".
        task: What a method learns from that needs it.
        engine: What has the files transferred by other processes or machines (kind ``engine``), by its name or as a table of
            TOML with its settings; None: this process does it.
        batch: Which files are processed.
    """

    strength: float = 1.0
    part: float | None = None
    largest: int | None = None
    numbers: tuple[int, ...] = ()
    detector: str | None = None
    aligned: bool = False
    provenance: bool = True
    keep_identity: float | None = None
    attributes: Mapping[str, bool] | None = None
    only_without: bool = False
    backend: str = DEFAULT_BACKEND
    device: str = CPU
    task: TaskOptions | None = None
    engine: str | None = None
    batch: BatchOptions = field(default_factory=BatchOptions)


@dataclass(frozen=True)
class TransferResult:
    """What became of the files.

    Attributes:
        batch: The files, images before videos.
        subject: What was detected in them, in the singular.
        notes: What differs from what was asked for, a line each.
        incomplete: Whether folders, or paths of a list, could not be read.
    """

    batch: BatchResult
    subject: str
    notes: tuple[str, ...] = ()
    incomplete: bool = False


def transfer(
    model: str | Path,
    sources: Sequence[Place],
    out: Place,
    host: Host,
    options: TransferOptions | None = None,
    *,
    listed: bool = False,
    on_result: OnResult = ignore_result,
    on_steps: OnSteps = ignore_steps,
) -> TransferResult:
    """Transfer images and videos into a folder; with a manifest where a folder or a list is given.

    Args:
        model: What ``load_model`` opens.
        sources: Files and folders, here or in buckets.
        out: The output folder; for one photo or video also the result's own file.
        host: The plugins.
        options: How files are transferred.
        listed: The sources are from a list, see ``find_tasks``.
        on_result: Called after each file, see ``OnResult``.
        on_steps: Told how far a video is, see ``OnSteps``.

    Raises:
        AttrxferError: What ``load_model``, ``load_detector``, ``find_tasks`` and the engine raise; the model takes crops only,
            or whole images and is given options for subjects; it cannot choose its backend; a video is given where only images
            are taken; or ``out`` names a file that the results cannot be.
    """
    options = options or TransferOptions()
    out, named = _named_result(sources, out)
    loaded = _load(model, options, host)
    notes: tuple[str, ...] = ()
    if loaded.can_change and options.attributes is None:
        choices = ", ".join(loaded.can_change)
        notes = (f"{in_words(loaded.guided)}, the task of its recipe; with --attribute NAME=true or =false: {choices}",)
    if options.part is not None:
        options = replace(options, strength=loaded.strength_at(options.part))
        notes += (f"{options.part:.0%} is strength {options.strength:g} here",)
    if isinstance(loaded, MethodModel) and isinstance(loaded.transferring(), LearnsFromData) and options.task is None:
        ask = "name the task with --recipe, yours with --data"
        raise AttrxferError(f"{model}: learns from images with the attribute: {ask}")
    whole = reach_of(loaded) is not None
    if whole:
        _check_whole(loaded, options)
    kept = _keeping(loaded, options, host.registry)
    loaded = kept or loaded
    if not (whole or options.aligned) and loaded.alignment is None:
        raise AttrxferError(
            f"{model}: does not say how its training images were aligned, so photos cannot be cut as those were; if your "
            f"images are crops like those, use --aligned (results have {loaded.size} x {loaded.size} pixels)"
        )
    what, suffixes = ("images", IMAGES) if options.aligned or whole else ("images or videos", IMAGES | VIDEOS)
    found = find_tasks(sources, out, _is_media, f"{what} here ({', '.join(sorted(suffixes))})", named, listed=listed)
    if isinstance(out, Url):
        check(out)
    provenance = provenance_of(loaded, options.strength)
    if kept is not None:
        provenance["Strength"] = f"at most {provenance['Strength']}"  # each image has its own
    written = provenance if options.provenance else None
    videos = tuple(task.source for task in found.tasks if is_video(Path(task.source.name)))[:1]
    processors, subject = _processors(loaded, videos, options, written, host)
    run = None
    if options.engine is not None:
        job = TransferJob(model, options, written, videos)
        run = functools.partial(by_engine, load_engine(options.engine, host.registry), job, kept)
    manifest = Manifest(out, provenance, options.batch, subject) if listed or found.folders else None

    def finished(file: FileResult, done: int, total: int) -> None:
        if manifest is not None:
            manifest.add(file)
        on_result(file, done, total)

    with filled_folder(out) if isinstance(out, Path) else nullcontext():  # one that cannot be made is no fault of each file
        try:
            batch = process_files(found.tasks, processors, options.batch, finished, on_steps, run)
            _leave_out(found, batch, options.batch, finished)
        finally:
            if manifest is not None and manifest.images:
                manifest.write()
    lowered = _lowered(kept, options.strength) if kept is not None else ()
    return TransferResult(batch, subject, (*notes, *_left_out(found), *lowered), bool(found.unreadable))


def _named_result(sources: Sequence[Place], out: Place) -> tuple[Place, str | None]:
    """The output folder, and the result's name in it where ``out`` names a file: for one photo or video.

    Raises:
        AttrxferError: ``out`` names a file, but several results are made, they have another format, or it is no photo or video.
    """
    if isinstance(out, Path) and out.exists() and not out.is_dir() and not _is_media(out):
        raise AttrxferError(f"{out}: is a file, and results are written into a folder: name another with -o")
    if _is_folder(out) or not _is_media(out):
        return out, None
    if len(sources) != 1 or _is_folder(sources[0]):
        raise AttrxferError(f"{out}: names one file, but several results are to be written: name a folder with -o")
    given = Path(sources[0].name)
    if not same_format(given, Path(out.name)):
        renamed = out.parent / f"{Path(out.name).stem}{given.suffix}"
        raise AttrxferError(f"{out}: results keep the format of the file: name it {renamed}")
    return out.parent, out.name


@dataclass(frozen=True)
class TransferJob:
    """A transfer as a worker gets it (a ``Job``): what was asked for. The worker opens the model itself.

    Attributes:
        model: What ``load_model`` opens.
        options: How files are transferred.
        provenance: What is written into the results; None: nothing.
        videos: A video of the files, if there is one.
    """

    model: str | Path
    options: TransferOptions
    provenance: Mapping[str, str] | None
    videos: tuple[Place, ...]

    def open(self) -> Work:
        """Open model, detector and processors; the work gives a ``Done`` for each ``FileTask``."""
        host = hosts.load()
        loaded = _load(self.model, self.options, host)
        kept = _keeping(loaded, self.options, host.registry)
        processors, _ = _processors(kept or loaded, self.videos, self.options, self.provenance, host)
        work = FileWork(processors, self.options.batch)

        def done(tasks: Sequence[FileTask]) -> Iterator[Done]:
            for file in work(tasks):
                yield Done(file, *(kept.forget() if kept is not None else ((), 0)))

        return done


def _leave_out(found: Found, batch: BatchResult, options: BatchOptions, on_result: OnResult) -> None:
    """Add what cannot be transferred to the results."""
    part, parts = options.shard
    others = found.others[part - 1 :: parts]
    left = [FileResult(task.source, task.name, "left", "no image or video that can be read here") for task in others]
    total = len(batch.files) + len(left)
    for result in left:
        batch.files.append(result)
        on_result(result, len(batch.files), total)


def _left_out(found: Found) -> Iterator[str]:
    """What was left out, on purpose or because it could not be read."""
    for why, places in (("as hidden or made by a system", found.hidden), ("as named already", found.repeated)):
        if places:
            more = f" and {len(places) - NAMED} more" if len(places) > NAMED else ""
            yield f"left out, {why}: {', '.join(map(str, places[:NAMED]))}{more}"
    yield from (f"left out: {reason}" for reason in found.unreadable)


def _check_whole(model: CallableModel, options: TransferOptions) -> None:
    """Refuse what has no meaning for a model of whole images, in which nothing is detected."""
    given = {
        "--aligned": options.aligned,
        "--subjects": options.largest is not None or bool(options.numbers),
        "--detector": options.detector is not None,
        "--keep-identity": options.keep_identity is not None,
    }
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        raise AttrxferError(f"{model.name}: transfers whole images at their own size: leave {', '.join(wrong)} out")


def _lowered(model: KeepIdentity, strength: float) -> tuple[str, ...]:
    """What became of the strength."""
    lower = [one for one in model.strengths if one < strength]
    notes = []
    if lower:
        notes.append(
            f"identity kept: {len(lower)} of {len(model.strengths)} at a lower strength than {strength:g}, "
            f"the least {min(lower):.2g}"
        )
    if model.unknown:
        notes.append(f"identity unknown: {model.unknown} of {len(model.strengths)} showed no subject to compare")
    return tuple(notes)


def learned(name: str, task: TaskOptions, host: Host) -> CallableModel:
    """A method that has learned from the data of a task.

    Raises:
        AttrxferError: It is no method that learns from data, or the recipe or its data cannot be used.
    """
    from attrxfer.data import data_table
    from attrxfer.recipe import load
    from attrxfer.recipe.assembly import Assembly
    from attrxfer.training.metadata import placement
    from attrxfer.training.parts import train_parts

    if not isinstance(locate(name, host), str):
        raise AttrxferError(f"{name}: is trained already: leave --recipe, --data and --set out")
    table = data_table(task.data, host.registry.all("dataset")) if task.data is not None else None
    recipe = load(task.recipe, host, task.overrides, table)
    model = MethodModel(name, host, recipe.train.size)
    if not isinstance(model.method, LearnsFromData):
        raise AttrxferError(f"method {name} learns nothing: leave --recipe, --data and --set out")
    data, sets = Assembly(recipe).open_data()
    train_parts(model.spec, model.built, data, recipe.task.guided, host.registry)
    model.method.learn(data, recipe.task.guided)
    model.guided = recipe.task.guided
    model.metadata = {**model.metadata, "data": data.key}
    model.framing, model.alignment = placement(data, sets)
    return model


def _load(model: str | Path, options: TransferOptions, host: Host) -> CallableModel:
    if options.task is not None:
        loaded = learned(str(model), options.task, host)
    else:
        loaded = load_model(model, host, options.device, options.attributes)
    backend = options.backend
    if backend != DEFAULT_BACKEND:
        if options.device != CPU:
            raise AttrxferError(f"--device is for the backend {DEFAULT_BACKEND}: leave --backend {backend} or --device out")
        if not isinstance(loaded, ChoosesBackend):
            raise AttrxferError(f"{model}: only a bundle's networks can be run by another backend: leave --backend out")
        loaded.use(backend, host.registry)
    return loaded


def _keeping(model: CallableModel, options: TransferOptions, registry: Registry) -> KeepIdentity | None:
    """The model that lowers its strength until identity is kept; None where that is not asked for."""
    if options.keep_identity is None:
        return None
    return KeepIdentity(model, load_detector(options.detector, registry), options.keep_identity)


def _is_media(place: Place) -> bool:
    """Whether a file is an image or a video, by its name."""
    name = Path(place.name)
    return is_image(name) or is_video(name)


def _is_folder(place: Place) -> bool:
    """Whether a place is a folder; of a URL its name says it."""
    return not _is_media(place) if isinstance(place, Url) else place.is_dir()


def _processors(
    model: Model, videos: Sequence[Place], options: TransferOptions, provenance: Mapping[str, str] | None, host: Host
) -> tuple[list[FileProcessor], str]:
    """What transfers the files, of which ``videos`` are some of the videos, and what it detects in them."""
    if options.only_without:
        if model.metadata.get("attribute") is None:
            raise AttrxferError(f"{model.name}: cannot tell which images have the attribute already: leave --only-without out")
        if videos:
            raise AttrxferError(f"{videos[0]}: --only-without takes images only, and this is a video")
    whole = reach_of(model) is not None
    detects = not (whole or options.aligned)
    photos = Photos(model, load_detector(options.detector, host.registry)) if detects else None
    if videos and (photos is None or options.numbers):
        what = str(model.name) if whole else "--aligned" if options.aligned else "--subjects by number"
        raise AttrxferError(f"{videos[0]}: {what} takes images only, and this is a video")
    images = image_processor(
        model,
        photos,
        options.strength,
        provenance,
        largest=options.largest,
        numbers=options.numbers,
        only_without=options.only_without,
    )
    if photos is None:
        return [images], IMAGE if whole else CROP
    if not videos:
        return [images], photos.subject
    return [images, VideoProcessor(photos, options.strength, options.largest, provenance)], photos.subject
