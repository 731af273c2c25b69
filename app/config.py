"""Settings: embedded by default, scaled by `IDIOLECT_*` environment variables."""

import os
import re
import secrets
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGED = "packaged"
MOST_CANDIDATES = 8
MOST_ARCHIVE_BYTES = 512 * 2**20
"""Of a PEFT folder that is taken in; an adapter of rank 64 of a base of 3B parameters has 400 MB in float32."""

BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX_PART: Final = re.compile(r"(?!\.+$)[A-Za-z0-9!_.*'()-]+")
"""Of an object's key: what S3 calls safe, and no step in a path."""
ENDPOINT: Final = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?/?")

Seconds = Annotated[float, Field(allow_inf_nan=False)]


class Settings(BaseSettings):
    # What is wrong with a setting is told without its value, which may hold a password.
    model_config = SettingsConfigDict(env_prefix="IDIOLECT_", extra="ignore", hide_input_in_errors=True)

    data_dir: Path = Path(".idiolect")
    database_url: str = ""
    broker_url: str = ""
    storage_url: str = ""
    storage_cache_mb: int = Field(default=4096, ge=1, description="copies that an engine keeps of a bucket's adapters")
    engine_url: str = "http://127.0.0.1:8471"
    engine_token: str = ""

    host: str = "127.0.0.1"
    port: int = Field(default=8470, ge=1, le=65535)

    base_model: str = PACKAGED
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=0, ge=0)
    """Torch threads per process; 0 lets torch decide."""
    adapter_cache_mb: int = Field(default=0, ge=0)
    """0: 256, or room for eight adapters if they need more."""
    max_batch_rows: int = Field(default=32, ge=1)
    max_queue_rows: int = Field(default=256, ge=1)
    adapter_rank: int = Field(default=0, ge=0, le=64)
    """Of an adapter, at most; 0: as the base's size asks for (see most_rank() of the recipes)."""
    adapter_voice_rank: int = Field(default=4, ge=1, le=16)
    """Rank of what each voice of a person of several adds to what their voices share."""
    style_model: str = PACKAGED
    detector_model: str = PACKAGED
    satisfaction_model: str = PACKAGED
    """Each `packaged`, or the folder or hub id (`owner/name`, pinned by `owner/name@revision`) of a replacement: see
    app/inference/replacements.py for the formats."""

    max_body_bytes: int = Field(default=2_000_000, ge=1)
    max_text_chars: int = Field(default=20_000, ge=1)
    max_sample_chars: int = Field(default=20_000, ge=1)
    max_samples_per_request: int = Field(default=1_000, ge=1)
    max_samples_per_user: int = Field(default=10_000, ge=1)
    min_training_samples: int = Field(default=4, ge=4, description="fewer make no reference to be measured against")
    rewrite_timeout_s: Seconds = Field(default=120.0, gt=0)
    rewrite_candidates: int = Field(
        default=4,
        ge=1,
        le=MOST_CANDIDATES,
        description="texts that are written of a passage at most, to answer with the first that keeps its facts",
    )

    job_lease_s: Seconds = Field(default=30.0, ge=1, description="a worker that was silent for so long counts as dead")
    job_heartbeat_s: Seconds = Field(default=5.0, gt=0, validate_default=True)
    job_max_attempts: int = Field(default=3, ge=1)
    checkpoint_every_steps: int = Field(default=4, ge=1)
    sweep_every_s: Seconds = Field(default=15.0, gt=0)
    feedback_listen_every: int = Field(
        default=4, ge=1, description="new reactions after which the scorer of a user's satisfaction learns from them"
    )
    feedback_min_new: int = Field(
        default=5, ge=1, description="scored feedback since the last training that asks for a new one"
    )
    feedback_quiet_s: Seconds = Field(
        default=120.0, ge=0, description="how long a user must have been silent before the sweep trains"
    )

    @field_validator("storage_url")
    @classmethod
    def _is_a_folder_or_a_bucket(cls, url: str) -> str:
        scheme, colon, rest = url.partition(":")
        if not colon or "/" in scheme or (scheme == "file" and re.match("//.", rest)):  # or a folder's plain path
            return url
        if scheme != "s3" or not rest.startswith("//"):
            raise PydanticCustomError(
                "storage", "IDIOLECT_STORAGE_URL must be a folder, file:///…, or a bucket, s3://bucket/prefix"
            )
        bucket, *parts = rest.removeprefix("//").rstrip("/").split("/")
        if not BUCKET.fullmatch(bucket) or not all(map(PREFIX_PART.fullmatch, parts)):
            raise PydanticCustomError(
                "storage",
                "IDIOLECT_STORAGE_URL must name a bucket of 3 to 63 lower-case letters, digits, dots and hyphens, and "
                "at most a plain path after it: s3://bucket/prefix. Keys belong into AWS_ACCESS_KEY_ID and its like",
            )
        if (endpoint := s3_endpoint()) and not ENDPOINT.fullmatch(endpoint):
            raise PydanticCustomError(
                "storage",
                "IDIOLECT_STORAGE_URL names a bucket, but AWS_ENDPOINT_URL, where it is, is not like https://host:port",
            )
        return url

    @field_validator("job_heartbeat_s")
    @classmethod
    def _beats_twice_a_lease(cls, beat_s: float, others: ValidationInfo) -> float:
        """A worker that misses one beat, as a busy machine's may, is not dead yet."""
        lease_s = others.data.get("job_lease_s")
        if lease_s is not None and beat_s > lease_s / 2:
            raise PydanticCustomError(
                "heartbeat",
                "{beat_s} s is more than half of IDIOLECT_JOB_LEASE_S={lease_s}: healthy workers would count as dead",
                {"beat_s": beat_s, "lease_s": lease_s},
            )
        return beat_s

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'idiolect.db'}"

    @property
    def resolved_broker_url(self) -> str:
        return self.broker_url or "filesystem://"

    @property
    def bucket(self) -> tuple[str, str] | None:
        """Of adapter files, with what their names in it begin with; None: they are below `storage_root`."""
        if not self.storage_url.startswith("s3://"):
            return None
        bucket, _, prefix = self.storage_url.removeprefix("s3://").partition("/")
        return bucket, prefix.rstrip("/")

    @property
    def storage_root(self) -> Path:
        """Folder for checkpoints, and for adapter files without a bucket (`file://` URLs and the embedded default)."""
        if not self.storage_url or self.bucket is not None:
            return self.data_dir / "storage"
        return Path(self.storage_url.removeprefix("file://"))


def s3_endpoint() -> str:
    """Where buckets are, by the variables that every S3 client reads; empty: at Amazon."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


@lru_cache
def get_settings() -> Settings:
    return Settings()


def engine_token(settings: Settings) -> str:
    """The secret that web and workers show the engine: from settings, else made once and kept in the data folder."""
    if settings.engine_token:
        return settings.engine_token
    path = settings.data_dir / "engine.token"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    # Linking a finished file decides the race between processes starting together: the loser reads the winner's.
    with suppress(FileExistsError):
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()
    return path.read_text()
