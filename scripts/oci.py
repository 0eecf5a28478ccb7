"""Writes a container image as a tar without a container engine: an OCI image layout that is also what `docker load`
takes. The same input gives the same bytes: no time, no user name, no order of the file system gets in.
"""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile
from dataclasses import dataclass, field

# GOARCH names, as image indexes use them, by what `uname -m` says.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Layer:
    """One layer's files. Owner is root unless said otherwise; every time stamp is the epoch."""

    def __init__(self) -> None:
        self._blob = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._blob, mode="w", format=tarfile.GNU_FORMAT)
        self._folders: set[str] = set()

    def folder(self, path: str, mode: int = 0o755, owner: tuple[int, int] = (0, 0)) -> "Layer":
        self._parents(path)
        if path not in self._folders:
            self._folders.add(path)
            info = self._info(path, mode, owner)
            info.type = tarfile.DIRTYPE
            self._tar.addfile(info)
        return self

    def file(self, path: str, data: bytes, mode: int = 0o644) -> "Layer":
        self._parents(path)
        info = self._info(path, mode)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))
        return self

    def program(self, path: str, source: pathlib.Path) -> "Layer":
        return self.file(path, source.read_bytes(), 0o755)

    def link(self, path: str, target: str) -> "Layer":
        self._parents(path)
        info = self._info(path, 0o777)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(info)
        return self

    def finish(self) -> bytes:
        self._tar.close()
        return self._blob.getvalue()

    def _parents(self, path: str) -> None:
        parent = str(pathlib.PurePosixPath(path).parent)
        if parent != "/":
            self.folder(parent)

    @staticmethod
    def _info(path: str, mode: int, owner: tuple[int, int] = (0, 0)) -> tarfile.TarInfo:
        if not path.startswith("/") or path != str(pathlib.PurePosixPath(path)):
            raise ValueError(f"`{path}` is no clean absolute path")
        info = tarfile.TarInfo(path[1:])
        info.mode, (info.uid, info.gid), info.mtime = mode, owner, 0
        return info


@dataclass
class Image:
    """What is run, and as whom."""

    name: str
    architecture: str
    layer: bytes
    entrypoint: list[str]
    user: str
    command: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=lambda: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
    labels: dict[str, str] = field(default_factory=dict)

    def write(self, out: pathlib.Path, level: int = 9) -> str:
        """Writes the tar and returns the digest that a registry would know the image by. `level` is gzip's."""
        compressed = gzip.compress(self.layer, compresslevel=level, mtime=0)
        config = _json(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": {
                    "User": self.user,
                    "Env": self.env,
                    "Entrypoint": self.entrypoint,
                    "Cmd": self.command,
                    "WorkingDir": "/",
                    "Labels": self.labels,
                },
                "rootfs": {"type": "layers", "diff_ids": [_digest(self.layer)]},
                "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "make images"}],
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
                "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", compressed)],
                "annotations": self.labels,
            }
        )
        entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest) | {
            "platform": {"architecture": self.architecture, "os": "linux"},
            "annotations": {"io.containerd.image.name": self.name, "org.opencontainers.image.ref.name": self.name.rsplit(":", 1)[1]},
        }
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
        loadable = [{"Config": _blob(config), "RepoTags": [self.name], "Layers": [_blob(compressed)]}]
        files = {
            "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
            "index.json": _json(index),
            "manifest.json": _json(loadable),
            **{_blob(data): data for data in (config, manifest, compressed)},
        }
        tar = Layer()
        for path in sorted(files):
            tar.file("/" + path, files[path])
        out.write_bytes(tar.finish())
        return _digest(manifest)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob(data: bytes) -> str:
    return "blobs/sha256/" + hashlib.sha256(data).hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
