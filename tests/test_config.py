"""Which settings are refused, with which words."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.learning.rewards.style import FEWEST_TEXTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_BODY_BYTES", "0"),
        ("MAX_TEXT_CHARS", "-1"),
        ("MAX_SAMPLE_CHARS", "0"),
        ("MAX_SAMPLES_PER_REQUEST", "0"),
        ("MAX_SAMPLES_PER_USER", "0"),
        ("MIN_TRAINING_SAMPLES", str(FEWEST_TEXTS - 1)),
        ("REWRITE_TIMEOUT_S", "0"),
        ("REWRITE_TIMEOUT_S", "inf"),
        ("JOB_LEASE_S", "0.5"),
        ("JOB_LEASE_S", "nan"),
        ("JOB_HEARTBEAT_S", "0"),
        ("JOB_MAX_ATTEMPTS", "0"),
        ("SWEEP_EVERY_S", "0"),
        ("FEEDBACK_QUIET_S", "-1"),
    ],
)
def test_a_setting_out_of_bounds_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"IDIOLECT_{name}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert name.lower() in {error["loc"][0] for error in caught.value.errors()}


def test_as_few_samples_are_enough_as_make_a_reference() -> None:
    assert Settings(min_training_samples=FEWEST_TEXTS).min_training_samples == Settings().min_training_samples


@pytest.mark.parametrize("settings", [{"job_heartbeat_s": 15.1}, {"job_lease_s": 9.9}])
def test_a_heart_that_beats_less_than_twice_a_lease_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="more than half of IDIOLECT_JOB_LEASE_S") as caught:
        Settings(**settings)  # type: ignore[arg-type]
    assert [error["loc"] for error in caught.value.errors()] == [("job_heartbeat_s",)]


@pytest.mark.parametrize("settings", [{"job_heartbeat_s": 15.0}, {"job_lease_s": 10.0}])
def test_twice_is_enough(settings: dict[str, float]) -> None:
    assert Settings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/folder",
        "s3:/bucket",
        "s3:bucket",
        "S3://bucket",
        "gs://bucket",
        "file:",
        "file://",
        "file:folder",
        "s3://",
        "s3:///prefix",
        "s3://ab",
        "s3://Bucket",
        "s3://-bucket-",
        "s3://id:hush@bucket",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/a?b=c",
        "s3://bucket/a b",
    ],
)
def test_a_storage_that_cannot_be_meant_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("IDIOLECT_STORAGE_URL", url)
    with pytest.raises(ValidationError, match="IDIOLECT_STORAGE_URL must") as caught:
        Settings()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "bucket", "root"),
    [
        ("", None, "data/storage"),
        ("file:///srv/voices", None, "/srv/voices"),
        ("/srv/voices", None, "/srv/voices"),
        ("voices", None, "voices"),
        ("s3://my.bucket-1", ("my.bucket-1", ""), "data/storage"),
        ("s3://bucket/", ("bucket", ""), "data/storage"),
        ("s3://bucket/a/b.c/", ("bucket", "a/b.c"), "data/storage"),
    ],
)
def test_a_storage_is_a_folder_or_a_bucket(url: str, bucket: tuple[str, str] | None, root: str) -> None:
    settings = Settings(data_dir=Path("data"), storage_url=url)
    assert (settings.bucket, settings.storage_root) == (bucket, Path(root))


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "s3.host:9000", "https://host:port", "https://a b"])
def test_a_bucket_must_be_somewhere(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(ValidationError, match="AWS_ENDPOINT_URL"):
        Settings(storage_url="s3://bucket")
    assert Settings(storage_url="/srv/voices").bucket is None, "whose storage is a folder may use another program's"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000/")
    assert Settings(storage_url="s3://bucket").bucket == ("bucket", "")
