"""Roles for whoever an identity provider vouches for."""

import time
import urllib.parse
import urllib.request

import pytest
from botocore import UNSIGNED
from support.clients import client, refused
from support.identities import Identities, trust
from support.issuer import Issuer, openssl


@pytest.fixture
def identities(aws):
    return Identities(aws)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    with Issuer(tmp_path_factory.mktemp("issuer")) as issuer:
        yield issuer


def provider(identities, issuer, **settings):
    """The ARN of the issuer's entry in the account."""
    parameters = {"ClientIDList": ["client"], "ThumbprintList": [issuer.thumbprint], **settings}
    created = identities.iam.create_open_id_connect_provider(Url=issuer.url, **parameters)
    return created["OpenIDConnectProviderArn"]


def role(identities, provider_arn, *statements, **condition):
    trusted = trust({"Federated": provider_arn}, ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"], **condition)
    return identities.role(trusted, *statements)


def assume(identities, arn, token, **parameters):
    """Nobody signs this call."""
    aws = identities.aws
    sts = client("sts", aws.endpoint, aws.account, aws.region, signature_version=UNSIGNED)
    return sts.assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="web", WebIdentityToken=token, **parameters
    )


def test_a_token_of_a_known_issuer_becomes_a_session(aws, identities, issuer):
    provider_arn = provider(identities, issuer)
    only = {f"{issuer.host}:sub": "repo:ours:*", f"{issuer.host}:aud": "client"}
    arn = role(identities, provider_arn, ("lambda:ListFunctions", "*"), StringLike=only)
    answer = assume(identities, arn, issuer.token("repo:ours:main"), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == "repo:ours:main"
    assert answer["Audience"] == "client"
    assert answer["Provider"] == provider_arn
    assert answer["AssumedRoleUser"]["Arn"].endswith("/web")
    session = identities.session(answer)
    assert session.arn == answer["AssumedRoleUser"]["Arn"]
    session("lambda").list_functions()
    refused(session("iam").list_users)
    refusal = refused(assume, identities, arn, issuer.token("repo:theirs:main"))
    assert (refusal.status, refusal.code) == (403, "AccessDenied")
    assert refusal.message == "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    refusal = refused(assume, identities, arn + "-absent", issuer.token("repo:ours:main"))
    assert refusal.message == "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def test_tokens_that_do_not_hold_are_refused_in_awss_words(identities, issuer, tmp_path):
    arn = role(identities, provider(identities, issuer))
    other_key = tmp_path / "other.pem"
    openssl("genrsa", "-out", other_key, 2048)
    now = int(time.time())
    good = issuer.token()
    header, claims, signature = good.split(".")
    invalid = "InvalidIdentityToken"
    for token, code, message in [
        (issuer.token(audience="another"), invalid, "Incorrect token audience"),
        (issuer.token(key=other_key), invalid, "signature"),
        (f"{header}.{claims}.{signature[:-6]}AAAAAA", invalid, "signature"),
        (issuer.token(key_id="unknown"), invalid, "signature"),
        (issuer.token(algorithm="none"), invalid, "signature"),
        (issuer.token(exp=now - 5), "ExpiredTokenException", "Token expired: current date/time"),
        (issuer.token(nbf=now + 3_600), invalid, "not valid yet"),
        ("no token", invalid, "The ID Token provided is not a valid JWT"),
        (issuer.token(iss="https://unknown.example.com"), invalid, "No OpenIDConnect provider found in your account"),
    ]:
        refusal = refused(assume, identities, arn, token)
        assert (refusal.status, refusal.code) == (400, code), refusal
        assert message in refusal.message, refusal
    assume(identities, arn, good)


def test_an_authorization_of_another_scheme_is_nobodys_signature(identities, issuer):
    arn = role(identities, provider(identities, issuer))
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": arn,
            "RoleSessionName": "web", "WebIdentityToken": issuer.token()}
    request = urllib.request.Request(
        identities.aws.endpoint, urllib.parse.urlencode(form).encode(), {"Authorization": "Bearer something"}
    )
    with urllib.request.urlopen(request) as answer:
        assert b"<AssumedRoleUser>" in answer.read()


def test_keys_are_asked_for_once(identities, issuer):
    arn = role(identities, provider(identities, issuer))
    assume(identities, arn, issuer.token())
    asked = len(issuer.requests)
    for _ in range(5):
        assume(identities, arn, issuer.token())
    assert len(issuer.requests) == asked


def test_tags_in_a_token_are_session_tags(identities, issuer):
    mine = {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}
    arn = role(identities, provider(identities, issuer), mine)
    tags = {"https://aws.amazon.com/tags": {"principal_tags": {"team": ["blue"]}, "transitive_tag_keys": ["team"]}}
    identities.session(assume(identities, arn, issuer.token(**tags)))("lambda").list_functions()
    refused(identities.session(assume(identities, arn, issuer.token()))("lambda").list_functions)


def test_an_issuer_is_believed_over_a_certificate_with_its_thumbprint(identities, tmp_path):
    with Issuer(tmp_path, secure=True) as issuer:
        provider_arn = provider(identities, issuer)
        arn = role(identities, provider_arn)
        assert assume(identities, arn, issuer.token())["Provider"] == provider_arn


def test_an_issuer_with_another_certificate_or_none_at_all_is_not_believed(identities, tmp_path):
    with Issuer(tmp_path, secure=True) as issuer:
        arn = role(identities, provider(identities, issuer, ThumbprintList=["0" * 40]))
        refusal = refused(assume, identities, arn, issuer.token())
        assert refusal.code == "InvalidIdentityToken"
        assert refusal.message == "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"
        token = issuer.token()
    refusal = refused(assume, identities, arn, token)
    assert (refusal.status, refusal.code) == (400, "IDPCommunicationError")
