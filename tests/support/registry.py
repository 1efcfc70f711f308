"""A container registry, and images made without any tool."""

import base64
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def layer(files):
    """An archive of texts or bytes by path; a pair gives the mode, too, `None` is a directory, and a tuple of the word
    `link` and a target a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.mode = 0o755 if content is None else 0o644
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, tuple) and content[0] == "link":
                entry.type, entry.linkname = tarfile.SYMTYPE, content[1]
            else:
                content, entry.mode = content if isinstance(content, tuple) else (content, entry.mode)
                content = content.encode() if isinstance(content, str) else content
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return buffer.getvalue()


class Registry:
    """A registry on this machine. With a token it wants name and password first, at another of its addresses."""

    def __init__(self, password=None):
        self.password, self.blobs, self.manifests, self.asked = password, {}, {}, []
        handler = type("Handler", (_Handler,), {"registry": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def blob(self, content):
        self.blobs[digest(content)] = content
        return digest(content)

    def manifest(self, name, tag, document):
        content = json.dumps(document).encode()
        kind = document["mediaType"]
        for target in (tag, digest(content)):
            self.manifests[f"{name}/{target}"] = (kind, content)
        return digest(content)

    def push(self, name, layers, tag="latest", docker=False, layer_type=None, architecture="amd64", **config):
        """Puts an image there: its layers are archives. The digest of its manifest."""
        document = {
            "architecture": architecture,
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest(archive) for archive in layers]},
        }
        described = []
        for archive in layers:
            blob = gzip.compress(archive, mtime=0)
            kind = layer_type or (DOCKER_LAYER if docker else OCI_LAYER)
            described.append({"mediaType": kind, "digest": self.blob(blob), "size": len(blob)})
        content = json.dumps(document).encode()
        kind = DOCKER_CONFIG if docker else OCI_CONFIG
        return self.manifest(
            name,
            tag,
            {
                "schemaVersion": 2,
                "mediaType": DOCKER_MANIFEST if docker else OCI_MANIFEST,
                "config": {"mediaType": kind, "digest": self.blob(content), "size": len(content)},
                "layers": described,
            },
        )

    def layer_of(self, manifest):
        """The digest of the lowest layer of an image."""
        found = next(content for target, (_, content) in self.manifests.items() if target.endswith(manifest))
        return json.loads(found)["layers"][0]["digest"]

    def index(self, name, tag, **manifests):
        """Names manifests by their architecture."""
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": found, "size": len(self.manifests[f"{name}/{found}"][1]),
             "platform": {"architecture": architecture, "os": "linux"}}
            for architecture, found in manifests.items()
        ]
        self.manifest(name, tag, {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


class _Handler(http.server.BaseHTTPRequestHandler):
    registry = None

    def log_message(self, *_):
        pass

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        registry = self.registry
        registry.asked.append(self.path)
        path = self.path.partition("?")[0]
        given = self.headers.get("Authorization", "")
        if path == "/token":
            pair = base64.b64encode(f"user:{registry.password}".encode()).decode()
            return self.answer(200, b'{"token": "abc"}') if given == f"Basic {pair}" else self.answer(401)
        if path.startswith("/elsewhere/"):
            # As registries keep layers: at another address, which nobody shows credentials to.
            return self.answer(200 if not given else 400, registry.blobs[path.rpartition("/")[2]])
        if registry.password and given != "Bearer abc":
            realm = f'Bearer realm="http://{registry.host}/token",service="test",scope="repository:x:pull"'
            return self.answer(401, WWW_Authenticate=realm)
        name, kind, target = path.removeprefix("/v2/").rsplit("/", 2)
        if kind == "manifests" and f"{name}/{target}" in registry.manifests:
            media_type, content = registry.manifests[f"{name}/{target}"]
            return self.answer(200, content, Content_Type=media_type)
        if kind == "blobs" and target in registry.blobs:
            return self.answer(307, Location=f"http://localhost:{registry.server.server_port}/elsewhere/{target}")
        return self.answer(404, b'{"errors": []}')
