"""Function URLs: plain HTTP in, payload format 2.0, plain HTTP out."""

import base64
import http.client
import json
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.clients import refused
from support.functions import NODE
from support.identities import Identities

ECHO = "def handler(event, context):\n    return event\n"
ANSWER = "def handler(event, context):\n    import json\n    return json.loads(event['body'])\n"


class Reply:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


def ask(platform, url, method="GET", path="/", body=None, headers=None, keys=None):
    """Sends a request to a function URL, whose host name resolves nowhere but here."""
    host = urlsplit(url).netloc
    headers = {"Host": host, **(headers or {})}
    if keys:
        request = AWSRequest(method, f"http://{host}{path}", data=body, headers=headers)
        SigV4Auth(Credentials(*keys), "lambda", host.split(".")[2]).add_auth(request)
        headers = dict(request.headers)
    connection = http.client.HTTPConnection(urlsplit(platform.endpoint).netloc, timeout=120)
    connection.request(method, path, body=body, headers=headers)
    return Reply(connection.getresponse())


def open_to_all(client, name, auth="NONE", **settings):
    """A URL that everybody may call."""
    config = client.create_function_url_config(FunctionName=name, AuthType=auth, **settings)
    client.add_permission(FunctionName=name, StatementId="url", Action="lambda:InvokeFunctionUrl", Principal="*",
                          FunctionUrlAuthType=auth)
    client.add_permission(FunctionName=name, StatementId="invoke", Action="lambda:InvokeFunction", Principal="*",
                          InvokedViaFunctionUrl=True)
    return config["FunctionUrl"]


def test_configurations_are_made_changed_listed_and_deleted(aws, functions):
    client, function = aws("lambda"), functions.create(ECHO)
    made = client.create_function_url_config(FunctionName=function.name, AuthType="NONE")
    arn = client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["FunctionArn"], made["AuthType"], "InvokeMode" in made) == (arn, "NONE", False)
    assert "Cors" not in made and "LastModifiedTime" not in made
    host = urlsplit(made["FunctionUrl"]).hostname.split(".")
    assert host[1:3] == ["lambda-url", client.meta.region_name] and made["FunctionUrl"].endswith("/")
    refusal = refused(client.create_function_url_config, FunctionName=function.name, AuthType="NONE")
    assert (refusal.status, refusal.code) == (409, "ResourceConflictException")
    assert refusal.message == (
        f"Failed to create function url config for [functionArn = {arn}]. Error message:  FunctionUrlConfig exists for "
        "this Lambda function")

    cors = {"AllowOrigins": ["https://example.org"], "MaxAge": 60}
    changed = client.update_function_url_config(
        FunctionName=function.name, AuthType="AWS_IAM", Cors=cors, InvokeMode="RESPONSE_STREAM")
    assert (changed["AuthType"], changed["Cors"], changed["InvokeMode"]) == ("AWS_IAM", cors, "RESPONSE_STREAM")
    found = client.get_function_url_config(FunctionName=function.name)
    assert found["FunctionUrl"] == made["FunctionUrl"] and found["CreationTime"] == made["CreationTime"]

    version = client.publish_version(FunctionName=function.name)["Version"]
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    aliased = client.create_function_url_config(FunctionName=function.name, Qualifier="live", AuthType="NONE")
    assert aliased["FunctionArn"] == f"{arn}:live"
    for page_size in (1, 50):
        pages = client.get_paginator("list_function_url_configs").paginate(
            FunctionName=function.name, PaginationConfig={"PageSize": page_size})
        listed = [config["FunctionArn"] for page in pages for config in page["FunctionUrlConfigs"]]
        assert listed == [arn, f"{arn}:live"]
    refusal = refused(client.create_function_url_config, FunctionName=function.name, Qualifier=version, AuthType="NONE")
    assert refusal.code == "ValidationException"
    refusal = refused(client.create_function_url_config, FunctionName="none", AuthType="NONE")
    assert (refusal.code, refusal.message) == ("ResourceNotFoundException", "Function does not exist")

    client.delete_alias(FunctionName=function.name, Name="live")
    client.delete_function_url_config(FunctionName=function.name)
    assert client.list_function_url_configs(FunctionName=function.name)["FunctionUrlConfigs"] == []
    refusal = refused(client.get_function_url_config, FunctionName=function.name)
    assert (refusal.code, refusal.message) == (
        "ResourceNotFoundException", "The resource you requested does not exist.")


def test_a_function_sees_the_request(platform, aws, functions):
    function = functions.create(ECHO)
    url = open_to_all(aws("lambda"), function.name)
    reply = ask(platform, url, "POST", "/a%20b/c?x=1&x=2&y=a%20b", b'{"k": 1}', {
        "Content-Type": "application/json", "Cookie": "one=1; two=2", "X-Own": "yes", "User-Agent": "test"})
    event = reply.json
    assert reply.status == 200 and reply.headers["Content-Type"] == "application/json"
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a%20b/c")
    assert event["rawQueryString"] == "x=1&x=2&y=a%20b"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "a b"}
    assert event["cookies"] == ["one=1", "two=2"] and "cookie" not in event["headers"]
    assert event["headers"]["x-own"] == "yes" and event["headers"]["host"] == urlsplit(url).netloc
    assert (event["body"], event["isBase64Encoded"]) == ('{"k": 1}', False)
    context = event["requestContext"]
    host = urlsplit(url).hostname
    assert (context["accountId"], context["apiId"], context["domainPrefix"]) == ("anonymous", *[host.split(".")[0]] * 2)
    assert context["domainName"] == host and "authorizer" not in context
    assert context["http"] == {"method": "POST", "path": "/a%20b/c", "protocol": "HTTP/1.1",
                               "sourceIp": "127.0.0.1", "userAgent": "test"}
    binary = ask(platform, url, "PUT", "/", bytes([0, 255]), {"Content-Type": "image/png"}).json
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (bytes([0, 255]), True)
    empty = ask(platform, url).json
    assert "body" not in empty and "cookies" not in empty and "queryStringParameters" not in empty
    # The form for clients that cannot resolve the name.
    path = f"/_traca/lambda/url/{host.split('.')[0]}"
    assert ask(platform, platform.endpoint, path=f"{path}/x/y").json["rawPath"] == "/x/y"
    assert ask(platform, platform.endpoint, path=path).json["rawPath"] == "/"


def test_what_a_function_answers_becomes_the_reply(platform, aws, functions):
    function = functions.create(ANSWER)
    url = open_to_all(aws("lambda"), function.name)

    def reply(document):
        return ask(platform, url, "POST", body=json.dumps(document), headers={"Content-Type": "application/json"})

    formatted = reply({"statusCode": 201, "headers": {"Content-Type": "text/html", "X-Own": "yes"},
                       "cookies": ["a=1; Secure", "b=2"], "body": "<p>"})
    assert (formatted.status, formatted.body, formatted.headers["Content-Type"]) == (201, b"<p>", "text/html")
    assert formatted.headers["X-Own"] == "yes"
    assert formatted.headers.get_all("Set-Cookie") == ["a=1; Secure", "b=2"]
    encoded = reply({"statusCode": 200, "body": base64.b64encode(bytes([0, 255])).decode(), "isBase64Encoded": True})
    assert encoded.body == bytes([0, 255])
    plain = reply({"message": "hello"})
    assert (plain.status, plain.json) == (200, {"message": "hello"})
    assert plain.headers["Content-Type"] == "application/json"
    assert reply("text").body == b"text"
    assert reply({"statusCode": 204}).status == 204
    for broken in ({"statusCode": "never"}, {"statusCode": 200, "body": "!", "isBase64Encoded": True}):
        failed = reply(broken)
        assert (failed.status, failed.body) == (502, b"Internal Server Error")
    failed = ask(platform, url, "POST", body="no JSON", headers={"Content-Type": "application/json"})
    assert (failed.status, failed.body) == (502, b"Internal Server Error")


def test_without_permission_nothing_is_invoked(platform, aws, functions):
    client, function = aws("lambda"), functions.create(ECHO)
    url = client.create_function_url_config(FunctionName=function.name, AuthType="NONE")["FunctionUrl"]
    assert ask(platform, url).status == 403
    client.add_permission(FunctionName=function.name, StatementId="url", Action="lambda:InvokeFunctionUrl",
                          Principal="*", FunctionUrlAuthType="NONE")
    forbidden = ask(platform, url)
    assert forbidden.status == 403 and forbidden.json["Message"].startswith("Forbidden")
    assert forbidden.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    client.add_permission(FunctionName=function.name, StatementId="invoke", Action="lambda:InvokeFunction",
                          Principal="*", InvokedViaFunctionUrl=True)
    assert ask(platform, url).status == 200
    # The statement is for another kind of URL now.
    client.update_function_url_config(FunctionName=function.name, AuthType="AWS_IAM")
    assert ask(platform, url).status == 403
    client.delete_function_url_config(FunctionName=function.name)
    assert ask(platform, url).status == 404


def test_signed_urls_know_their_caller(platform, aws, functions):
    client, function = aws("lambda"), functions.create(ECHO)
    url = client.create_function_url_config(FunctionName=function.name, AuthType="AWS_IAM")["FunctionUrl"]
    identities = Identities(aws)
    stranger = identities.user().credentials
    arn = client.get_function_configuration(FunctionName=function.name)["FunctionArn"]
    friend = identities.user((["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], arn))
    keys = friend.credentials
    keys = (keys["AccessKeyId"], keys["SecretAccessKey"])
    assert ask(platform, url).status == 403
    assert ask(platform, url, keys=(stranger["AccessKeyId"], stranger["SecretAccessKey"])).status == 403
    reply = ask(platform, url, "POST", "/p?q=1", b"body", {"Content-Type": "text/plain"}, keys)
    assert reply.status == 200, reply.body
    caller = reply.json["requestContext"]["authorizer"]["iam"]
    assert (caller["accessKey"], caller["accountId"], caller["userArn"]) == (keys[0], aws.account, friend.arn)
    assert reply.json["requestContext"]["accountId"] == aws.account and reply.json["body"] == "body"
    assert ask(platform, url, keys=(keys[0], "another secret")).status == 403


def test_browsers_of_other_origins_are_answered_as_configured(platform, aws, functions):
    answer = "def handler(event, context):\n    return {'statusCode': 200, 'headers': {'X-Read': '1'}, 'body': 'x'}\n"
    function = functions.create(answer)
    url = open_to_all(aws("lambda"), function.name, Cors={
        "AllowOrigins": ["https://example.org"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-own"],
        "ExposeHeaders": ["x-read"], "AllowCredentials": True, "MaxAge": 60})
    question = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    told = ask(platform, url, "OPTIONS", headers=question).headers
    assert told["Access-Control-Allow-Origin"] == "https://example.org"
    assert told["Access-Control-Allow-Methods"] == "GET,POST" and told["Access-Control-Allow-Headers"] == "x-own"
    assert told["Access-Control-Max-Age"] == "60" and told["Access-Control-Allow-Credentials"] == "true"
    reply = ask(platform, url, headers={"Origin": "https://example.org"})
    assert reply.body == b"x" and reply.headers["Access-Control-Expose-Headers"] == "x-read"
    other = ask(platform, url, headers={"Origin": "https://other.example"})
    assert other.status == 200 and "Access-Control-Allow-Origin" not in other.headers
    told = ask(platform, url, "OPTIONS", headers={**question, "Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in told.headers


def test_streamed_urls_hand_on_what_is_written(platform, aws, functions):
    function = functions.create("""
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.rawPath === '/fail') throw new Error('before anything was written');
  if (event.rawPath === '/http') {
    stream = awslambda.HttpResponseStream.from(stream, {
      statusCode: 201, headers: { 'Content-Type': 'text/html' }, cookies: ['a=1'] });
  } else stream.setContentType('text/plain');
  stream.write('one ');
  stream.write('two');
  stream.end();
});
""", NODE)
    url = open_to_all(aws("lambda"), function.name, InvokeMode="RESPONSE_STREAM")
    plain = ask(platform, url)
    assert (plain.status, plain.body, plain.headers["Content-Type"]) == (200, b"one two", "text/plain")
    assert plain.headers["Transfer-Encoding"] == "chunked"
    shaped = ask(platform, url, path="/http")
    assert (shaped.status, shaped.body, shaped.headers["Content-Type"]) == (201, b"one two", "text/html")
    assert shaped.headers["Set-Cookie"] == "a=1"
    assert ask(platform, url, path="/fail").status == 502


def test_urls_of_aliases_run_their_version(platform, aws, functions):
    client = aws("lambda")
    function = functions.create("def handler(event, context):\n    return context.function_version\n")
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    url = client.create_function_url_config(FunctionName=function.name, Qualifier="live", AuthType="NONE")["FunctionUrl"]
    for statement, action, condition in [
        ("url", "lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("invoke", "lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ]:
        client.add_permission(FunctionName=function.name, Qualifier="live", StatementId=statement, Action=action,
                              Principal="*", **condition)
    assert ask(platform, url).body == version.encode()
    client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
    throttled = ask(platform, url)
    assert throttled.status == 429
    assert throttled.json["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function(FunctionName=function.name)
    assert ask(platform, url).status == 404
