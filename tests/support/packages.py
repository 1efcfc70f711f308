"""Deployment packages."""

import io
import stat
import zipfile

# A fixed date, so that the same files are the same bytes.
_DATE = (2024, 1, 1, 0, 0, 0)


def package(files):
    """A zip file of texts or bytes by path. A pair gives the Unix mode, too, file type included."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            content, mode = content if isinstance(content, tuple) else (content, stat.S_IFREG | 0o644)
            entry = zipfile.ZipInfo(path, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def program(content):
    """An executable file."""
    return content, stat.S_IFREG | 0o755


def link(target):
    """A symbolic link."""
    return target, stat.S_IFLNK | 0o777
