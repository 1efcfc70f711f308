"""Deployment packages that cannot be taken: AWS's error, and nothing changed."""

import io
import struct
import zipfile

import pytest

from support.clients import refused
from support.packages import link, package

ECHO = "def handler(event, context):\n    return event\n"
UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
MEGABYTE = 1024 * 1024


def lying_bomb():
    """A small file that says of its only member that it is small, too, but unpacks to 260 MB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb", "w") as member:
        for _ in range(260):
            member.write(bytes(MEGABYTE))
    content = bytearray(buffer.getvalue())
    directory = content.rindex(b"PK\x01\x02")
    # The size before compression stands 24 bytes into the directory's entry and 22 bytes into the member's head.
    content[directory + 24 : directory + 28] = struct.pack("<I", 100)
    content[22:26] = struct.pack("<I", 100)
    return bytes(content)


def honest_bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb", "w") as member:
        for _ in range(251):
            member.write(bytes(MEGABYTE))
    return buffer.getvalue()


def truncated():
    return package({"app.py": ECHO, "filler": bytes(range(256)) * 40})[:-30]


def damaged():
    content = bytearray(package({"app.py": ECHO}))
    content[40:60] = bytes(20)
    return bytes(content)


BAD = {
    "garbage": (lambda: b"this is no zip file", UNREADABLE),
    "empty": (lambda: package({}), "Uploaded file must be a non-empty zip"),
    "truncated": (truncated, UNREADABLE),
    "damaged": (damaged, UNREADABLE),
    "slip": (lambda: package({"../outside.py": "x", "app.py": ECHO}), UNREADABLE),
    "nested slip": (lambda: package({"a/../../outside.py": "x", "app.py": ECHO}), UNREADABLE),
    "absolute link": (lambda: package({"app.py": ECHO, "link": link("/etc/passwd")}), UNREADABLE),
    "link out": (lambda: package({"app.py": ECHO, "link": link("../../etc/passwd")}), UNREADABLE),
    "file through a link": (lambda: package({"link": link("../.."), "link/app.py": ECHO}), UNREADABLE),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_packages_are_refused_and_change_nothing(aws, functions, kind):
    make, message = BAD[kind]
    content, client = make(), aws("lambda")
    refusal = refused(client.create_function, **functions.settings({}, Code={"ZipFile": content}))
    assert (refusal.status, refusal.code) == (400, "InvalidParameterValueException")
    assert refusal.message == message, refusal
    assert client.list_functions()["Functions"] == []

    function = functions.create(ECHO)
    before = client.get_function_configuration(FunctionName=function.name)
    refusal = refused(client.update_function_code, FunctionName=function.name, ZipFile=content)
    assert refusal.code == "InvalidParameterValueException"
    assert client.get_function_configuration(FunctionName=function.name)["RevisionId"] == before["RevisionId"]
    assert function.answer("still there") == "still there"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (honest_bomb, "Unzipped size must be smaller than 262144000 bytes"),
        (lying_bomb, UNREADABLE),
    ],
)
def test_bombs_are_refused(aws, functions, make, message):
    refusal = refused(aws("lambda").create_function, **functions.settings({}, Code={"ZipFile": make()}))
    assert (refusal.code, refusal.message) == ("InvalidParameterValueException", message)
    assert aws("lambda").list_functions()["Functions"] == []


def test_links_within_the_package_work(functions):
    files = {"real.py": ECHO, "app.py": link("real.py")}
    assert functions.create(files).answer("linked") == "linked"


def test_a_package_beyond_the_limit_is_refused_by_its_size(aws, functions):
    content = bytes(50 * MEGABYTE + 1)
    refusal = refused(aws("lambda").create_function, **functions.settings({}, Code={"ZipFile": content}))
    assert (refusal.status, refusal.code) == (413, "RequestEntityTooLargeException"), refusal
    assert aws("lambda").list_functions()["Functions"] == []


def test_packages_from_other_services_are_refused_by_name(aws, functions):
    code = {"S3Bucket": "bucket", "S3Key": "key"}
    refusal = refused(aws("lambda").create_function, **functions.settings({}, Code=code))
    assert refusal.status == 400
    assert "S3" in refusal.message
