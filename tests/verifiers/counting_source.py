"""A source of published documents that tells what was asked of it."""

from __future__ import annotations

from verifiers.documents import Document, Folder, Unchanged


class Counting:
    """A folder that counts what is read whole."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.whole: list[str] = []
        self.asked: set[str] = set()

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        self.asked.add(path)
        found = self._folder.read(path, limit, tag)
        if isinstance(found, Document):
            self.whole.append(path)
        return found
