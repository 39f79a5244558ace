"""The HTTP interface of a service."""

from __future__ import annotations

import inspect
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi_offline import FastAPIOffline
from PIL import Image
from pydantic import BaseModel
from starlette.exceptions import HTTPException as AnyHTTPException

from attrxfer.errors import DataError, did_you_mean
from attrxfer.media.images import opened
from attrxfer.model.attribute_words import in_words
from attrxfer.plugin.options import from_words
from attrxfer_serve import service as services
from attrxfer_serve.limits import Gate
from attrxfer_serve.service import Service, TooLarge

STRONGEST = 3.0
"""As ``attrxfer transfer --strength``."""


class Problem(BaseModel):
    """Why there is no result, in a line."""

    error: str


class Health(BaseModel):
    """Whether the server works, and how many images wait for the networks."""

    status: str
    waiting: int


class About(BaseModel):
    """What the server runs."""

    name: str
    guided: dict[str, bool]
    can_change: list[str]
    size: int
    subject: str
    photos: bool
    crops_only: str
    sha256: dict[str, str]
    licences: list[str]
    limits: dict[str, float]


def application(service: Service, folder: Path) -> FastAPI:
    """The server of a service.

    Args:
        service: What transfers.
        folder: Where uploads are stored until they are answered.
    """
    about = about_of(service)
    app = FastAPIOffline(
        title=f"attrxfer: {about.name}", summary="Transfers images; nothing is kept.", description=_makes(about)
    )
    app.state.folder = folder
    app.state.service = service
    app.add_middleware(Gate, limits=service.limits)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(AnyHTTPException, _refused)
    app.add_exception_handler(DataError, _unusable)
    app.add_exception_handler(Exception, _failed)
    app.get("/health", responses={503: {"model": Problem}})(health)
    app.get("/model")(lambda: about)
    problems: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (413, 422, 503)}
    images: dict[int | str, dict[str, Any]] = {
        200: {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}
    }
    app.post("/transfer", response_class=Response, responses={**images, **problems}, dependencies=[Depends(check_fields)])(
        transfer
    )
    return app


def about_of(service: Service) -> About:
    """What the server says of itself."""
    metadata = service.model.metadata
    return About(
        name=str(metadata["task"]["name"]),
        guided=dict(service.model.guided),
        can_change=list(service.model.can_change),
        size=service.model.size,
        subject=service.subject,
        photos=service.photos is not None or service.reach is not None,
        crops_only=service.crops_only,
        sha256=dict(metadata.get("sha256", {})),
        licences=list(metadata.get("licences", [])),
        limits=asdict(service.limits),
    )


async def health(request: Request) -> Health:
    """Whether the server works."""
    service: Service = request.app.state.service
    if not service.batcher.alive:
        raise HTTPException(503, "the thread that transfers has ended")
    return Health(status="ok", waiting=service.batcher.waiting)


async def check_fields(request: Request) -> None:
    """Refuse what would be left out without a word: a field of another name, a second image; and a text for an image."""
    form = await request.form()
    unknown = next((name for name in form if name not in FIELDS), None)
    if unknown is not None:
        raise HTTPException(422, f'no field "{unknown}"{did_you_mean(unknown, FIELDS)}')
    images = form.getlist("image")
    if len(images) > 1:
        raise HTTPException(422, f"{len(images)} images: a request has one")
    if images and isinstance(images[0], str):
        raise HTTPException(422, "image: is a text, and must be a file: curl -F image=@photo.jpg")


async def transfer(
    request: Request,
    image: Annotated[UploadFile, File(description="A photo, or a crop like those that the model was trained on.")],
    strength: Annotated[
        float, Form(ge=0, le=STRONGEST, allow_inf_nan=False, description="0: the image itself, 1: as trained.")
    ] = 1.0,
    aligned: Annotated[bool, Form(description="The image is such a crop; the result has the model's size.")] = False,
    format: Annotated[services.Form | None, Form(description="Of the result; left out: the upload's own.")] = None,
    attribute: Annotated[
        list[str],
        Form(
            description="What a model for many attributes changes: NAME=true or NAME=false, once or more. Left out: what the "
            "server was started for."
        ),
    ] = [],  # noqa: B006  FastAPI copies it
) -> Response:
    """Transfer an image, as `attrxfer transfer` does.

    The headers `x-subjects` and `x-notes` say how many subjects were changed, and how the result differs in form from the
    upload.
    """
    service: Service = request.app.state.service
    wanted = _chosen(attribute)
    with tempfile.TemporaryDirectory(dir=request.app.state.folder, ignore_cleanup_errors=True) as name:
        folder, upload = Path(name), Path(name) / "upload"
        with upload.open("wb") as file:
            shutil.copyfileobj(image.file, file)
        result, written = await service.transfer(upload, folder, strength, format, aligned=aligned, wanted=wanted)
        with opened(result) as made:
            media_type = Image.MIME.get(made.format or "", "application/octet-stream")
        notes = "; ".join(written.notes).encode("ascii", "replace").decode()
        headers = {"x-subjects": str(written.subjects), "x-notes": notes}
        return Response(result.read_bytes(), media_type=media_type, headers=headers)


FIELDS = tuple(name for name in inspect.signature(transfer).parameters if name != "request")
"""The fields of a request."""


def _chosen(words: Sequence[str]) -> dict[str, bool]:
    """The attributes that a request names. A page sends an empty field as one empty word."""
    try:
        return from_words(word for word in words if word)
    except DataError as error:
        raise HTTPException(422, f"attribute: {error}") from None


def _makes(about: About) -> str:
    """What the model makes, and what a request may choose instead."""
    made = f"Makes {in_words(about.guided)}." if about.guided else ""
    return f"{made} A request may choose instead: {', '.join(about.can_change)}." if about.can_change else made


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """A field that is missing or has another type; the first one counts."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return _problem(422, f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg'][:1].lower()}{first['msg'][1:]}")


async def _refused(request: Request, error: Exception) -> JSONResponse:
    """No such page or method, or a limit."""
    assert isinstance(error, AnyHTTPException)
    return _problem(error.status_code, str(error.detail))


async def _unusable(request: Request, error: Exception) -> JSONResponse:
    """An image that cannot be read, is too large, or shows nothing to change. The path in the message is the server's own."""
    folder = str(request.app.state.folder)
    return _problem(413 if isinstance(error, TooLarge) else 422, _without_path(str(error), folder))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """A mistake of the server's; its log has the traceback."""
    return _problem(500, f"{type(error).__name__}: this is the server's mistake, and its log says more")


def _without_path(message: str, folder: str) -> str:
    """A message about an uploaded file, without the file's place.

    >>> _without_path("/tmp/a/b/image.png: not an image", "/tmp/a")
    'not an image'
    """
    return message.partition(": ")[2] if message.startswith(folder) else message


def _problem(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": " ".join(reason.split())}, status)
