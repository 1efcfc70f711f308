"""CloudWatch Logs through boto3, and the logs of functions in it."""

import time

import pytest

from support.clients import Clients, new_account, refused
from support.logs import events, wait_for
from support.traca import eventually

GROUP, STREAM = "/app/web", "2024/one"


def now():
    return int(time.time() * 1000)


def messages(answer):
    return [event["message"] for event in answer["events"]]


def names(answer):
    return [stream["logStreamName"] for stream in answer["logStreams"]]


@pytest.fixture
def logs(aws):
    """A client with one group and one stream in it."""
    logs = aws("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    return logs


def put(logs, *texts, start=None, stream=STREAM):
    start = start or now()
    events = [{"timestamp": start + number, "message": text} for number, text in enumerate(texts)]
    return logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_groups_are_described_and_are_there_once(aws, logs):
    [group] = logs.describe_log_groups(logGroupNamePrefix="/app/")["logGroups"]
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:{GROUP}"
    assert (group["logGroupName"], group["arn"], group["logGroupArn"]) == (GROUP, f"{arn}:*", arn)
    assert (group["storedBytes"], group["metricFilterCount"]) == (0, 0)
    assert abs(group["creationTime"] - now()) < 60_000
    refusal = refused(logs.create_log_group, logGroupName=GROUP)
    assert (refusal.status, refusal.code) == (400, "ResourceAlreadyExistsException")
    assert refusal.message == "The specified log group already exists"
    assert logs.describe_log_groups(logGroupNamePrefix="/other")["logGroups"] == []


def test_groups_come_in_pages(logs):
    for number in range(5):
        logs.create_log_group(logGroupName=f"page-{number}")
    pages = logs.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="page-", PaginationConfig={"PageSize": 2}
    )
    assert [[group["logGroupName"] for group in page["logGroups"]] for page in pages] == [
        ["page-0", "page-1"],
        ["page-2", "page-3"],
        ["page-4"],
    ]


def test_names_are_checked(logs):
    for name in ["has space", "x" * 513]:
        assert refused(logs.create_log_group, logGroupName=name).code == "InvalidParameterException", name
    assert refused(logs.create_log_stream, logGroupName=GROUP, logStreamName="a:b").code == "InvalidParameterException"


def test_streams_are_described_by_name_and_by_last_event(logs):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="2024/two")
    put(logs, "later", start=now())
    assert names(logs.describe_log_streams(logGroupName=GROUP)) == [STREAM, "2024/two"]
    assert names(logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="2024/t")) == ["2024/two"]
    assert names(logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True))[0] == STREAM
    refusal = refused(logs.create_log_stream, logGroupName=GROUP, logStreamName=STREAM)
    assert (refusal.code, refusal.message) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )


def test_events_are_kept_in_order_and_paged_both_ways(logs):
    start = now() - 10_000
    put(logs, *(f"line {number}" for number in range(10)), start=start)

    def read(**parameters):
        return logs.get_log_events(logGroupName=GROUP, logStreamName=STREAM, **parameters)

    first = read(startFromHead=True, limit=4)
    assert messages(first) == ["line 0", "line 1", "line 2", "line 3"]
    second = read(startFromHead=True, limit=4, nextToken=first["nextForwardToken"])
    assert messages(second) == ["line 4", "line 5", "line 6", "line 7"]
    end = read(startFromHead=True, limit=4, nextToken=second["nextForwardToken"])
    last = read(startFromHead=True, limit=4, nextToken=end["nextForwardToken"])
    assert (messages(end), messages(last)) == (["line 8", "line 9"], [])
    assert last["nextForwardToken"] == end["nextForwardToken"], "the end is reached when the token no longer changes"
    assert messages(read(limit=3)) == ["line 7", "line 8", "line 9"]
    assert messages(read(startFromHead=True, startTime=start + 3, endTime=start + 5)) == ["line 3", "line 4"]


def test_events_too_old_or_too_new_are_told(logs):
    day = 24 * 3600 * 1000
    answer = logs.put_log_events(
        logGroupName=GROUP,
        logStreamName=STREAM,
        logEvents=[
            {"timestamp": now() - 15 * day, "message": "old"},
            {"timestamp": now(), "message": "good"},
            {"timestamp": now() + 3 * 3600 * 1000, "message": "new"},
        ],
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}
    assert messages(logs.get_log_events(logGroupName=GROUP, logStreamName=STREAM)) == ["good"]
    events = [{"timestamp": now(), "message": "b"}, {"timestamp": now() - 5, "message": "a"}]
    refusal = refused(logs.put_log_events, logGroupName=GROUP, logStreamName=STREAM, logEvents=events)
    assert refusal.code == "InvalidParameterException"
    assert refusal.message == "Log events in a single PutLogEvents request must be in chronological order."


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", ["ERROR one", "info two", '{"level": "ERROR", "code": 500}', "GET /a 200 12", "GET /b 404 7"]),
        ("ERROR", ["ERROR one", '{"level": "ERROR", "code": 500}']),
        ("-ERROR", ["info two", "GET /a 200 12", "GET /b 404 7"]),
        ("?one ?two", ["ERROR one", "info two"]),
        ('"info two"', ["info two"]),
        ('{ $.level = "ERROR" && $.code >= 500 }', ['{"level": "ERROR", "code": 500}']),
        ("{ $.code < 500 }", []),
        ("[method=GET, path, status=4*, time]", ["GET /b 404 7"]),
        ("%GET /[ab] 200%", ["GET /a 200 12"]),
    ],
)
def test_filter_patterns(logs, pattern, found):
    put(logs, "ERROR one", "info two", '{"level": "ERROR", "code": 500}', "GET /a 200 12", "GET /b 404 7")
    assert messages(logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)) == found


def test_a_bad_pattern_is_refused(logs):
    refusal = refused(logs.filter_log_events, logGroupName=GROUP, filterPattern="{ $.a = ")
    assert (refusal.status, refusal.code) == (400, "InvalidParameterException")


def test_a_filter_sees_all_streams_and_pages(logs):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="2024/two")
    start = now() - 1_000
    put(logs, *(f"one {number}" for number in range(5)), start=start)
    put(logs, *(f"two {number}" for number in range(5)), start=start, stream="2024/two")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, PaginationConfig={"PageSize": 3})
    events = [event for page in pages for event in page["events"]]
    assert sorted(event["message"] for event in events) == sorted(
        f"{name} {number}" for name in ["one", "two"] for number in range(5)
    )
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    only = logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="2024/t")
    assert {event["logStreamName"] for event in only["events"]} == {"2024/two"}


def test_what_does_not_exist_is_not_found(logs):
    for call, parameters in [
        (logs.describe_log_streams, {}),
        (logs.filter_log_events, {}),
        (logs.delete_log_group, {}),
        (logs.create_log_stream, {"logStreamName": "x"}),
        (logs.get_log_events, {"logStreamName": "x"}),
        (logs.put_retention_policy, {"retentionInDays": 7}),
        (logs.put_log_events, {"logStreamName": "x", "logEvents": [{"timestamp": now(), "message": "x"}]}),
    ]:
        refusal = refused(call, logGroupName="absent", **parameters)
        assert (refusal.status, refusal.code) == (400, "ResourceNotFoundException"), call
        assert refusal.message == "The specified log group does not exist.", call
    refusal = refused(logs.get_log_events, logGroupName=GROUP, logStreamName="absent")
    assert (refusal.code, refusal.message) == ("ResourceNotFoundException", "The specified log stream does not exist.")


def test_retention_is_set_and_removed(logs):
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    assert refused(logs.put_retention_policy, logGroupName=GROUP, retentionInDays=2).code == "InvalidParameterException"
    logs.delete_retention_policy(logGroupName=GROUP)
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_tags(aws, logs):
    arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:{GROUP}"
    logs.tag_resource(resourceArn=arn, tags={"team": "red", "stage": "test"})
    logs.untag_resource(resourceArn=arn, tagKeys=["stage"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "red"}
    logs.create_log_group(logGroupName="tagged", tags={"a": "b"})
    assert logs.list_tags_log_group(logGroupName="tagged")["tags"] == {"a": "b"}


def test_deleted_groups_and_streams_are_gone_with_their_events(logs):
    put(logs, "lost")
    logs.delete_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    assert logs.describe_log_streams(logGroupName=GROUP)["logStreams"] == []
    assert messages(logs.filter_log_events(logGroupName=GROUP)) == []
    logs.delete_log_group(logGroupName=GROUP)
    assert logs.describe_log_groups()["logGroups"] == []
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    assert messages(logs.get_log_events(logGroupName=GROUP, logStreamName=STREAM)) == []


def test_accounts_and_regions_have_their_own_logs(platform, aws, logs):
    for clients in [Clients(platform.endpoint, new_account()), Clients(platform.endpoint, aws.account, "eu-west-1")]:
        assert clients("logs").describe_log_groups()["logGroups"] == []


# --- Logs of functions ---


def test_a_functions_lines_arrive_whole_and_in_order(aws, functions):
    function = functions.create(
        "def handler(event, context):\n    for number in range(200):\n        print('line', number)\n"
    )
    invocation = function.invoke()
    group = f"/aws/lambda/{function.name}"
    wait_for(aws, function, "REPORT")
    found = events(aws, group)
    texts = [event["message"] for event in found]
    start = texts.index(f"START RequestId: {invocation.request_id} Version: $LATEST\n")
    assert texts[0].startswith("INIT_START Runtime Version: python:3.12")
    assert texts[start + 1 : start + 201] == [f"line {number}\n" for number in range(200)]
    assert texts[start + 201] == f"END RequestId: {invocation.request_id}\n"
    [stream] = aws("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert {event["logStreamName"] for event in found} == {stream["logStreamName"]}
    assert "[$LATEST]" in stream["logStreamName"]


def test_a_function_logs_where_it_is_told(aws, functions):
    function = functions.create(
        "def handler(event, context):\n    print('elsewhere')\n", LoggingConfig={"LogGroup": "/custom/group"}
    )
    function.answer()
    found = eventually(lambda: events(aws, "/custom/group", "elsewhere"), "the function's line")
    assert [event["message"] for event in found] == ["elsewhere\n"]
    assert [group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]] == ["/custom/group"]


def test_logs_outlive_their_function(aws, functions):
    function = functions.create("def handler(event, context):\n    print('kept')\n")
    function.answer()
    aws("lambda").delete_function(FunctionName=function.name)
    assert wait_for(aws, function, "kept") == ["kept\n"]
