"""What S3 answers about buckets, case by case, each with where the answer is known from: recordings of AWS (LocalStack's
snapshots: `snapshot`), the user guide (`guide`), the API reference (`reference`)."""

import json
import uuid

import botocore.exceptions
import pytest

from support.clients import REGION, client, new_account

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
NOT_JSON = "Policies must be valid JSON and the first byte must be '{'"
SCHEMA = ("MalformedXML", MALFORMED)


def policy(**changes):
    statement = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:GetObject",
                 "Resource": "arn:aws:s3:::BUCKET/*", **changes}
    kept = {name: value for name, value in statement.items() if value is not None}
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [kept]})}


def rule(**changes):
    return {"LifecycleConfiguration": {"Rules": [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x"}, "Expiration": {"Days": 10}, **changes}]}}


def cors(**changes):
    return {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **changes}]}}


def lock(**retention):
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}}


def tiering(*tiers):
    return {"Id": "a", "IntelligentTieringConfiguration": {"Id": "a", "Status": "Enabled", "Tierings": [
        {"AccessTier": tier, "Days": days} for tier, days in tiers]}}


def inventory(identity="a", **changes):
    return {"Id": "a", "InventoryConfiguration": {
        "Id": identity, "IsEnabled": True, "IncludedObjectVersions": "All", "Schedule": {"Frequency": "Daily"},
        "Destination": {"S3BucketDestination": {"Bucket": "arn:aws:s3:::BUCKET", "Format": "CSV"}}, **changes}}


def transition(*moves, **more):
    return rule(Transitions=[{"StorageClass": storage, **when} for storage, when in moves], **more)


AT_LEAST_30 = "'Days' in Transition action must be greater than or equal to 30 for storageClass '{}'"
POSITIVE = "'{}' for {} action must be a positive integer"

# Operation, its parameters, the error's code and text (None: any), and where it is known from.
CASES = [
    # What a new bucket has, and has not.
    ("get_bucket_policy", {}, "NoSuchBucketPolicy", "The bucket policy does not exist", "snapshot"),
    ("get_bucket_policy_status", {}, "NoSuchBucketPolicy", "The bucket policy does not exist", "reference"),
    ("get_bucket_cors", {}, "NoSuchCORSConfiguration", "The CORS configuration does not exist", "snapshot"),
    ("get_bucket_website", {}, "NoSuchWebsiteConfiguration",
     "The specified bucket does not have a website configuration", "snapshot"),
    ("get_bucket_tagging", {}, "NoSuchTagSet", "The TagSet does not exist", "snapshot"),
    ("get_bucket_lifecycle_configuration", {}, "NoSuchLifecycleConfiguration",
     "The lifecycle configuration does not exist", "snapshot"),
    ("get_object_lock_configuration", {}, "ObjectLockConfigurationNotFoundError",
     "Object Lock configuration does not exist for this bucket", "snapshot"),
    ("get_bucket_metrics_configuration", {"Id": "a"}, "NoSuchConfiguration",
     "The specified configuration does not exist.", "snapshot"),
    ("get_bucket_analytics_configuration", {"Id": "a"}, "NoSuchConfiguration",
     "The specified configuration does not exist.", "snapshot"),
    ("get_bucket_inventory_configuration", {"Id": "a"}, "NoSuchConfiguration",
     "The specified configuration does not exist.", "snapshot"),
    ("get_bucket_intelligent_tiering_configuration", {"Id": "a"}, "NoSuchConfiguration",
     "The specified configuration does not exist.", "snapshot"),
    ("delete_bucket_metrics_configuration", {"Id": "a"}, "NoSuchConfiguration",
     "The specified configuration does not exist.", "snapshot"),
    # Policies.
    ("put_bucket_policy", {"Policy": ""}, "MalformedPolicy", NOT_JSON, "snapshot"),
    ("put_bucket_policy", {"Policy": "invalid json"}, "MalformedPolicy", NOT_JSON, "snapshot"),
    ("put_bucket_policy", {"Policy": "{}"}, "MalformedPolicy", "Missing required field Statement", "snapshot"),
    ("put_bucket_policy", policy(Effect=None), "MalformedPolicy", "Missing required field Effect", "guide"),
    ("put_bucket_policy", policy(Effect="allow"), "MalformedPolicy", "Invalid effect: allow", "guide"),
    ("put_bucket_policy", policy(Principal=None), "MalformedPolicy", "Missing required field Principal", "guide"),
    ("put_bucket_policy", policy(Action=None), "MalformedPolicy", "Missing required field Action", "guide"),
    ("put_bucket_policy", policy(Resource=None), "MalformedPolicy", "Missing required field Resource", "guide"),
    ("put_bucket_policy", policy(Action="s3:Nothing"), "MalformedPolicy", "Policy has invalid action", "guide"),
    ("put_bucket_policy", policy(Resource="arn:aws:s3:::other/*"), "MalformedPolicy", "Policy has invalid resource",
     "guide"),
    ("put_bucket_policy", policy(Resource="*"), "MalformedPolicy", "Policy has invalid resource", "guide"),
    ("put_bucket_policy", policy(Resource="arn:aws:s3:::BUCKET"), "MalformedPolicy",
     "Action does not apply to any resource(s) in statement", "guide"),
    ("put_bucket_policy", policy(Action="s3:ListBucket"), "MalformedPolicy",
     "Action does not apply to any resource(s) in statement", "guide"),
    ("put_bucket_policy", policy(Principal={"AWS": "nobody"}), "MalformedPolicy", "Invalid principal in policy", "guide"),
    ("put_bucket_policy", policy(Sid="x" * 20_480), "MalformedPolicy",
     "Policy exceeds the maximum allowed document size.", "guide"),
    ("put_bucket_policy", policy(Principal="*"), "AccessDenied", None, "guide"),
    # Ownership and grants.
    ("put_bucket_ownership_controls", {"OwnershipControls": {"Rules": []}}, *SCHEMA, "snapshot"),
    ("put_bucket_ownership_controls", {"OwnershipControls": {"Rules": [{}]}}, *SCHEMA, "snapshot"),
    ("put_bucket_ownership_controls", {"OwnershipControls": {"Rules": [{"ObjectOwnership": "Wrong"}]}}, *SCHEMA,
     "snapshot"),
    ("put_bucket_acl", {"ACL": "public-read"}, "AccessControlListNotSupported", "The bucket does not allow ACLs", "guide"),
    ("put_bucket_acl", {"ACL": "random"}, "InvalidArgument", None, "snapshot"),
    ("put_object", {"Key": "k", "ACL": "public-read"}, "AccessControlListNotSupported",
     "The bucket does not allow ACLs", "guide"),
    ("put_object", {"Key": "k", "ACL": "random"}, "InvalidArgument", None, "snapshot"),
    # Versions.
    ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "enabled"}}, *SCHEMA, "snapshot"),
    ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Disabled"}}, *SCHEMA, "snapshot"),
    ("put_bucket_versioning", {"VersioningConfiguration": {}}, "IllegalVersioningConfigurationException",
     "The Versioning element must be specified", "snapshot"),
    # Object Lock.
    ("put_object_lock_configuration", {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
     "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration", "snapshot"),
    ("put_object_lock_configuration", {"ObjectLockConfiguration": {}}, *SCHEMA, "snapshot"),
    ("put_object_lock_configuration", lock(), *SCHEMA, "snapshot"),
    ("put_object_lock_configuration", lock(Mode="GOVERNANCE"), *SCHEMA, "snapshot"),
    ("put_object_lock_configuration", lock(Mode="GOVERNANCE", Days=1, Years=1), *SCHEMA, "snapshot"),
    ("put_object", {"Key": "k", "ObjectLockLegalHoldStatus": "ON"}, "InvalidRequest",
     "Bucket is missing Object Lock Configuration", "snapshot"),
    ("delete_object", {"Key": "k", "BypassGovernanceRetention": True}, "InvalidArgument",
     "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.", "snapshot"),
    # Pages of other origins.
    ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": []}}, *SCHEMA, "snapshot"),
    ("put_bucket_cors", cors(AllowedMethods=["MYMETHOD"]), "InvalidRequest",
     "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD", "snapshot"),
    ("put_bucket_cors", cors(AllowedMethods=["get"]), "InvalidRequest",
     "Found unsupported HTTP method in CORS config. Unsupported method is get", "reference"),
    ("put_bucket_cors", cors(AllowedMethods=[]), *SCHEMA, "reference"),
    ("put_bucket_cors", cors(AllowedOrigins=[]), *SCHEMA, "reference"),
    ("put_bucket_cors", cors(AllowedOrigins=["http://*.*.com"]), "InvalidRequest",
     'AllowedOrigin "http://*.*.com" can not have more than one wildcard.', "guide"),
    ("put_bucket_cors", cors(AllowedHeaders=["x-*-*"]), "InvalidRequest",
     'AllowedHeader "x-*-*" can not have more than one wildcard.', "guide"),
    ("put_bucket_cors", cors(ExposeHeaders=["x-*"]), "InvalidRequest", None, "guide"),
    # Lifecycles.
    ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": []}}, *SCHEMA, "reference"),
    ("put_bucket_lifecycle_configuration", rule(Status="enabled"), *SCHEMA, "reference"),
    ("put_bucket_lifecycle_configuration", rule(Filter={"Prefix": "a", "Tag": {"Key": "k", "Value": "v"}}), *SCHEMA,
     "snapshot"),
    ("put_bucket_lifecycle_configuration", rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True}), *SCHEMA,
     "snapshot"),
    ("put_bucket_lifecycle_configuration", rule(NoncurrentVersionExpiration={}), *SCHEMA, "snapshot"),
    ("put_bucket_lifecycle_configuration", rule(Expiration={"Date": "2030-01-01T12:00:00Z"}), "InvalidArgument",
     "'Date' must be at midnight GMT", "snapshot"),
    ("put_bucket_lifecycle_configuration", rule(Filter={"And": {"Tags": [
        {"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}}), "InvalidRequest",
     "Duplicate Tag Keys are not allowed.", "snapshot"),
    ("put_bucket_lifecycle_configuration", rule(Expiration={"Days": 0}), "InvalidArgument",
     POSITIVE.format("Days", "Expiration"), "reference"),
    ("put_bucket_lifecycle_configuration", rule(ID="i" * 256), "InvalidArgument",
     "ID length should not exceed allowed limit of 255", "reference"),
    ("put_bucket_lifecycle_configuration", transition(("STANDARD_IA", {"Days": 1})), "InvalidArgument",
     AT_LEAST_30.format("STANDARD_IA"), "guide"),
    ("put_bucket_lifecycle_configuration", transition(("ONEZONE_IA", {"Days": 29})), "InvalidArgument",
     AT_LEAST_30.format("ONEZONE_IA"), "guide"),
    ("put_bucket_lifecycle_configuration", transition(("STANDARD", {"Days": 1})), *SCHEMA, "reference"),
    ("put_bucket_lifecycle_configuration", transition(("GLACIER", {})), *SCHEMA, "reference"),
    ("put_bucket_lifecycle_configuration", transition(("GLACIER", {"Days": -1})), "InvalidArgument",
     "'Days' in Transition action must be nonnegative", "reference"),
    ("put_bucket_lifecycle_configuration", transition(("GLACIER", {"Days": 10})), "InvalidArgument",
     "'Days' in the Expiration action for filter '(prefix=x)' must be greater than 'Days' in the Transition action",
     "guide"),
    ("put_bucket_lifecycle_configuration", transition(("GLACIER", {"Date": "2030-01-01T00:00:00Z"})), "InvalidRequest",
     "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '(prefix=x)'",
     "guide"),
    ("put_bucket_lifecycle_configuration", rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0}),
     "InvalidArgument", POSITIVE.format("DaysAfterInitiation", "AbortIncompleteMultipartUpload"), "reference"),
    ("put_bucket_lifecycle_configuration", rule(
        Filter={"Tag": {"Key": "k", "Value": "v"}}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
     "InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.", "guide"),
    ("put_bucket_lifecycle_configuration", rule(
        Filter={"Tag": {"Key": "k", "Value": "v"}}, Expiration={"ExpiredObjectDeleteMarker": True}),
     "InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.", "guide"),
    ("put_bucket_lifecycle_configuration", rule(NoncurrentVersionExpiration={"NoncurrentDays": 0}), "InvalidArgument",
     POSITIVE.format("NoncurrentDays", "NoncurrentVersionExpiration"), "reference"),
    ("put_bucket_lifecycle_configuration", {"LifecycleConfiguration": {"Rules": [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x"}}]}}, "InvalidRequest",
     "At least one action needs to be specified in a rule", "reference"),
    # The rest.
    ("put_bucket_request_payment", {"RequestPaymentConfiguration": {"Payer": "Random"}}, *SCHEMA, "snapshot"),
    ("put_bucket_accelerate_configuration", {"AccelerateConfiguration": {"Status": "enabled"}}, *SCHEMA, "snapshot"),
    ("put_bucket_accelerate_configuration", {"AccelerateConfiguration": {"Status": "random"}}, *SCHEMA, "snapshot"),
    ("put_bucket_logging", {"BucketLoggingStatus": {"LoggingEnabled": {
        "TargetBucket": "there-is-no-such-bucket-here", "TargetPrefix": ""}}}, "InvalidTargetBucketForLogging",
     "The target bucket for logging does not exist", "snapshot"),
    ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}},
     "InvalidTag", "Cannot provide multiple Tags with the same key", "snapshot"),
    ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "aws:a", "Value": "1"}]}}, "InvalidTag",
     "System tags cannot be added/updated by requester", "snapshot"),
    ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "a,b", "Value": "1"}]}}, "InvalidTag",
     "The TagKey you have provided is invalid", "snapshot"),
    ("put_bucket_tagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": "1,2"}]}}, "InvalidTag",
     "The TagValue you have provided is invalid", "snapshot"),
    ("put_bucket_inventory_configuration", inventory("b"), "IdMismatch",
     "Document ID does not match the specified configuration ID.", "snapshot"),
    ("put_bucket_inventory_configuration", inventory(IncludedObjectVersions="None"), *SCHEMA, "snapshot"),
    ("put_bucket_inventory_configuration", inventory(Schedule={"Frequency": "Monthly"}), *SCHEMA, "snapshot"),
    ("put_bucket_inventory_configuration", inventory(OptionalFields=["Random"]), *SCHEMA, "snapshot"),
    ("put_bucket_inventory_configuration", inventory(Destination={"S3BucketDestination": {
        "Bucket": "no-arn", "Format": "CSV"}}), "InvalidS3DestinationBucket", "Invalid bucket ARN.", "snapshot"),
    ("put_bucket_inventory_configuration", inventory(Destination={"S3BucketDestination": {
        "Bucket": "arn:aws:s3:::BUCKET", "Format": "XML"}}), *SCHEMA, "snapshot"),
    ("put_bucket_intelligent_tiering_configuration", tiering(), *SCHEMA, "reference"),
    ("put_bucket_intelligent_tiering_configuration", tiering(("OTHER", 90)), *SCHEMA, "reference"),
    ("put_bucket_intelligent_tiering_configuration", tiering(("ARCHIVE_ACCESS", 89)), "InvalidArgument", None, "guide"),
    ("put_bucket_metrics_configuration", {"Id": "a", "MetricsConfiguration": {"Id": "a", "Filter": {
        "And": {"Prefix": "x"}}}}, *SCHEMA, "reference"),
    ("put_bucket_analytics_configuration", {"Id": "a", "AnalyticsConfiguration": {
        "Id": "b", "StorageClassAnalysis": {}}}, *SCHEMA, "snapshot"),
    ("put_bucket_abac", {"AbacStatus": {"Status": "On"}}, *SCHEMA, "reference"),
    ("list_buckets", {"MaxBuckets": 0}, "InvalidArgument", None, "reference"),
]

# Buckets that cannot be made.
CREATION = [
    ({"Bucket": "Upper"}, "InvalidBucketName"), ({"Bucket": "ab"}, "InvalidBucketName"),
    ({"Bucket": "a..b"}, "InvalidBucketName"), ({"Bucket": "192.168.0.1"}, "InvalidBucketName"),
    ({"Bucket": "xn--a"}, "InvalidBucketName"), ({"Bucket": "a-s3alias"}, "InvalidBucketName"),
    ({"Bucket": "a" * 64}, "InvalidBucketName"), ({"Bucket": "-ab"}, "InvalidBucketName"),
    ({"ObjectOwnership": "RandomValue"}, "InvalidArgument"), ({"ACL": "random"}, "InvalidArgument"),
    ({"ACL": "public-read"}, "InvalidBucketAclWithObjectOwnership"),
    ({"CreateBucketConfiguration": {"LocationConstraint": REGION}}, "InvalidLocationConstraint"),
]


@pytest.fixture(scope="module")
def s3(platform):
    return client("s3", platform.endpoint, new_account(), validate=False)


@pytest.fixture(scope="module")
def bucket(s3):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    return name


def error_of(call, **parameters):
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]
    return {"Code": "none"}


def filled(value, bucket):
    if isinstance(value, dict):
        return {name: filled(inner, bucket) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, bucket) for inner in value]
    return value.replace("BUCKET", bucket) if isinstance(value, str) else value


@pytest.mark.parametrize("number", range(len(CASES)))
def test_answers_are_as_known(s3, bucket, number):
    operation, parameters, code, text, source = CASES[number]
    named = {} if operation == "list_buckets" else {"Bucket": bucket}
    error = error_of(getattr(s3, operation), **named, **filled(parameters, bucket))
    assert error["Code"] == code and text in (None, error["Message"]), (operation, parameters, source, error)


@pytest.mark.parametrize("number", range(len(CREATION)))
def test_buckets_that_cannot_be_made(s3, number):
    parameters, code = CREATION[number]
    error = error_of(s3.create_bucket, **{"Bucket": f"bucket-{uuid.uuid4().hex[:16]}", **parameters})
    assert error["Code"] == code, (parameters, error)


# Operations on a bucket that does not exist: all tell so (recorded for about half of them), whoever asks.
ON_BUCKETS = [
    ("get_bucket_acl", {}), ("get_bucket_cors", {}), ("get_bucket_encryption", {}), ("get_bucket_location", {}),
    ("get_bucket_logging", {}), ("get_bucket_policy", {}), ("get_bucket_request_payment", {}),
    ("get_bucket_tagging", {}), ("get_bucket_versioning", {}), ("get_bucket_website", {}),
    ("get_bucket_lifecycle_configuration", {}), ("get_bucket_ownership_controls", {}), ("get_public_access_block", {}),
    ("get_object_lock_configuration", {}), ("get_bucket_accelerate_configuration", {}),
    ("get_bucket_notification_configuration", {}), ("list_objects", {}), ("list_objects_v2", {}),
    ("list_object_versions", {}), ("list_multipart_uploads", {}), ("delete_bucket", {}), ("delete_bucket_cors", {}),
    ("delete_bucket_lifecycle", {}), ("delete_bucket_policy", {}), ("delete_bucket_tagging", {}),
    ("delete_bucket_website", {}), ("delete_public_access_block", {}), ("delete_bucket_ownership_controls", {}),
    ("get_object", {"Key": "k"}), ("put_object", {"Key": "k"}), ("delete_object", {"Key": "k"}),
    ("get_object_acl", {"Key": "k"}), ("get_object_tagging", {"Key": "k"}), ("get_object_retention", {"Key": "k"}),
    ("get_object_legal_hold", {"Key": "k"}), ("create_multipart_upload", {"Key": "k"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}}),
    ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Enabled"}}),
    ("put_bucket_tagging", {"Tagging": {"TagSet": []}}),
    ("list_bucket_metrics_configurations", {}), ("list_bucket_inventory_configurations", {}),
    ("list_bucket_analytics_configurations", {}), ("list_bucket_intelligent_tiering_configurations", {}),
]


@pytest.mark.parametrize("operation, parameters", ON_BUCKETS, ids=[operation for operation, _ in ON_BUCKETS])
def test_a_bucket_that_does_not_exist_is_told(s3, operation, parameters):
    error = error_of(getattr(s3, operation), Bucket="there-is-no-such-bucket-at-all", **parameters)
    assert (error["Code"], error["Message"], error["BucketName"]) == (
        "NoSuchBucket", "The specified bucket does not exist", "there-is-no-such-bucket-at-all")


@pytest.mark.parametrize("operation, parameters", ON_BUCKETS, ids=[operation for operation, _ in ON_BUCKETS])
def test_a_bucket_of_another_owner_than_expected_is_refused(s3, bucket, operation, parameters):
    error = error_of(getattr(s3, operation), Bucket=bucket, ExpectedBucketOwner="999999999999", **parameters)
    assert (error["Code"], error["Message"]) == ("AccessDenied", "Access Denied")


def test_names_of_an_accounts_own_namespace_end_with_it(platform):
    """User guide, "Namespaces for general purpose buckets"; moto's test_create_bucket_account_regional_namespace."""
    account = new_account()
    s3 = client("s3", platform.endpoint, account, validate=False)
    suffix = f"-{account}-{REGION}-an"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        s3.create_bucket(Bucket=f"elsewhere-{account}", BucketNamespace="account-regional")
    error = error.value.response["Error"]
    assert error["Code"] == "InvalidNamespaceHeader" and f"Specify {suffix} as the bucket name suffix" in error["Message"]
    s3.create_bucket(Bucket=f"own{suffix}", BucketNamespace="account-regional")
    s3.create_bucket(Bucket=f"shared-{account}", BucketNamespace="global")
    names = [found["Name"] for found in s3.list_buckets()["Buckets"]]
    assert names == [f"own{suffix}", f"shared-{account}"]
