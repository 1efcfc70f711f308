"""Configurations of buckets with a real client: pages of other origins, websites, logs, lifecycles, reports and the rest."""

import datetime
import http.client
import json
import re
import urllib.error
import urllib.request
import uuid

import botocore.exceptions
import pytest

from support.clients import Clients
from support.traca import Traca

MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"
NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


@pytest.fixture
def s3(aws):
    return aws("s3")


@pytest.fixture
def bucket(s3):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    s3.create_bucket(Bucket=name)
    return name


def refused(call, **parameters):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]


def asked(platform, path, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{platform.endpoint}/{path}", method=method, headers=named)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def origin_headers(headers):
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith(("access-control", "vary"))}


def test_rules_for_pages_of_other_origins_are_kept(s3, bucket):
    missing = refused(s3.get_bucket_cors, Bucket=bucket)
    assert (missing["Code"], missing["Message"], missing["BucketName"]) == (
        "NoSuchCORSConfiguration", "The CORS configuration does not exist", bucket)
    rules = [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example"], "MaxAgeSeconds": 3000,
              "AllowedHeaders": ["x-AMZ-*"], "ExposeHeaders": ["etag"], "ID": "one"}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    cases = [
        ([], "MalformedXML", MALFORMED),
        ([{"AllowedMethods": ["MYMETHOD"], "AllowedOrigins": ["*"]}], "InvalidRequest",
         "Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD"),
        ([{"AllowedMethods": ["GET"], "AllowedOrigins": ["*.*"]}], "InvalidRequest",
         'AllowedOrigin "*.*" can not have more than one wildcard.'),
    ]
    for refused_rules, code, text in cases:
        error = refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": refused_rules})
        assert (error["Code"], error["Message"]) == (code, text)
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    for _ in range(2):
        assert s3.delete_bucket_cors(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(s3.get_bucket_cors, Bucket=bucket)["Code"] == "NoSuchCORSConfiguration"


def test_preflights_are_answered_by_the_rules(platform, s3, bucket):
    status, _, text = asked(platform, f"{bucket}/k", "OPTIONS")
    assert status == 400 and "<Message>Insufficient information. Origin request header needed.</Message>" in text
    status, _, text = asked(platform, bucket, "OPTIONS", Origin="https://a.example")
    assert status == 403 and "<Code>AccessForbidden</Code>" in text
    assert "<Message>CORSResponse: CORS is not enabled for this bucket.</Message>" in text
    assert "<Method>OPTIONS</Method><ResourceType>BUCKET</ResourceType>" in text
    text = asked(platform, "there-is-no-such-bucket", "OPTIONS", Origin="https://a.example")[2]
    assert "<Message>CORSResponse: Bucket not found</Message>" in text
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [
        {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example"], "MaxAgeSeconds": 3000,
         "AllowedHeaders": ["x-amz-*"], "ExposeHeaders": ["etag", "x-amz-id-2"]},
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    ]})
    granted = asked(
        platform, f"{bucket}/k", "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="X-Amz-Acl, x-amz-meta-a",
    )
    assert granted[0] == 200 and granted[2] == "" and "x-amz-request-id" in {name.lower() for name in granted[1]}
    assert origin_headers(granted[1]) == {
        "access-control-allow-origin": "https://a.example",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "x-amz-acl, x-amz-meta-a",
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "etag, x-amz-id-2",
        "access-control-max-age": "3000",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    anybody = asked(platform, f"{bucket}/k", "OPTIONS", Origin="null", Access_Control_Request_Method="GET")
    assert origin_headers(anybody[1])["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in origin_headers(anybody[1])
    for headers in ({"Access_Control_Request_Method": "DELETE"},
                    {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}):
        status, _, text = asked(platform, f"{bucket}/k", "OPTIONS", Origin="https://a.example", **headers)
        assert status == 403 and f"<Message>{NOT_ALLOWED}</Message>" in text.replace("&apos;", "'").replace("&#39;", "'")
        assert "<ResourceType>OBJECT</ResourceType>" in text


def test_answers_tell_browsers_who_may_read_them(platform, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    path = url.split(platform.endpoint + "/", 1)[1]
    assert origin_headers(asked(platform, path, Origin="http://a.localhost")[1]) == {}
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["http://a.localhost"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers, text = asked(platform, path, Origin="http://a.localhost")
    assert (status, text) == (200, "hello")
    assert origin_headers(headers)["access-control-allow-origin"] == "http://a.localhost"
    assert origin_headers(asked(platform, path, Origin="http://b.localhost")[1]) == {}
    # Errors may be read, too.
    status, headers, _ = asked(platform, f"{bucket}/none", Origin="http://a.localhost")
    assert status == 403 and origin_headers(headers)["access-control-allow-origin"] == "http://a.localhost"


def test_the_settings_of_a_bucket_are_as_they_were_set(s3, bucket):
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"
    error = refused(s3.put_bucket_request_payment, Bucket=bucket, RequestPaymentConfiguration={"Payer": "Nobody"})
    assert (error["Code"], error["Message"]) == ("MalformedXML", MALFORMED)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration={"Status": status})
        assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == status
    for status in ("enabled", "random"):
        error = refused(s3.put_bucket_accelerate_configuration, Bucket=bucket, AccelerateConfiguration={"Status": status})
        assert error["Code"] == "MalformedXML"
    s3.create_bucket(Bucket=f"{bucket}.dot")
    error = refused(s3.put_bucket_accelerate_configuration, Bucket=f"{bucket}.dot",
                    AccelerateConfiguration={"Status": "Enabled"})
    assert (error["Code"], error["Message"]) == (
        "InvalidRequest", "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")


def test_a_website_is_kept_and_checked(s3, bucket):
    missing = refused(s3.get_bucket_website, Bucket=bucket)
    assert (missing["Code"], missing["Message"], missing["BucketName"]) == (
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", bucket)
    site = {
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}],
    }
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=site)
    kept = s3.get_bucket_website(Bucket=bucket)
    assert {name: kept[name] for name in site} == site
    rule = {"Redirect": {"ReplaceKeyWith": "x"}}
    index = {"IndexDocument": {"Suffix": "i"}}
    cases = [
        ({}, "InvalidArgument", "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        ({**index, "RedirectAllRequestsTo": {"HostName": "h"}}, "InvalidArgument",
         "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules."),
        ({"RedirectAllRequestsTo": {"HostName": "h", "Protocol": "ftp"}}, "InvalidRequest",
         "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically."),
        ({**index, "RoutingRules": []}, "MalformedXML", MALFORMED),
        ({**index, "RoutingRules": [{"Redirect": {"ReplaceKeyWith": "x", "ReplaceKeyPrefixWith": "y"}}]},
         "InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both."),
        ({**index, "RoutingRules": [{**rule, "Condition": {}}]}, "InvalidRequest",
         "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be "
         "present."),
        ({**index, "RoutingRules": [rule] * 51}, "InvalidRequest", None),
    ]
    for configuration, code, text in cases:
        error = refused(s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)
        assert error["Code"] == code and text in (None, error["Message"]), (configuration, error)
    s3.delete_bucket_website(Bucket=bucket)
    assert refused(s3.get_bucket_website, Bucket=bucket)["Code"] == "NoSuchWebsiteConfiguration"


def test_logs_go_to_a_bucket_of_the_same_owner_and_region(s3, bucket):
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.create_bucket(Bucket=f"{bucket}-logs")
    enabled = {"TargetBucket": f"{bucket}-logs", "TargetPrefix": "log/"}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == enabled
    error = refused(s3.put_bucket_logging, Bucket=bucket, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": f"{bucket}-none", "TargetPrefix": ""}})
    assert (error["Code"], error["Message"], error["TargetBucket"]) == (
        "InvalidTargetBucketForLogging", "The target bucket for logging does not exist", f"{bucket}-none")
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def reports(bucket):
    """Each kind's name in operations and in documents, and a configuration of it."""
    destination = {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "CSV"}
    return [
        ("inventory", "InventoryConfiguration", {
            "Destination": {"S3BucketDestination": destination}, "IsEnabled": True, "IncludedObjectVersions": "All",
            "OptionalFields": ["Size", "ETag"], "Schedule": {"Frequency": "Daily"}}),
        ("metrics", "MetricsConfiguration", {"Filter": {"Prefix": "logs/"}}),
        ("analytics", "AnalyticsConfiguration", {"StorageClassAnalysis": {"DataExport": {
            "OutputSchemaVersion": "V_1", "Destination": {"S3BucketDestination": destination}}}}),
        ("intelligent_tiering", "IntelligentTieringConfiguration", {
            "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}),
    ]


@pytest.mark.parametrize("kind", range(4))
def test_reports_are_kept_listed_and_forgotten(s3, bucket, kind):
    name, member, configuration = reports(bucket)[kind]

    def call(verb, **parameters):
        return getattr(s3, f"{verb}_bucket_{name}_configuration")(Bucket=bucket, **parameters)

    listing = getattr(s3, f"list_bucket_{name}_configurations")
    assert listing(Bucket=bucket)["IsTruncated"] is False and f"{member}List" not in listing(Bucket=bucket)
    missing = refused(call, verb="get", Id="none")
    assert (missing["Code"], missing["Message"]) == (
        "NoSuchConfiguration", "The specified configuration does not exist.")
    for number in range(101):
        put = call("put", Id=f"id-{number:03}", **{member: {**configuration, "Id": f"id-{number:03}"}})
    assert put["ResponseMetadata"]["HTTPStatusCode"] == (200 if name == "metrics" else 204) or name == "metrics"
    assert call("get", Id="id-007")[member] == {**configuration, "Id": "id-007"}
    first = listing(Bucket=bucket)
    assert first["IsTruncated"] is True and len(first[f"{member}List"]) == 100
    rest = listing(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [one["Id"] for one in rest[f"{member}List"]] == ["id-100"] and rest["IsTruncated"] is False
    assert rest["ContinuationToken"] == first["NextContinuationToken"]
    error = refused(call, verb="put", Id="other", **{member: {**configuration, "Id": "id"}})
    assert error["Code"] == ("IdMismatch" if name == "inventory" else "MalformedXML")
    assert call("delete", Id="id-100")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(call, verb="delete", Id="id-100")["Code"] == "NoSuchConfiguration"


def test_lifecycle_rules_are_kept_checked_and_told(s3, bucket):
    missing = refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert (missing["Code"], missing["Message"], missing["BucketName"]) == (
        "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", bucket)
    rules = [
        {"ID": "old logs", "Filter": {"Prefix": "log/"}, "Status": "Enabled", "Expiration": {"Days": 7},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
        {"ID": "by tag", "Filter": {"And": {"Tags": [{"Key": "a", "Value": "1"}], "Prefix": "t/"}}, "Status": "Disabled",
         "Expiration": {"Date": datetime.datetime(2035, 1, 1, tzinfo=datetime.timezone.utc)}},
    ]
    put = s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert put["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    got = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert got["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    for kept, rule in zip(got["Rules"], rules):
        assert kept == rule
    put = s3.put_object(Bucket=bucket, Key="log/1")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    assert put["Expiration"].endswith('rule-id="old+logs"') or put["Expiration"].endswith('rule-id="old%20logs"')
    days = {f"{today + datetime.timedelta(days):%a, %d %b %Y} 00:00:00 GMT" for days in (8, 9)}
    assert any(f'expiry-date="{day}"' in put["Expiration"] for day in days)
    assert s3.head_object(Bucket=bucket, Key="log/1")["Expiration"] == put["Expiration"]
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="other")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="log/2")
    assert upload["AbortRuleId"] in ("old+logs", "old%20logs") and upload["AbortDate"].hour == 0
    bad = [{"ID": "x", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 0}}]
    error = refused(s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": bad})
    assert (error["Code"], error["Message"]) == (
        "InvalidArgument", "'Days' for Expiration action must be a positive integer")
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) == 2
    for _ in range(2):
        s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket)["Code"] == "NoSuchLifecycleConfiguration"


def test_what_is_older_than_its_rule_goes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="gone/1")
    s3.put_object(Bucket=bucket, Key="kept/1")
    rule = {"ID": "r", "Filter": {"Prefix": "gone/"}, "Status": "Enabled",
            "Expiration": {"Date": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="gone/1", WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept/1"]


def visited(platform, bucket, path, method="GET", **headers):
    """Asks for a page of a bucket's website, and follows no redirection."""
    address = platform.endpoint.split("://", 1)[1]
    connection = http.client.HTTPConnection(address, timeout=60)
    port = address.rsplit(":", 1)[1]
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": f"{bucket}.s3-website.localhost:{port}", **named})
    answer = connection.getresponse()
    found = answer.status, dict(answer.headers), answer.read().decode()
    connection.close()
    return found


def make_public(s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_a_website_shows_what_everybody_may_read(platform, s3, bucket):
    status, headers, text = visited(platform, bucket, "/")
    assert status == 404 and "<li>Code: NoSuchWebsiteConfiguration</li>" in text
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "<li>Code: NoSuchBucket</li>" in visited(platform, f"{bucket}-none", "/")[2]
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    for key in ("index.html", "docs/index.html", "page.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")
    status, _, text = visited(platform, bucket, "/")
    assert status == 403 and "<li>Code: AccessDenied</li>" in text and "<h1>403 Forbidden</h1>" in text
    make_public(s3, bucket)
    for path, page in [("/", "index.html"), ("/docs/", "docs/index.html"), ("/page.html", "page.html")]:
        status, headers, text = visited(platform, bucket, path)
        assert (status, headers["content-type"], text) == (200, "text/html", page), path
    status, headers, _ = visited(platform, bucket, "/docs")
    assert (status, headers["location"]) == (302, "/docs/")
    status, headers, text = visited(platform, bucket, "/page.html", "HEAD")
    assert (status, headers["content-length"], text) == (200, "9", "")
    etag = visited(platform, bucket, "/page.html")[1]["etag"]
    assert visited(platform, bucket, "/page.html", If_None_Match=etag)[0] == 304
    assert visited(platform, bucket, "/page.html", Range="bytes=0-3")[2] == "page"
    assert visited(platform, bucket, "/page.html", "POST")[0] == 405
    # Without the right to list the bucket nobody is told that a page is missing.
    assert visited(platform, bucket, "/none")[0] == 403


def test_a_website_has_a_page_for_errors_and_redirections(platform, s3, bucket):
    make_public(s3, bucket)
    s3.put_object(Bucket=bucket, Key="error.html", Body=b"sorry", ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/elsewhere")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [
            {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
            {"Condition": {"KeyPrefixEquals": "gone/", "HttpErrorCodeReturnedEquals": "403"},
             "Redirect": {"HostName": "other.example", "Protocol": "https", "ReplaceKeyWith": "x y",
                          "HttpRedirectCode": "307"}},
        ]})
    status, headers, text = visited(platform, bucket, "/none")
    assert (status, headers["content-type"], text) == (403, "text/html", "sorry")
    status, headers, _ = visited(platform, bucket, "/moved")
    assert (status, headers["location"]) == (301, "/elsewhere")
    status, headers, _ = visited(platform, bucket, "/docs/a.html")
    assert status == 301 and headers["location"].endswith("/documents/a.html")
    status, headers, _ = visited(platform, bucket, "/gone/a.html")
    assert (status, headers["location"]) == (307, "https://other.example/x%20y")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "RedirectAllRequestsTo": {"HostName": "www.example.com", "Protocol": "https"}})
    status, headers, _ = visited(platform, bucket, "/a/b?c=d")
    assert (status, headers["location"]) == (301, "https://www.example.com/a/b?c=d")


def test_access_logs_are_put_into_their_bucket(data):
    with Traca("--data", data) as platform:
        s3 = Clients(platform.endpoint, "111122223333")("s3")
        for name in ("watched", "the-logs"):
            s3.create_bucket(Bucket=name)
        s3.put_bucket_policy(Bucket="the-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::the-logs/*", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}}]}))
        logging = {"LoggingEnabled": {"TargetBucket": "the-logs", "TargetPrefix": "log/"}}
        s3.put_bucket_logging(Bucket="watched", BucketLoggingStatus=logging)
        s3.put_object(Bucket="watched", Key="a b", Body=b"hello")
        assert refused(s3.get_object, Bucket="watched", Key="none")["Code"] == "NoSuchKey"
    # What waits is delivered before the platform ends.
    with Traca("--data", data) as platform:
        s3 = Clients(platform.endpoint, "111122223333")("s3")
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="the-logs", Prefix="log/")["Contents"]]
        assert all(re.fullmatch(r"log/\d{4}(-\d\d){5}-[0-9A-F]{16}", key) for key in keys), keys
        text = "".join(s3.get_object(Bucket="the-logs", Key=key)["Body"].read().decode() for key in keys)
    lines = text.splitlines()
    put = next(line for line in lines if "REST.PUT.OBJECT" in line)
    assert re.match(r"[0-9a-f]{64} watched \[\d\d/\w{3}/\d{4}:[\d:]{8} \+0000\] 127\.0\.0\.1 \S+ \S+ REST\.PUT\.OBJECT a\+b ", put)
    assert " 200 - " in put and "SigV4" in put
    missing = next(line for line in lines if "REST.GET.OBJECT" in line)
    assert '"GET /watched/none HTTP/1.1" 404 NoSuchKey' in missing
