"""The dashboard's own files, read once. Their address holds their digest, so browsers may keep them for good."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from app.errors import NotFound

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


ASSETS: Final = {
    path.name: Asset(path.read_bytes(), TYPES[path.suffix]) for path in FOLDER.iterdir() if path.suffix in TYPES
}


def address(name: str) -> str:
    """Where a page finds this file. KeyError if there is none."""
    return f"/admin/static/{ASSETS[name].digest[:12]}/{name}"


@router.get("/admin/static/{digest}/{name}")
async def asset(digest: str, name: str) -> Response:
    found = ASSETS.get(name)
    if found is None or not found.digest.startswith(digest):
        raise NotFound(f"there is no file {name}", remedy="Open the page again: it names the files of this version.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)
