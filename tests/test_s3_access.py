"""Who may use a bucket: policies, public access blocks, ownership, grants, and callers without credentials."""

import json
import urllib.error
import urllib.request
import uuid

import botocore.exceptions
import pytest

from support.clients import Clients, client, new_account
from support.identities import Identities, policy

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
OPEN = {"BlockPublicAcls": False, "IgnorePublicAcls": False, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3):
    return made(s3)


def made(s3, **parameters):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name, **parameters)
    return name


def refused(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")


def statement(bucket, action, resource="/*", principal="*", effect="Allow", **condition):
    made = {"Effect": effect, "Principal": principal, "Action": action, "Resource": f"arn:aws:s3:::{bucket}{resource}"}
    return {**made, "Condition": condition} if condition else made


def put_policy(s3, bucket, *statements):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(*statements))


def anonymous(platform, path, method="GET", **headers):
    request = urllib.request.Request(f"{platform.endpoint}/{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_policy_is_kept_checked_and_taken_away(s3, bucket):
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", "The bucket policy does not exist")
    text = policy(statement(bucket, "s3:GetObject", principal={"AWS": "111122223333"}))
    assert s3.put_bucket_policy(Bucket=bucket, Policy=text)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    not_json = ("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy="random") == not_json
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy="") == not_json
    other = policy(statement("other", "s3:GetObject"))
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=other) == ("MalformedPolicy", "Policy has invalid resource")
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == text
    for _ in range(2):
        assert s3.delete_bucket_policy(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(s3.get_bucket_policy_status, Bucket=bucket)[0] == "NoSuchBucketPolicy"


def test_public_policies_are_blocked_at_first(s3, bucket):
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert block == {name: True for name in OPEN}
    public = policy(statement(bucket, "s3:GetObject"))
    code, text = refused(s3.put_bucket_policy, Bucket=bucket, Policy=public)
    assert code == "AccessDenied"
    assert text.endswith("because public policies are blocked by the BlockPublicPolicy block public access setting.")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == OPEN
    s3.put_bucket_policy(Bucket=bucket, Policy=public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    s3.delete_public_access_block(Bucket=bucket)
    missing = ("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
    assert refused(s3.get_public_access_block, Bucket=bucket) == missing


def test_a_policy_lets_in_those_without_credentials_and_no_further(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="shown/a b.txt", Body=b"hello")
    s3.put_object(Bucket=bucket, Key="hidden", Body=b"secret")
    assert anonymous(platform, f"{bucket}/shown/a%20b.txt")[0] == 403
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    put_policy(s3, bucket, statement(bucket, "s3:GetObject", "/shown/*"))
    assert anonymous(platform, f"{bucket}/shown/a%20b.txt") == (200, "hello")
    for path, method in [("hidden", "GET"), ("shown/none", "GET"), ("shown/new", "PUT"), ("shown/a%20b.txt", "DELETE")]:
        status, text = anonymous(platform, f"{bucket}/{path}", method)
        assert status == 403 and "<Code>AccessDenied</Code><Message>Access Denied</Message>" in text, (path, text)
    assert anonymous(platform, bucket)[0] == 403
    put_policy(s3, bucket, statement(bucket, "s3:GetObject"), statement(bucket, "s3:ListBucket", ""))
    status, text = anonymous(platform, f"{bucket}/shown/none")
    assert status == 404 and "<Code>NoSuchKey</Code>" in text
    assert "<Key>hidden</Key>" in anonymous(platform, f"{bucket}?list-type=2")[1]
    status, text = anonymous(platform, "there-is-no-such-bucket-at-all/key")
    assert status == 404 and "<Code>NoSuchBucket</Code>" in text
    # A public policy that is there has no effect for others while public buckets are restricted.
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**OPEN, "RestrictPublicBuckets": True}
    )
    assert anonymous(platform, f"{bucket}/shown/a%20b.txt")[0] == 403


def test_conditions_and_denials_of_a_policy_hold(platform, s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    put_policy(
        s3, bucket, statement(bucket, "s3:GetObject", StringLike={"aws:Referer": "https://shop.example/*"}),
        statement(bucket, "s3:PutObject", effect="Deny", StringEquals={"s3:x-amz-storage-class": "STANDARD_IA"}),
    )
    assert anonymous(platform, f"{bucket}/k")[0] == 403
    assert anonymous(platform, f"{bucket}/k", Referer="https://shop.example/page") == (200, "hello")
    s3.put_object(Bucket=bucket, Key="k2")
    assert refused(s3.put_object, Bucket=bucket, Key="k3", StorageClass="STANDARD_IA")[0] == "AccessDenied"
    # Nothing locks out the root of the bucket's account from its policy.
    put_policy(s3, bucket, statement(bucket, "s3:*", "", effect="Deny"), statement(bucket, "s3:*", effect="Deny"))
    assert refused(s3.get_object, Bucket=bucket, Key="k")[0] == "AccessDenied"
    s3.delete_bucket_policy(Bucket=bucket)
    s3.get_object(Bucket=bucket, Key="k")


def test_another_account_needs_the_policy_and_its_own_permission(platform, s3, bucket):
    other = Clients(platform.endpoint, new_account())
    reader = Identities(other).user((["s3:GetObject", "s3:ListBucket"], "*"))
    nobody = Identities(other).user()
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    for caller in (other, reader, nobody):
        assert refused(caller("s3").get_object, Bucket=bucket, Key="k") == ("AccessDenied", "Access Denied")
    put_policy(s3, bucket, statement(bucket, "s3:GetObject", principal={"AWS": other.account}))
    for caller in (other, reader):
        assert caller("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"
    assert refused(nobody("s3").get_object, Bucket=bucket, Key="k") == ("AccessDenied", "Access Denied")
    # A key that is missing is told to those who may list the bucket.
    assert refused(reader("s3").get_object, Bucket=bucket, Key="none") == ("AccessDenied", "Access Denied")
    listing = statement(bucket, "s3:ListBucket", "", principal={"AWS": other.account})
    policies = statement(bucket, "s3:*BucketPolicy", "", principal={"AWS": other.account})
    put_policy(s3, bucket, statement(bucket, "s3:GetObject", principal={"AWS": other.account}), listing, policies)
    assert refused(reader("s3").get_object, Bucket=bucket, Key="none")[0] == "NoSuchKey"
    # The policy itself is for the bucket's own account alone.
    for call, parameters in [("get_bucket_policy", {}), ("delete_bucket_policy", {}), ("put_bucket_policy", {"Policy": "{}"})]:
        found = refused(getattr(other("s3"), call), Bucket=bucket, **parameters)
        assert found == ("MethodNotAllowed", "The specified method is not allowed against this resource."), call


def test_a_missing_key_is_told_to_those_who_may_list(aws, s3, bucket):
    users = Identities(aws)
    reader = users.user(("s3:GetObject", "*"))
    code, text = refused(reader("s3").get_object, Bucket=bucket, Key="none")
    assert code == "AccessDenied"
    assert f'is not authorized to perform: s3:ListBucket on resource: "arn:aws:s3:::{bucket}"' in text
    assert refused(reader("s3").head_object, Bucket=bucket, Key="none")[0] == "403"
    lister = users.user((["s3:GetObject", "s3:ListBucket"], "*"))
    assert refused(lister("s3").get_object, Bucket=bucket, Key="none")[0] == "NoSuchKey"
    assert refused(lister("s3").head_object, Bucket=bucket, Key="none")[0] == "404"


def test_a_batch_deletes_what_may_be_deleted(aws, s3, bucket):
    for key in ("mine/1", "mine/2", "theirs/1"):
        s3.put_object(Bucket=bucket, Key=key)
    user = Identities(aws).user(("s3:DeleteObject", f"arn:aws:s3:::{bucket}/mine/*"))
    keys = [{"Key": key} for key in ("mine/1", "theirs/1", "mine/2")]
    answer = user("s3").delete_objects(Bucket=bucket, Delete={"Objects": keys})
    assert [deleted["Key"] for deleted in answer["Deleted"]] == ["mine/1", "mine/2"]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("theirs/1", "AccessDenied")]
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["theirs/1"]


def test_grants_are_refused_where_the_owner_is_enforced(s3, bucket):
    owner = s3.get_bucket_acl(Bucket=bucket)
    assert owner["Grants"] == [
        {"Grantee": {"ID": owner["Owner"]["ID"], "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    ]
    none = ("AccessControlListNotSupported", "The bucket does not allow ACLs")
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == none
    assert refused(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == none
    assert refused(s3.put_object, Bucket=bucket, Key="k", GrantRead=f"uri={ALL_USERS}") == none
    s3.put_object(Bucket=bucket, Key="k", ACL="bucket-owner-full-control")
    assert refused(s3.put_object_acl, Bucket=bucket, Key="k", ACL="private") == none
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Grants"] == owner["Grants"]
    code, text = refused(s3.create_bucket, Bucket=f"{bucket}-2", ACL="public-read")
    assert (code, text) == (
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )


def test_grants_let_in_those_they_name(platform, s3, aws):
    bucket = made(s3, ObjectOwnership="ObjectWriter")
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "ObjectWriter"}
    ]
    code, text = refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read")
    assert code == "AccessDenied" and "BlockPublicAcls block public access setting" in text
    assert refused(s3.put_object, Bucket=bucket, Key="k", ACL="public-read")[0] == "AccessDenied"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="own", Body=b"secret")
    assert anonymous(platform, f"{bucket}/k") == (200, "hello")
    assert anonymous(platform, f"{bucket}/own")[0] == 403 and anonymous(platform, bucket)[0] == 403
    grants = s3.get_object_acl(Bucket=bucket, Key="k")["Grants"]
    assert grants[1] == {"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    assert anonymous(platform, bucket)[0] == 200
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**OPEN, "IgnorePublicAcls": True})
    assert anonymous(platform, f"{bucket}/k")[0] == 403 and anonymous(platform, bucket)[0] == 403


def test_another_account_owns_what_it_writes_unless_it_hands_it_over(platform, s3):
    bucket = made(s3, ObjectOwnership="BucketOwnerPreferred")
    other = Clients(platform.endpoint, new_account())
    put_policy(s3, bucket, statement(bucket, ["s3:PutObject", "s3:PutObjectAcl"], principal={"AWS": other.account}))
    other("s3").put_object(Bucket=bucket, Key="theirs", Body=b"1")
    other("s3").put_object(Bucket=bucket, Key="given", Body=b"2", ACL="bucket-owner-full-control")
    assert other("s3").get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"1"
    assert refused(s3.get_object, Bucket=bucket, Key="theirs")[0] == "AccessDenied"
    assert s3.get_object(Bucket=bucket, Key="given")["Body"].read() == b"2"
    own = s3.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    other("s3").put_object_acl(Bucket=bucket, Key="theirs", GrantRead=f'id="{own}"')
    assert s3.get_object(Bucket=bucket, Key="theirs")["Body"].read() == b"1"
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    assert refused(other("s3").get_object, Bucket=bucket, Key="theirs") == ("AccessDenied", "Access Denied")
    assert s3.get_object_acl(Bucket=bucket, Key="theirs")["Owner"]["ID"] == own


def test_malformed_grants_are_refused(s3):
    bucket = made(s3, ObjectOwnership="ObjectWriter")
    s3.put_object(Bucket=bucket, Key="k")
    owner = s3.get_bucket_acl(Bucket=bucket)["Owner"]

    def grant(permission="READ", **grantee):
        return {"Owner": owner, "Grants": [{"Grantee": grantee, "Permission": permission}]}

    cases = [
        ({"GrantRead": "nonsense"}, "InvalidArgument", "Argument format not recognized"),
        ({"GrantRead": 'id="12"'}, "InvalidArgument", "Invalid id"),
        ({"GrantRead": 'uri="http://example.com"'}, "InvalidArgument", "Invalid group uri"),
        ({"ACL": "private", "GrantRead": f'id="{owner["ID"]}"'}, "InvalidRequest",
         "Specifying both Canned ACLs and Header Grants is not allowed"),
        ({"AccessControlPolicy": {"Grants": []}}, "MalformedACLError", None),
        ({"AccessControlPolicy": grant(Type="Group", URI="http://example.com")}, "InvalidArgument", "Invalid group uri"),
        ({"AccessControlPolicy": grant(Type="CanonicalUser", ID="12")}, "InvalidArgument", "Invalid id"),
        ({"AccessControlPolicy": grant("NONE", Type="CanonicalUser", ID=owner["ID"])}, "MalformedACLError", None),
        ({}, "MissingSecurityHeader", "Your request was missing a required header"),
    ]
    for parameters, code, text in cases:
        for call, more in ((s3.put_bucket_acl, {}), (s3.put_object_acl, {"Key": "k"})):
            found = refused(call, Bucket=bucket, **more, **parameters)
            assert found[0] == code and text in (None, found[1]), (parameters, found)


def test_ownership_has_three_ways(s3, bucket):
    for rules in ([], [{"ObjectOwnership": "Nobody"}], [{"ObjectOwnership": "ObjectWriter"}] * 2):
        code, _ = refused(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls={"Rules": rules})
        assert code == "MalformedXML", rules
    for _ in range(2):
        s3.delete_bucket_ownership_controls(Bucket=bucket)
    missing = ("OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
    assert refused(s3.get_bucket_ownership_controls, Bucket=bucket) == missing
    assert json.loads(json.dumps(s3.get_bucket_acl(Bucket=bucket)["Grants"]))


def signing(platform, user, version):
    """A client of a user that signs in that version."""
    key = user.credentials
    return client(
        "s3", platform.endpoint, key["AccessKeyId"], secret=key["SecretAccessKey"], signature_version=version,
        s3={"addressing_style": "path"},
    )


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_is_good_for_what_was_signed(platform, aws, s3, bucket, version):
    s3.put_object(Bucket=bucket, Key="a b/ä", Body=b"hello")
    user = Identities(aws).user((["s3:GetObject", "s3:PutObject"], "*"))
    signer = signing(platform, user, version)

    def url(operation, **parameters):
        signed = signer.generate_presigned_url(operation, {"Bucket": bucket, "Key": "a b/ä", **parameters}, ExpiresIn=60)
        return signed.split(platform.endpoint + "/", 1)[1]

    assert anonymous(platform, url("get_object")) == (200, "hello")
    changed = url("get_object", ResponseContentType="text/x-test")
    assert anonymous(platform, changed)[0] == 200
    for forged in (
        url("get_object").replace("%C3%A4", "b"), changed.replace("x-test", "x-other"), url("put_object"),
    ):
        status, text = anonymous(platform, forged)
        assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True), (forged, text)
    assert anonymous(platform, url("delete_object"), "DELETE")[0] == 403
    assert s3.get_object(Bucket=bucket, Key="a b/ä")["Body"].read() == b"hello"


def test_a_presigned_url_ends(platform, aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    user = Identities(aws).user(("s3:GetObject", "*"))
    url = signing(platform, user, "s3v4").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    path = url.split(platform.endpoint + "/", 1)[1]
    cases = [
        ("X-Amz-Expires=604801", 400, "AuthorizationQueryParametersError",
         "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 "
         "seconds"),
        ("X-Amz-Expires=-1", 400, "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative"),
        ("X-Amz-Expires=x", 400, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number"),
    ]
    for expires, status, code, text in cases:
        found, answer = anonymous(platform, path.replace("X-Amz-Expires=3600", expires))
        assert found == status and f"<Code>{code}</Code>" in answer and text in answer, (expires, answer)
    date = path.split("X-Amz-Date=", 1)[1][:16]
    old = path.replace(date, "20200101T000000Z")
    status, answer = anonymous(platform, old)
    assert status in (400, 403), answer
    parameters = {"Bucket": bucket, "Key": "k"}
    past = signing(platform, user, "s3").generate_presigned_url("get_object", parameters, ExpiresIn=-60)
    status, answer = anonymous(platform, past.split(platform.endpoint + "/", 1)[1])
    assert status == 403 and "<Message>Request has expired</Message>" in answer


@pytest.mark.parametrize("condition, passes", [
    ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, "presigned"),
    ({"StringEquals": {"s3:authType": "REST-HEADER"}}, "header"),
    ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, "both"),
    ({"StringEquals": {"s3:signatureversion": "AWS"}}, "neither"),
    ({"NumericLessThan": {"s3:signatureAge": "600000"}}, "both"),
    ({"NumericGreaterThan": {"s3:signatureAge": "600000"}}, "neither"),
])
def test_policies_may_ask_how_a_request_was_signed(platform, aws, s3, bucket, condition, passes):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": condition}
    user = Identities(aws).user(statement)
    signer = signing(platform, user, "s3v4")
    url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    presigned = anonymous(platform, url.split(platform.endpoint + "/", 1)[1])[0] == 200
    try:
        signer.get_object(Bucket=bucket, Key="k")
        header = True
    except botocore.exceptions.ClientError:
        header = False
    assert (presigned, header) == {
        "both": (True, True), "neither": (False, False), "presigned": (True, False), "header": (False, True)}[passes]


@pytest.mark.parametrize("condition, allowed, refused_parameters", [
    ({"StringLike": {"s3:prefix": "home/*"}}, {"Prefix": "home/a"}, {"Prefix": "other"}),
    ({"StringEquals": {"s3:delimiter": "/"}}, {"Delimiter": "/"}, {}),
    ({"NumericLessThanEquals": {"s3:max-keys": "10"}}, {"MaxKeys": 10}, {"MaxKeys": 11}),
    ({"StringEquals": {"s3:ResourceAccount": "OWN"}}, {}, None),
    ({"StringEquals": {"s3:ResourceAccount": "111122223333"}}, None, {}),
])
def test_policies_may_ask_what_is_listed(aws, s3, bucket, condition, allowed, refused_parameters):
    own = json.loads(json.dumps(condition).replace("OWN", aws.account))
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": own}
    user = Identities(aws).user(statement)("s3")
    if allowed is not None:
        user.list_objects_v2(Bucket=bucket, **allowed)
    if refused_parameters is not None:
        assert refused(user.list_objects_v2, Bucket=bucket, **refused_parameters)[0] == "AccessDenied"


@pytest.mark.parametrize("condition, allowed, refused_parameters", [
    ({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, {"ACL": "bucket-owner-full-control"}, {}),
    ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}, {"StorageClass": "STANDARD_IA"}, {}),
    ({"StringEquals": {"s3:RequestObjectTag/team": "red"}}, {"Tagging": "team=red"}, {"Tagging": "team=blue"}),
    ({"Bool": {"s3:ObjectCreationOperation": "true"}}, {}, None),
    ({"Null": {"s3:if-none-match": "false"}}, {"IfNoneMatch": "*"}, {}),
])
def test_policies_may_ask_what_is_written(aws, s3, bucket, condition, allowed, refused_parameters):
    actions = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition}
    user = Identities(aws).user(statement)("s3")
    if refused_parameters is not None:
        assert refused(user.put_object, Bucket=bucket, Key="k", **refused_parameters)[0] == "AccessDenied"
    user.put_object(Bucket=bucket, Key="k", **allowed)


def test_whoever_asks_pays_if_the_bucket_says_so(platform, s3, bucket):
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=OPEN)
    put_policy(s3, bucket, statement(bucket, "s3:GetObject"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    other = Clients(platform.endpoint, new_account())("s3")
    assert other.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert refused(other.get_object, Bucket=bucket, Key="k") == ("AccessDenied", "Access Denied")
    assert other.get_object(Bucket=bucket, Key="k", RequestPayer="requester")["Body"].read() == b"hello"
    assert anonymous(platform, f"{bucket}/k", **{"x-amz-request-payer": "requester"})[0] == 403
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


def test_policies_may_go_by_the_buckets_tags(aws, s3, bucket):
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*",
                 "Condition": {"StringEquals": {"aws:ResourceTag/team": "red"}}}
    user = Identities(aws).user(statement)("s3")
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "red"}]})
    assert refused(user.list_objects_v2, Bucket=bucket)[0] == "AccessDenied"
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Disabled"}
    s3.put_bucket_abac(Bucket=bucket, AbacStatus={"Status": "Enabled"})
    assert s3.get_bucket_abac(Bucket=bucket)["AbacStatus"] == {"Status": "Enabled"}
    user.list_objects_v2(Bucket=bucket)
