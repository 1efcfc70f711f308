"""KMS through boto3 and the AWS CLI; OpenSSL, which shares no code with it, checks its cryptography."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys

import pytest

from support.clients import Clients, new_account, refused
from support.traca import Traca


def create(kms, **settings):
    return kms.create_key(**settings)["KeyMetadata"]


def openssl(*arguments, data=b""):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def wrap(public, secret):
    """Encrypts under a public key with OAEP and SHA-256."""
    names = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")
    padding = [option for name in names for option in ("-pkeyopt", name)]
    return openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, *padding, data=secret)


@pytest.fixture
def kms(aws):
    return aws("kms")


@pytest.fixture
def key(kms):
    return create(kms)["KeyId"]


def test_a_key_is_described_with_awss_fields_and_no_others(aws, kms):
    made = create(kms, Description="words", Tags=[{"TagKey": "team", "TagValue": "blue"}])
    described = kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]
    assert described == made
    assert described.pop("CreationDate") and len(described.pop("CurrentKeyMaterialId")) == 64
    assert described == {
        "AWSAccountId": aws.account,
        "KeyId": made["KeyId"],
        "Arn": f"arn:aws:kms:us-east-1:{aws.account}:key/{made['KeyId']}",
        "Enabled": True,
        "Description": "words",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == [{"TagKey": "team", "TagValue": "blue"}]


def test_every_way_to_name_a_key_encrypts_and_the_context_is_bound(aws, kms, key):
    kms.create_alias(AliasName="alias/app", TargetKeyId=key)
    arn = f"arn:aws:kms:us-east-1:{aws.account}"
    for name in (key, f"{arn}:key/{key}", "alias/app", f"{arn}:alias/app"):
        answer = kms.encrypt(KeyId=name, Plaintext=b"secret", EncryptionContext={"a": "1"})
        assert answer["KeyId"] == f"{arn}:key/{key}"
        opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"a": "1"})
        assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", f"{arn}:key/{key}")
        refusal = refused(kms.decrypt, CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"a": "2"})
        assert (refusal.status, refusal.code, refusal.message) == (400, "InvalidCiphertextException", "")


def test_errors_are_awss(aws, kms):
    arn = f"arn:aws:kms:us-east-1:{aws.account}"
    missing = "1234abcd-12ab-34cd-56ef-1234567890ab"
    for key, message in {
        missing: f"Key '{arn}:key/{missing}' does not exist",
        "fake": "Invalid keyId 'fake'",
        "alias/none": f"Alias {arn}:alias/none is not found.",
    }.items():
        refusal = refused(kms.encrypt, KeyId=key, Plaintext=b"x")
        assert (refusal.status, refusal.code, refusal.message) == (400, "NotFoundException", message)
    refusal = refused(kms.generate_random, NumberOfBytes=1025)
    assert (refusal.code, refusal.message) == (
        "ValidationException",
        "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy constraint: "
        "Member must have value less than or equal to 1024",
    )
    refusal = refused(kms.encrypt, KeyId=missing, Plaintext=b"x" * 4097)
    assert refusal.message == (
        "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length less than or equal to 4096"
    )


@pytest.mark.parametrize("spec, bytes", [("AES_128", 16), ("AES_256", 32)])
def test_a_data_key_comes_back_from_its_ciphertext(kms, key, spec, bytes):
    made = kms.generate_data_key(KeyId=key, KeySpec=spec)
    assert len(made["Plaintext"]) == bytes
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    hidden = kms.generate_data_key_without_plaintext(KeyId=key, KeySpec=spec)
    assert "Plaintext" not in hidden
    assert len(kms.decrypt(CiphertextBlob=hidden["CiphertextBlob"])["Plaintext"]) == bytes


@pytest.mark.parametrize(
    "spec, algorithm, options",
    [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", []),
        ("RSA_3072", "RSASSA_PSS_SHA_256", ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]),
        ("ECC_NIST_P256", "ECDSA_SHA_256", []),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256", []),
        ("ECC_NIST_P384", "ECDSA_SHA_384", []),
        ("ECC_NIST_P521", "ECDSA_SHA_512", []),
    ],
)
def test_openssl_verifies_its_signatures(kms, tmp_path, spec, algorithm, options):
    key = create(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyId"]
    digest = f"sha{algorithm.rpartition('_')[2]}"
    public, message, signature = tmp_path / "public", tmp_path / "message", tmp_path / "signature"
    public.write_bytes(kms.get_public_key(KeyId=key)["PublicKey"])
    message.write_bytes(b"to whom it may concern")
    for kind, signed in (("RAW", message.read_bytes()), ("DIGEST", hashlib.new(digest, message.read_bytes()).digest())):
        answer = kms.sign(KeyId=key, Message=signed, MessageType=kind, SigningAlgorithm=algorithm)
        signature.write_bytes(answer["Signature"])
        check = ["dgst", f"-{digest}", "-keyform", "DER", "-verify", public, *options, "-signature", signature, message]
        assert openssl(*check) == b"Verified OK\n"
        verified = kms.verify(
            KeyId=key, Message=signed, MessageType=kind, SigningAlgorithm=algorithm, Signature=answer["Signature"]
        )
        assert verified["SignatureValid"] is True
    refusal = refused(kms.verify, KeyId=key, Message=b"other", SigningAlgorithm=algorithm, Signature=b"none")
    assert (refusal.code, refusal.message) == ("KMSInvalidSignatureException", "")


def test_it_decrypts_what_openssl_has_encrypted(kms, tmp_path):
    key = create(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")["KeyId"]
    public = tmp_path / "public"
    public.write_bytes(kms.get_public_key(KeyId=key)["PublicKey"])
    blob = wrap(public, b"secret")
    opened = kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert opened["Plaintext"] == b"secret"


def test_it_agrees_with_openssl_on_a_secret(kms, tmp_path):
    key = create(kms, KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyId"]
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.write_bytes(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
    ours.write_bytes(kms.get_public_key(KeyId=key)["PublicKey"])
    public = openssl("pkey", "-in", theirs, "-pubout", "-outform", "DER")
    shared = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)["SharedSecret"]
    assert shared == openssl("pkeyutl", "-derive", "-inkey", theirs, "-peerform", "DER", "-peerkey", ours)


def test_material_that_openssl_has_wrapped_is_imported(kms, tmp_path):
    key = create(kms, Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyId"]
    material = os.urandom(32)
    given = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    public = tmp_path / "public"
    public.write_bytes(given["PublicKey"])
    wrapped = wrap(public, material)
    kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrapped,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    mac = kms.generate_mac(KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert mac == hmac.digest(material, b"message", "sha256")


def test_a_private_key_that_openssl_has_made_is_imported(kms, tmp_path):
    key = create(kms, Origin="EXTERNAL", KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyId"]
    private, public = tmp_path / "private", tmp_path / "public"
    private.write_bytes(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"))
    given = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSA_AES_KEY_WRAP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    public.write_bytes(given["PublicKey"])
    aes = os.urandom(32)
    outer = wrap(public, aes)
    pkcs8 = openssl("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", "-in", private)
    inner = openssl("enc", "-id-aes256-wrap-pad", "-K", aes.hex(), "-iv", "A65959A6", data=pkcs8)
    kms.import_key_material(
        KeyId=key,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=outer + inner,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    expected = openssl("pkey", "-inform", "DER", "-in", private, "-pubout", "-outform", "DER")
    assert kms.get_public_key(KeyId=key)["PublicKey"] == expected


def test_rotation_leaves_nothing_unreadable(kms, key):
    blobs = []
    for number in range(3):
        blobs.append(kms.encrypt(KeyId=key, Plaintext=str(number).encode())["CiphertextBlob"])
        kms.rotate_key_on_demand(KeyId=key)
    assert [kms.decrypt(CiphertextBlob=blob)["Plaintext"] for blob in blobs] == [b"0", b"1", b"2"]
    pages = kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 2})
    kinds = [[rotation["RotationType"] for rotation in page["Rotations"]] for page in pages]
    assert kinds == [["ON_DEMAND", "ON_DEMAND"], ["ON_DEMAND"]]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"], status["KeyId"]) == (True, 180, key)


def test_the_life_of_a_grant(aws, kms, key):
    role = f"arn:aws:iam::{aws.account}:role/worker"
    made = kms.create_grant(
        KeyId=key,
        GranteePrincipal=role,
        Operations=["Decrypt", "Encrypt"],
        Constraints={"EncryptionContextSubset": {"team": "blue"}},
    )
    [grant] = kms.list_grants(KeyId=key)["Grants"]
    assert grant["GrantId"] == made["GrantId"]
    assert grant["Constraints"] == {"EncryptionContextSubset": {"team": "blue"}}
    assert grant["Operations"] == ["Decrypt", "Encrypt"]
    assert kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []


def test_policies_are_shown_as_aws_shows_them(aws, kms, key):
    shown = kms.get_key_policy(KeyId=key)
    assert shown["PolicyName"] == "default"
    assert shown["Policy"].startswith('{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n')
    assert json.loads(shown["Policy"])["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{aws.account}:root"}
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    own = json.loads(shown["Policy"]) | {"Id": "mine"}
    kms.put_key_policy(KeyId=key, Policy=json.dumps(own))
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == own
    for policy, message in {
        "{": None,
        json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{aws.account}:root"},
                        "Action": "kms:Describe*",
                        "Resource": "*",
                    }
                ],
            }
        ): "The new key policy will not allow you to update the key policy in the future.",
    }.items():
        refusal = refused(kms.put_key_policy, KeyId=key, Policy=policy)
        assert refusal.code == "MalformedPolicyDocumentException"
        assert message in (None, refusal.message)
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == own


def test_the_key_of_a_service_appears_when_it_is_asked_for(kms):
    assert kms.list_aliases()["Aliases"] == []
    key = kms.describe_key(KeyId="alias/aws/secretsmanager")["KeyMetadata"]
    assert (key["KeyManager"], key["Enabled"]) == ("AWS", True)
    [alias] = kms.list_aliases()["Aliases"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/aws/secretsmanager", key["KeyId"])
    assert refused(kms.schedule_key_deletion, KeyId=key["KeyId"]).code == "AccessDeniedException"


def test_a_multi_region_key_decrypts_in_both_regions(platform, aws, kms):
    key = create(kms, MultiRegion=True)["KeyId"]
    assert key.startswith("mrk-")
    kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    there = Clients(platform.endpoint, aws.account, "eu-west-1")("kms")
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"secret"
    regions = there.describe_key(KeyId=key)["KeyMetadata"]["MultiRegionConfiguration"]
    assert (regions["MultiRegionKeyType"], regions["PrimaryKey"]["Region"]) == ("REPLICA", "us-east-1")


def test_custom_key_stores_are_not_there(kms):
    refusal = refused(kms.describe_custom_key_stores)
    assert (refusal.status, refusal.code) == (501, "NotImplementedException")


def test_the_cli_takes_a_key_through_its_life(platform, tmp_path):
    account = new_account()
    home = {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    variables = {"HOME": str(tmp_path), "AWS_ENDPOINT_URL": platform.endpoint, **home}

    def aws(*arguments):
        command = [sys.executable, "-m", "awscli", "kms", *arguments, "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=variables)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    key = aws("create-key", "--description", "from the shell")["KeyMetadata"]["KeyId"]
    aws("create-alias", "--alias-name", "alias/shell", "--target-key-id", key)
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(b"secret")
    blob = aws("encrypt", "--key-id", "alias/shell", "--plaintext", f"fileb://{plain}")["CiphertextBlob"]
    sealed.write_bytes(base64.b64decode(blob))
    opened = aws("decrypt", "--ciphertext-blob", f"fileb://{sealed}")
    assert base64.b64decode(opened["Plaintext"]) == b"secret"
    scheduled = aws("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    assert scheduled["KeyState"] == "PendingDeletion"
    aws("cancel-key-deletion", "--key-id", key)
    assert aws("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_a_copied_data_directory_gives_up_no_key_and_a_restart_loses_none(data):
    """Imported material is known to the test, so it can be looked for; what is made here is sealed the same way."""
    account, material = new_account(), os.urandom(32)
    with Traca("--data", data) as traca:
        kms = Clients(traca.endpoint, account)("kms")
        key = create(kms, Origin="EXTERNAL")["KeyId"]
        given = kms.get_parameters_for_import(
            KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
        public = data.parent / "public"
        public.write_bytes(given["PublicKey"])
        wrapped = wrap(public, material)
        kms.import_key_material(
            KeyId=key,
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=wrapped,
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )
        blob = kms.encrypt(KeyId=key, Plaintext=b"a very secret message")["CiphertextBlob"]
        traca.kill()
        looked_for = [
            form for secret in (material, b"a very secret message") for form in (secret, base64.b64encode(secret))
        ]
        files = [path for path in data.rglob("*") if path.is_file() and path.name != "installation.key"]
        assert files
        for path in files:
            contents = path.read_bytes()
            assert not any(secret in contents for secret in looked_for), path
        log = traca.log().encode()
        assert not any(secret in log for secret in looked_for)
    with Traca("--data", data) as traca:
        kms = Clients(traca.endpoint, account)("kms")
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"a very secret message"
    (data / "installation.key").unlink()
    with Traca("--data", data) as traca:
        kms = Clients(traca.endpoint, account)("kms")
        assert refused(kms.decrypt, CiphertextBlob=blob).code == "InternalFailure"
