"""What the server answers."""

from __future__ import annotations

import doctest
import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrxfer_serve import app as module
from attrxfer_serve import service as services
from PIL import Image
from starlette.testclient import TestClient

from attrxfer.media.photos import Photos
from attrxfer.media.processors import CropProcessor, PhotoProcessor
from attrxfer.media.provenance import provenance_of, read_packet
from tests.attrxfer_demo.conftest import SIZE, Known
from tests.attrxfer_serve.conftest import Channels, MakeClient, Negative, decoded, encoded, noise


def post(client: TestClient, content: bytes, **fields: Any) -> Any:
    return client.post("/transfer", files={"image": ("x.png", content)}, data=fields)


def transferred(content: bytes, suffix: str, folder: Path, strength: float) -> bytes:
    """What ``attrxfer transfer`` writes for a photo."""
    source, out = folder / f"in{suffix}", folder / f"out{suffix}"
    source.write_bytes(content)
    model = Negative()
    processor = PhotoProcessor(Photos(model, Known((8, 8, 64))), strength, None, provenance_of(model, strength))
    item = processor.read(source)
    assert item is not None
    processor.write(out, processor.transfer([item])[0])
    return out.read_bytes()


@pytest.mark.parametrize(("form", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp"), ("TIFF", ".tif")])
def test_a_photo_is_transferred_as_the_command_does(client: MakeClient, tmp_path: Path, form: str, suffix: str) -> None:
    content = encoded(noise(), form)
    answer = post(client(), content, strength=0.7)
    assert answer.status_code == 200 and answer.headers["content-type"] == Image.MIME[form]
    assert answer.content == transferred(content, suffix, tmp_path, 0.7) and answer.content != content
    assert answer.headers["x-subjects"] == "1" and answer.headers["x-notes"] == ""


def test_a_crop_is_transferred_as_the_command_does(client: MakeClient, tmp_path: Path) -> None:
    content = encoded(noise(50, 60))
    (tmp_path / "in.png").write_bytes(content)
    model = Negative()
    processor = CropProcessor(model, 1.0, provenance_of(model, 1.0))
    item = processor.read(tmp_path / "in.png")
    assert item is not None
    processor.write(tmp_path / "out.png", processor.transfer([item])[0])
    answer = post(client(), content, aligned=True)
    assert answer.content == (tmp_path / "out.png").read_bytes() and decoded(answer.content).shape == (SIZE, SIZE, 3)


def test_the_format_is_as_asked_and_says_what_was_lost(client: MakeClient) -> None:
    one, photo = client(), encoded(noise(), "JPEG", quality=90)
    answer = post(one, photo, format="png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-notes"] == "JPEG became PNG: its metadata are not kept"
    before, after = decoded(photo), decoded(answer.content)
    np.testing.assert_array_equal(before[:, 80:], after[:, 80:])  # outside the square nothing changes
    assert np.abs(before.astype(int) - after)[30:50, 30:50].mean() > 20
    packet = Image.open(io.BytesIO(answer.content)).info["xmp"]
    assert read_packet(packet)["Attribute"] == "Dark=true"
    assert post(one, encoded(noise()), format="jpeg").headers["content-type"] == "image/jpeg"
    assert post(one, photo, format="jpeg").headers["x-notes"] == ""


def test_at_strength_0_the_file_comes_back(client: MakeClient) -> None:
    photo = encoded(noise(), "JPEG")
    one = client()
    assert post(one, photo, strength=0).content == photo
    assert not one.app.state.service.model.batches  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "fields", "status", "message"),
    [
        (b"text", {}, 422, "not an image"),
        (b"", {}, 422, "empty file"),
        (encoded(noise())[:200], {}, 422, ""),
        (encoded(noise()), {"strength": 3.5}, 422, "strength: input should be less than or equal to 3"),
        (encoded(noise()), {"strength": "nan"}, 422, "strength: input should be a finite number"),
        (encoded(noise()), {"strength": "much"}, 422, "strength: input should be a valid number, unable to parse string"),
        (encoded(noise()), {"format": "bmp"}, 422, "format: input should be 'png' or 'jpeg'"),
        (encoded(noise()), {"strengt": 0.5}, 422, 'no field "strengt"; did you mean "strength"?'),
        (encoded(noise()), {"aligned": "perhaps"}, 422, "aligned: input should be a valid boolean, unable to interpret"),
        (encoded(noise(400, 600)), {}, 413, "more than 0.2 million pixels (600 x 400)"),
        (encoded(noise(300, 300)), {}, 413, "more than 0.2 MB"),
    ],
)
def test_mistakes_are_answered_in_one_line_of_json(
    client: MakeClient, content: bytes, fields: dict[str, Any], status: int, message: str
) -> None:
    megabytes = 0.2 if message == "more than 0.2 MB" else 20
    answer = post(client(megabytes=megabytes, megapixels=0.2), content, **fields)
    assert answer.status_code == status and answer.json().keys() == {"error"}
    error = answer.json()["error"]
    assert error.startswith(message) and "\n" not in error and "tmp" not in error, error


def test_a_request_has_one_image_which_is_a_file(client: MakeClient) -> None:
    one, photo = client(), encoded(noise())
    two = one.post("/transfer", files=[("image", ("a.png", photo)), ("image", ("b.png", photo))])
    assert two.status_code == 422 and two.json() == {"error": "2 images: a request has one"}
    text = one.post("/transfer", data={"image": "photo.jpg"})
    assert text.status_code == 422
    assert text.json() == {"error": "image: is a text, and must be a file: curl -F image=@photo.jpg"}


def test_requests_without_an_image_and_unknown_pages_are_answered_alike(client: MakeClient) -> None:
    one = client()
    for answer, status in (
        (one.post("/transfer", data={"strength": 1}), 422),
        (one.post("/transfer", content=b"no form"), 422),
        (one.get("/transfer"), 405),
        (one.get("/nothing"), 404),
    ):
        assert answer.status_code == status and answer.json().keys() == {"error"}


def test_nothing_to_change_is_no_success(client: MakeClient) -> None:
    answer = post(client(squares=()), encoded(noise()))
    assert answer.status_code == 422 and answer.json() == {"error": "no face found"}
    pages = [Image.fromarray(noise()), Image.fromarray(noise(seed=1))]
    buffer = io.BytesIO()
    pages[0].save(buffer, "GIF", save_all=True, append_images=pages[1:])
    assert "2 frames" in post(client(), buffer.getvalue()).json()["error"]


def test_a_model_that_takes_crops_only_says_why(client: MakeClient) -> None:
    one = client(Negative(aligned=False))
    answer = post(one, encoded(noise()))
    assert answer.status_code == 422 and "how its training images were aligned" in answer.json()["error"]
    assert post(one, encoded(noise()), aligned=True).status_code == 200
    about = one.get("/model").json()
    assert about["photos"] is False and about["crops_only"] and about["subject"] == "crop"


def test_whole_images_are_transferred_at_their_own_size(client: MakeClient) -> None:
    one = client(Negative(reach=4))
    image = noise(50, 70)
    np.testing.assert_array_equal(decoded(post(one, encoded(image)).content), 255 - image)
    assert post(one, encoded(image), aligned=True).status_code == 422
    assert one.get("/model").json()["photos"] is True


def test_a_request_chooses_the_attributes_of_a_model_for_many(client: MakeClient) -> None:
    model, image = Channels(), noise(SIZE, SIZE)
    one = client(model)
    about = one.get("/model").json()
    assert about["can_change"] == ["Red", "Green", "Blue"] and about["guided"] == {"Red": True}
    chosen: list[tuple[Any, str, list[int]]] = [
        ([], "Red=true", [0]),
        ("", "Red=true", [0]),
        ("Blue=true", "Blue=true", [2]),
        (["Green=True", "Blue=true", "Red=false"], "Blue=true, Green=true, Red=false", [1, 2]),
    ]
    for words, said, channels in chosen:
        answer = post(one, encoded(image), aligned=True, attribute=words)
        wanted = image.copy()
        wanted[..., channels] = 255 - wanted[..., channels]
        np.testing.assert_array_equal(decoded(answer.content), wanted)
        assert read_packet(Image.open(io.BytesIO(answer.content)).info["xmp"])["Attribute"] == said
    usual, blue = (decoded(post(one, encoded(noise()), attribute=words).content) for words in ("", "Blue=true"))
    assert not np.array_equal(usual, blue) and np.array_equal(usual[:, 80:], blue[:, 80:]), "in a photo's square too"
    assert len(model.made) == 2, "each choice is opened once"


def test_a_wrong_attribute_is_one_line(client: MakeClient) -> None:
    many, single = client(Channels()), client()
    for one, words, message in (
        (many, "Blue", 'attribute: "Blue" is not NAME=true or NAME=false, for example Young=true'),
        (many, "Blau=true", 'attribute: this model cannot change "Blau"; did you mean "Blue"?'),
        (single, "Dark=false", "attribute: this model does not let you choose: leave it out"),
    ):
        answer = post(one, encoded(noise()), attribute=words)
        assert answer.status_code == 422 and answer.json() == {"error": message}


def test_only_so_many_choices_are_kept(client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "CHOICES", 1)
    model = Channels()
    one = client(model)
    for name in ("Blue", "Blue", "Green", "Blue"):
        assert post(one, encoded(noise()), aligned=True, attribute=f"{name}=true").status_code == 200
    assert [list(made.guided) for made in model.made] == [["Blue"], ["Green"], ["Blue"]]


def test_choices_that_are_prepared_stop_no_other_request(client: MakeClient) -> None:
    model = Channels()
    one, image = client(model), encoded(noise(SIZE, SIZE))
    assert post(one, image, aligned=True, attribute="Red=true").status_code == 200
    model.takes = 0.4

    def ended(words: str) -> float:
        assert post(one, image, aligned=True, attribute=words).status_code == 200
        return time.monotonic()

    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(ended, f"{name}=true") for name in ("Blue", "Blue", "Blue", "Green", "Green")]
        time.sleep(0.1)
        quick = [pool.submit(ended, words) for words in ("", "Red=true")]
    assert max(one.result() for one in quick) < min(one.result() for one in slow)
    assert [list(made.guided) for made in model.made].count(["Blue"]) == 1 and len(model.made) == 3


def test_a_choice_that_the_backend_refuses_is_the_servers_mistake(client: MakeClient) -> None:
    model = Channels()
    one, image = client(model), encoded(noise(SIZE, SIZE))
    model.refuses = True
    answer = post(one, image, aligned=True, attribute="Blue=true")
    assert answer.status_code == 500
    assert answer.json() == {"error": "AttrxferError: this is the server's mistake, and its log says more"}
    model.refuses = False
    assert post(one, image, aligned=True, attribute="Blue=true").status_code == 200


def test_a_slow_request_is_ended(client: MakeClient) -> None:
    answer = post(client(Negative(seconds=0.5), seconds=0.1), encoded(noise()))
    assert answer.status_code == 503 and answer.json() == {"error": "took longer than 0.1 seconds"}


def test_what_the_network_refuses_is_that_requests_error(client: MakeClient) -> None:
    one = client()
    cat = np.full((SIZE, SIZE, 3), 13, np.uint8)
    answer = post(one, encoded(cat), aligned=True)
    assert answer.status_code == 500 and answer.json()["error"].startswith("RuntimeError: this is the server's mistake")
    assert post(one, encoded(noise()), aligned=True).status_code == 200


def test_the_server_says_what_it_is_and_keeps_nothing(client: MakeClient) -> None:
    one = client()
    assert one.get("/health").json() == {"status": "ok", "waiting": 0}
    about = one.get("/model").json()
    assert about["name"] == "negative" and about["guided"] == {"Dark": True} and about["size"] == SIZE
    assert about["subject"] == "face" and about["limits"]["megabytes"] == 20 and about["sha256"] == {"w": "abc"}
    post(one, encoded(noise()))
    folder = one.app.state.folder  # type: ignore[attr-defined]
    assert folder.is_dir() and not list(folder.iterdir())


def test_a_dead_thread_is_no_health(client: MakeClient) -> None:
    one = client()
    one.app.state.service.close()  # type: ignore[attr-defined]
    assert one.get("/health").status_code == 503


def test_the_page_describes_the_requests_and_loads_nothing_from_elsewhere(client: MakeClient) -> None:
    one = client()
    page = one.get("/docs").text
    assert "swagger-ui" in page and "https://" not in page and "http://" not in page
    described = one.get("/openapi.json").json()
    assert described["paths"].keys() == {"/health", "/model", "/transfer"}
    fields = described["components"]["schemas"]["Body_transfer_transfer_post"]["properties"]
    assert fields["attribute"]["type"] == "array" and "NAME=true" in fields["attribute"]["description"]
    many = client(Channels()).get("/openapi.json").json()["info"]["description"]
    assert many == "Makes Red=true. A request may choose instead: Red, Green, Blue."
    assert "image/*" in described["paths"]["/transfer"]["post"]["responses"]["200"]["content"]


def test_examples() -> None:
    assert doctest.testmod(module).failed == 0
