"""The `.pkpass` archive: manifest, signature and ZIP, written from parts that were digested once.

Own ZIP writer (APPNOTE.TXT 4.3): the files that all passes of a type share stand first, so that their bytes, offsets
and checksums never change and are joined as they are. zipfile would spend longer on them than the signature takes.
Nothing is compressed: PNG is already, and the rest is small. Names are ASCII and at the archive's root.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20  # APPNOTE 4.4.3.2: folders, as in de.lproj/pass.strings
_STORED = 0
_TIME, _DATE = 0, (1 << 5) | 1  # 1980-01-01: when a file was written is nobody's business and would change the bytes
_REGULAR_FILE = 0o100644 << 16
_MADE_ON_UNIX = 3 << 8


def _entry(name: str, content: bytes, offset: int) -> tuple[bytes, bytes]:
    """A file as (local part, central directory part). `offset`: where in the archive the local part begins."""
    path, size, checksum = name.encode("ascii"), len(content), zlib.crc32(content)
    local = _LOCAL.pack(b"PK\3\4", _VERSION, 0, _STORED, _TIME, _DATE, checksum, size, size, len(path), 0)
    central = _CENTRAL.pack(
        b"PK\1\2",
        _MADE_ON_UNIX | _VERSION,
        _VERSION,
        0,
        _STORED,
        _TIME,
        _DATE,
        checksum,
        size,
        size,
        len(path),
        0,
        0,
        0,
        0,
        _REGULAR_FILE,
        offset,
    )
    return local + path + content, central + path


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()  # Apple's manifest names no other digest


class Package:
    """The files all passes of a type share, ready to be joined with what is one pass's own."""

    def __init__(self, shared: Mapping[str, bytes]) -> None:
        local, central = b"", b""
        for name in sorted(shared):
            entry = _entry(name, shared[name], len(local))
            local, central = local + entry[0], central + entry[1]
        self._local, self._central, self._count = local, central, len(shared)
        digests = {name: _sha1(shared[name]) for name in sorted(shared)}
        self._manifest = json.dumps(digests, separators=(",", ":"))[:-1] + ',"pass.json":"'

    def pack(
        self, pass_json: bytes, sign: Callable[[bytes], bytes], more: Mapping[str, bytes] = MappingProxyType({})
    ) -> bytes:
        """The archive, with `more` files of this pass alone.

        `sign` gets the bytes of manifest.json and returns the detached signature (DER).
        """
        listed = "".join(f',"{name}":"{_sha1(content)}"' for name, content in more.items())
        manifest = f'{self._manifest}{_sha1(pass_json)}"{listed}}}'.encode("ascii")
        own = (*more.items(), ("pass.json", pass_json), ("manifest.json", manifest), ("signature", sign(manifest)))
        files, directory, offset = [self._local], [self._central], len(self._local)
        for name, content in own:
            local, central = _entry(name, content, offset)
            files.append(local)
            directory.append(central)
            offset += len(local)
        count, size = self._count + len(own), sum(map(len, directory))
        return b"".join((*files, *directory, _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)))
