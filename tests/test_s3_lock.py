"""Object Lock with a real client: what is protected stays."""

import datetime
import uuid

import botocore.exceptions
import pytest

from support.identities import Identities

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
PROTECTED = ("AccessDenied", "Access Denied because object protected by object lock.")


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def locked(s3):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def plain(s3):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    return name


def refused(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")


def later(days=1):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return now + datetime.timedelta(days=days)


def test_a_bucket_locks_from_the_beginning_or_once_it_keeps_versions(s3, locked, plain):
    assert s3.get_bucket_versioning(Bucket=locked)["Status"] == "Enabled"
    enabled = {"ObjectLockEnabled": "Enabled"}
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == enabled
    missing = ("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket")
    assert refused(s3.get_object_lock_configuration, Bucket=plain) == missing
    state = ("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    assert refused(s3.put_object_lock_configuration, Bucket=plain, ObjectLockConfiguration=enabled) == state
    s3.put_bucket_versioning(Bucket=plain, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket=plain, ObjectLockConfiguration=enabled)
    assert s3.get_object_lock_configuration(Bucket=plain)["ObjectLockConfiguration"] == enabled
    present = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
    suspended = {"Status": "Suspended"}
    found = refused(s3.put_bucket_versioning, Bucket=plain, VersioningConfiguration=suspended)
    assert found == ("InvalidBucketState", present)
    s3.put_bucket_versioning(Bucket=plain, VersioningConfiguration={"Status": "Enabled"})


def test_a_configuration_is_checked(s3, locked):
    def rule(**retention):
        return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}

    malformed = [
        {}, {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}, {"ObjectLockEnabled": "Enabled", "Rule": {}},
        rule(), rule(Mode="GOVERNANCE"), rule(Mode="GOVERNANCE", Days=1, Years=1), rule(Mode="OTHER", Days=1),
    ]
    for configuration in malformed:
        found = refused(s3.put_object_lock_configuration, Bucket=locked, ObjectLockConfiguration=configuration)
        assert found == ("MalformedXML", MALFORMED), configuration
    for days in (0, -1, 36_501):
        configuration = rule(Mode="GOVERNANCE", Days=days)
        code, _ = refused(s3.put_object_lock_configuration, Bucket=locked, ObjectLockConfiguration=configuration)
        assert code == "InvalidArgument", days


def test_new_versions_get_the_retention_of_the_bucket(s3, locked):
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"] == configuration
    version = s3.put_object(Bucket=locked, Key="k")["VersionId"]
    head = s3.head_object(Bucket=locked, Key="k")
    assert head["ObjectLockMode"] == "GOVERNANCE"
    assert abs(head["ObjectLockRetainUntilDate"] - later(2)) < datetime.timedelta(minutes=5)
    upload = s3.create_multipart_upload(Bucket=locked, Key="parts")
    part = s3.upload_part(Bucket=locked, Key="parts", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=locked, Key="parts", UploadId=upload["UploadId"], MultipartUpload=parts)
    s3.copy_object(Bucket=locked, Key="copy", CopySource=f"{locked}/k")
    for key in ("parts", "copy"):
        assert s3.head_object(Bucket=locked, Key=key)["ObjectLockMode"] == "GOVERNANCE", key
    assert refused(s3.delete_object, Bucket=locked, Key="k", VersionId=version) == PROTECTED
    # A delete marker takes nothing away.
    assert s3.delete_object(Bucket=locked, Key="k")["DeleteMarker"] is True
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)


def test_governance_is_passed_over_by_those_who_may(aws, s3, locked):
    user = Identities(aws).user((["s3:DeleteObject*", "s3:PutObjectRetention", "s3:GetObject*", "s3:List*"], "*"))("s3")
    version = s3.put_object(
        Bucket=locked, Key="k", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=later())["VersionId"]
    assert refused(user.delete_object, Bucket=locked, Key="k", VersionId=version) == PROTECTED
    code, text = refused(user.delete_object, Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    assert code == "AccessDenied" and "is not authorized to perform: s3:BypassGovernanceRetention" in text
    shorter = {"Mode": "GOVERNANCE", "RetainUntilDate": later() - datetime.timedelta(hours=2)}
    longer = {"Mode": "GOVERNANCE", "RetainUntilDate": later(3)}
    assert refused(user.put_object_retention, Bucket=locked, Key="k", Retention=shorter) == PROTECTED
    user.put_object_retention(Bucket=locked, Key="k", Retention=longer)
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"] == longer
    batch = {"Objects": [{"Key": "k", "VersionId": version}]}
    errors = user.delete_objects(Bucket=locked, Delete=batch)["Errors"]
    assert [(error["Code"], error["Message"]) for error in errors] == [PROTECTED]
    s3.put_object_retention(Bucket=locked, Key="k", Retention=shorter, BypassGovernanceRetention=True)
    assert s3.delete_objects(Bucket=locked, Delete=batch, BypassGovernanceRetention=True)["Deleted"][0]["Key"] == "k"


def test_compliance_is_passed_over_by_nobody(s3, locked):
    version = s3.put_object(Bucket=locked, Key="k")["VersionId"]
    firm = {"Mode": "COMPLIANCE", "RetainUntilDate": later()}
    s3.put_object_retention(Bucket=locked, Key="k", Retention=firm)
    for more in ({}, {"BypassGovernanceRetention": True}):
        assert refused(s3.delete_object, Bucket=locked, Key="k", VersionId=version, **more) == PROTECTED
        for retention in ({}, {"Mode": "GOVERNANCE", "RetainUntilDate": later(3)},
                          {"Mode": "COMPLIANCE", "RetainUntilDate": later() - datetime.timedelta(hours=1)}):
            assert refused(s3.put_object_retention, Bucket=locked, Key="k", Retention=retention, **more) == PROTECTED
    s3.put_object_retention(Bucket=locked, Key="k", Retention={**firm, "RetainUntilDate": later(2)})


def test_a_legal_hold_holds_until_it_is_taken_back(s3, locked):
    version = s3.put_object(Bucket=locked, Key="k", ObjectLockLegalHoldStatus="ON")["VersionId"]
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"] == {"Status": "ON"}
    assert s3.get_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    more = {"BypassGovernanceRetention": True}
    assert refused(s3.delete_object, Bucket=locked, Key="k", VersionId=version, **more) == PROTECTED
    assert refused(s3.put_object_legal_hold, Bucket=locked, Key="k", LegalHold={"Status": "on"})[0] == "MalformedXML"
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=locked, Key="k", VersionId=version)


def test_what_asks_for_a_lock_is_checked(s3, locked, plain):
    s3.put_object(Bucket=plain, Key="k")
    s3.put_object(Bucket=locked, Key="k")
    missing = ("InvalidRequest", "Bucket is missing Object Lock Configuration")
    until = {"Mode": "GOVERNANCE", "RetainUntilDate": later()}
    assert refused(s3.put_object_retention, Bucket=plain, Key="k", Retention=until) == missing
    assert refused(s3.get_object_retention, Bucket=plain, Key="k") == missing
    assert refused(s3.put_object_legal_hold, Bucket=plain, Key="k", LegalHold={"Status": "ON"}) == missing
    assert refused(s3.get_object_legal_hold, Bucket=plain, Key="k") == missing
    assert refused(s3.put_object, Bucket=plain, Key="k", ObjectLockLegalHoldStatus="ON") == missing
    none = ("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
    assert refused(s3.get_object_retention, Bucket=locked, Key="k") == none
    assert refused(s3.get_object_legal_hold, Bucket=locked, Key="k") == none
    pair = ("InvalidArgument",
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
    assert refused(s3.put_object, Bucket=locked, Key="k", ObjectLockMode="GOVERNANCE") == pair
    assert refused(s3.put_object, Bucket=locked, Key="k", ObjectLockRetainUntilDate=later()) == pair
    past = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": later(-1)}
    future = ("InvalidArgument", "The retain until date must be in the future!")
    assert refused(s3.put_object, Bucket=locked, Key="k", **past) == future
    past = {"Mode": "GOVERNANCE", "RetainUntilDate": later(-1)}
    assert refused(s3.put_object_retention, Bucket=locked, Key="k", Retention=past) == future
    mode = {"ObjectLockMode": "OTHER", "ObjectLockRetainUntilDate": later()}
    assert refused(s3.put_object, Bucket=locked, Key="k", **mode) == ("InvalidArgument", "Unknown wormMode directive.")
    assert refused(s3.put_object, Bucket=locked, Key="k", ObjectLockLegalHoldStatus="on") == (
        "InvalidArgument", "Legal Hold must be either of 'ON' or 'OFF'")
    lone = {"Mode": "GOVERNANCE"}
    assert refused(s3.put_object_retention, Bucket=locked, Key="k", Retention=lone) == ("MalformedXML", MALFORMED)
    text = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets."
    for bypass in (True, False):
        more = {"BypassGovernanceRetention": bypass}
        assert refused(s3.delete_object, Bucket=plain, Key="k", **more) == ("InvalidArgument", text)
        batch = {"Objects": [{"Key": "k"}]}
        assert refused(s3.delete_objects, Bucket=plain, Delete=batch, **more) == ("InvalidArgument", text)
