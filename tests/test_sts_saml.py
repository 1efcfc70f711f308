"""SAML assertions signed with RSA by a signer that shares no code with the platform: OpenSSL, and Python's own
canonicalization."""

import base64
import hashlib
import json
import subprocess
from datetime import datetime, timedelta, timezone
from xml.etree.ElementTree import canonicalize

import pytest

from support.clients import client, refused

ENTITY = "https://idp.example.com/saml"
ENDPOINT = "https://signin.aws.amazon.com/saml"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"


class Idp:
    """An identity provider with an RSA key."""

    def __init__(self, directory):
        self.key, certificate = directory / "key.pem", directory / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=idp", "-days", "2",
             "-keyout", self.key, "-out", certificate],
            check=True, capture_output=True)
        lines = certificate.read_text().splitlines()
        self.certificate = "".join(line for line in lines if not line.startswith("-----"))

    def metadata(self):
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}">'
            '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            f'<KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{DSIG}"><ds:X509Data><ds:X509Certificate>'
            f"{self.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
            '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{ENTITY}"/></IDPSSODescriptor></EntityDescriptor>')

    def sign(self, text, bits):
        done = subprocess.run(["openssl", "dgst", f"-sha{bits}", "-sign", self.key], input=text.encode(),
                              capture_output=True, check=True)
        return base64.b64encode(done.stdout).decode()

    def signature(self, assertion, bits):
        algorithm = f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"
        digest = base64.b64encode(hashlib.sha256(canonicalize(assertion).encode()).digest()).decode()
        info = f"""<ds:SignedInfo xmlns:ds="{DSIG}">
            <ds:CanonicalizationMethod Algorithm="{C14N}"/>
            <ds:SignatureMethod Algorithm="{algorithm}"/>
            <ds:Reference URI="#_assertion">
              <ds:Transforms>
                <ds:Transform Algorithm="{DSIG}enveloped-signature"/><ds:Transform Algorithm="{C14N}"/>
              </ds:Transforms>
              <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
              <ds:DigestValue>{digest}</ds:DigestValue>
            </ds:Reference>
          </ds:SignedInfo>"""
        value = self.sign(canonicalize(info), bits)
        return f'<ds:Signature xmlns:ds="{DSIG}">{info}<ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>'

    def response(self, provider, role, bits=256):
        now = datetime.now(timezone.utc)
        stamp = lambda minutes: (now + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        attribute = "https://aws.amazon.com/SAML/Attributes"
        assertion = f"""<Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion"
            Version="2.0" IssueInstant="{stamp(0)}">
          <Issuer>{ENTITY}</Issuer>
          <Subject>
            <NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice</NameID>
            <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
              <SubjectConfirmationData NotOnOrAfter="{stamp(4)}" Recipient="{ENDPOINT}"/>
            </SubjectConfirmation>
          </Subject>
          <Conditions NotBefore="{stamp(-1)}" NotOnOrAfter="{stamp(4)}">
            <AudienceRestriction><Audience>{ENDPOINT}</Audience></AudienceRestriction>
          </Conditions>
          <AuthnStatement AuthnInstant="{stamp(0)}" SessionNotOnOrAfter="{stamp(60)}"/>
          <AttributeStatement>
            <Attribute Name="{attribute}/Role"><AttributeValue>{role},{provider}</AttributeValue></Attribute>
            <Attribute Name="{attribute}/RoleSessionName"><AttributeValue>alice@corp</AttributeValue></Attribute>
          </AttributeStatement>
        </Assertion>"""
        signature = self.signature(assertion, bits)
        signed = assertion.replace("</Issuer>", "</Issuer>" + signature, 1)
        return f"""<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0">
          <Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">{ENTITY}</Issuer>
          <p:Status><p:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></p:Status>
          {signed}
        </p:Response>"""


@pytest.fixture
def idp(tmp_path):
    return Idp(tmp_path)


@pytest.fixture
def registered(aws, idp):
    """The provider's ARN and that of a role that trusts it."""
    iam = aws("iam")
    provider = iam.create_saml_provider(Name="corp", SAMLMetadataDocument=idp.metadata())["SAMLProviderArn"]
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithSAML",
        "Condition": {"StringEquals": {"SAML:aud": ENDPOINT}}}]}
    role = iam.create_role(RoleName="federated", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    return provider, role


def assume(aws, provider, role, response):
    sts = aws("sts")
    return lambda: sts.assume_role_with_saml(
        RoleArn=role, PrincipalArn=provider, SAMLAssertion=base64.b64encode(response.encode()).decode())


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_an_assertion_signed_with_rsa_is_good_for_the_role(aws, idp, registered, bits):
    provider, role = registered
    answer = assume(aws, provider, role, idp.response(provider, role, bits))()
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{aws.account}:assumed-role/federated/alice@corp"
    assert (answer["Subject"], answer["SubjectType"], answer["Issuer"], answer["Audience"]) == (
        "alice", "persistent", ENTITY, ENDPOINT)
    held = answer["Credentials"]
    session = client("sts", aws.endpoint, held["AccessKeyId"], secret=held["SecretAccessKey"], token=held["SessionToken"])
    assert session.get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_what_was_changed_after_signing_is_refused(aws, idp, registered):
    provider, role = registered
    response = idp.response(provider, role)
    for old, new in [("alice@corp", "admin@corp"), (">alice<", ">root<"), (DSIG + "enveloped-signature", C14N)]:
        assert old in response
        refusal = refused(assume(aws, provider, role, response.replace(old, new)))
        assert refusal.code == "InvalidIdentityToken", (old, refusal.message)


def test_another_providers_key_is_refused(aws, registered, tmp_path):
    provider, role = registered
    (tmp_path / "other").mkdir()
    refusal = refused(assume(aws, provider, role, Idp(tmp_path / "other").response(provider, role)))
    assert refusal.code == "InvalidIdentityToken"
