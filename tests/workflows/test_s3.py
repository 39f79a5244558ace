"""The protocol of S3, by a server of this machine: the bytes are those of a local transfer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REASON = "needs a server of S3's protocol: pip install 'moto[server]' s3fs"
pytest.importorskip("s3fs", reason=REASON)
server = pytest.importorskip("moto.server", reason=REASON)

from attrxfer.errors import DataError  # noqa: E402
from attrxfer.media import buckets  # noqa: E402
from attrxfer.media.batch import BatchOptions  # noqa: E402
from attrxfer.media.buckets import Url  # noqa: E402
from attrxfer.plugin.host import Host  # noqa: E402
from attrxfer.workflows.transfer import TransferOptions, transfer  # noqa: E402
from tests.attrxfer_ray.test_engine import folder  # noqa: E402, F401

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning", "ignore::FutureWarning"),
]
WITHOUT = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE")


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """s3fs, connected to a server that lives as long as these tests."""
    import s3fs

    here = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    here.start()
    port = here.get_host_and_port()[1]
    settings = {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in WITHOUT:
            patch.delenv(name, raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield s3fs.S3FileSystem()
        s3fs.S3FileSystem.clear_instance_cache()
    here.stop()


@pytest.fixture
def bucket(s3: Any, folder: Path) -> Any:  # noqa: F811
    """The photos of the folder in s3://in/photos, with the file that consoles make for a folder, and s3://out."""
    for name in ("in", "out"):
        if not s3.exists(f"{name}-bucket"):
            s3.mkdir(f"{name}-bucket")
    s3.call_s3("put_object", Bucket="in-bucket", Key="photos/", Body=b"")
    for path in folder.iterdir():
        s3.put_file(str(path), f"in-bucket/photos/{path.name}")
    return s3


def test_the_bytes_are_those_of_a_local_transfer(
    bucket: Any,
    trained: Path,
    folder: Path,  # noqa: F811
    tmp_path: Path,
    host: Host,
) -> None:
    here = transfer(trained, [folder], tmp_path / "here", host, TransferOptions(aligned=True))
    source, out = Url("s3", "in-bucket/photos"), Url("s3", "out-bucket/results")
    there = transfer(trained, [source], out, host, TransferOptions(aligned=True))
    made = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    noted, found = (
        made.pop("manifest.json").decode(),
        {name: bucket.cat(f"out-bucket/results/{name}") for name in buckets.names(out)},
    )
    assert found.pop("manifest.json").decode() == noted.replace(str(folder), str(source)) and found == made
    assert [file.outcome for file in there.batch.files] == [file.outcome for file in here.batch.files]
    again = TransferOptions(aligned=True, batch=BatchOptions(skip_existing=True))
    assert len(transfer(trained, [source], out, host, again).batch.of("there")) == len(made)


def test_no_bucket_and_no_credentials_are_one_line(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="^s3://no-bucket/photos: no such file or bucket$"):
        list(buckets.names(Url("s3", "no-bucket/photos")))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("HOME", os.devnull)
    type(s3).clear_instance_cache()
    with pytest.raises(DataError, match="^s3://in-bucket/photos: Unable to locate credentials$"):
        list(buckets.names(Url("s3", "in-bucket/photos")))
