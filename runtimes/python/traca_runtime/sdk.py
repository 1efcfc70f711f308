"""Loads and rehearses the AWS SDK in a process that is started ahead of need."""

import sys

# Variables with this beginning may change what a session settles when it is made; these of Lambda's do not.
_SETTING = "AWS_"
_HARMLESS = frozenset(
    (
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_XRAY_CONTEXT_MISSING",
    )
)
_HARMLESS_BEGINNING = "AWS_LAMBDA_"


def rehearse(names):
    """Loads the SDK, the first of the names, and makes a client of each of the services that follow."""
    if not names:
        return
    try:
        import boto3

        _share_models()
        session = boto3.session.Session("rehearsal", "rehearsal", region_name="us-east-1")
        for name in names[1:]:
            session.client(name, endpoint_url="http://127.0.0.1")
        # The session of the first `boto3.client`: most of the time goes into it. It asks for region and credentials
        # when it makes a client.
        boto3.setup_default_session()
    except Exception:
        # The function's own attempt will say why.
        return


def leave(variables):
    """Takes away what the function's variables would have made otherwise."""
    boto3 = sys.modules.get("boto3")
    if boto3 is None:
        return
    if any(_concerns_a_session(name) for name, _ in variables):
        boto3.DEFAULT_SESSION = None


def _concerns_a_session(name):
    harmless = name in _HARMLESS or name.startswith(_HARMLESS_BEGINNING)
    return name == "HOME" or name.startswith(_SETTING) and not harmless


def _share_models():
    """Has every loader of models know what others with the same search path have read, as two clients of one session
    do: the files are the runtime's and do not change.
    """
    from botocore.loaders import Loader

    read = {}

    def known(loader):
        kind = (tuple(loader.search_paths), type(loader.file_loader), tuple(loader._extras_types))
        return read.setdefault(kind, {})

    def begin(_loader, _nothing):
        """Each loader begins with what is known."""

    Loader._cache = property(known, begin)
