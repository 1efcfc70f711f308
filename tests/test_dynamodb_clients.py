"""DynamoDB by the document clients of both SDKs for JavaScript, by the AWS CLI, and by handlers on the document
client."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.commands import aws_cli
from support.tables import Tables
from support.traca import PATIENCE_SECONDS

TESTS = Path(__file__).parent
EXAMPLES = TESTS.parent / "examples"


@pytest.fixture
def tables(aws):
    return Tables(aws)


def node(aws, table, *arguments):
    """What a program of Node prints."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **inherited,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_REGION": aws.region,
        "AWS_ACCESS_KEY_ID": aws.account,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1",
        "TABLE_NAME": table,
    }
    ended = subprocess.run(
        ["node", *arguments], env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("version", ["3", "2"])
def test_the_document_clients_of_javascript(tables, aws, version):
    tables.create(
        "documents",
        "id",
        "count:N",
        locals_={"by-extent": ("id", "extent:N", "ALL")},
        globals_={"by-group": ("group", None, "ALL")},
    )
    assert node(aws, "documents", str(TESTS / "node" / "documents.cjs"), version).strip() == "done"


def handled(aws, tmp_path, example, table, script):
    """What a script gets from an example's handler, called as API Gateway's proxy does: `[status, body]` of each call."""
    # The handler finds the SDK beside itself, as in a package.
    (tmp_path / "node_modules").symlink_to(Path(os.environ["NODE_PATH"]))
    (tmp_path / "handler.mjs").write_text((EXAMPLES / example / "handler.mjs").read_text())
    program = tmp_path / "run.mjs"
    program.write_text(
        """
        import { handler } from "./handler.mjs";
        const call = async (httpMethod, id, body, queryStringParameters) => {
          const pathParameters = id && { id };
          const event = { httpMethod, pathParameters, queryStringParameters, body: body && JSON.stringify(body) };
          const answer = await handler(event);
          return [answer.statusCode, JSON.parse(answer.body)];
        };
        """
        + script
    )
    return json.loads(node(aws, table, str(program)))


def test_a_rest_handler_keeps_its_items(tables, aws, tmp_path):
    tables.create("items", "id")
    made, *answers = handled(
        aws,
        tmp_path,
        "items",
        "items",
        """
        const [, made] = await call("POST", null, { name: "pen", price: 2.5 });
        console.log(JSON.stringify([
          made, await call("GET", made.id), await call("PUT", made.id, { price: 3, status: "sold" }), await call("GET"),
          await call("DELETE", made.id), await call("GET", made.id), await call("PUT", "none", { a: 1 }),
          await call("PATCH"),
        ]));
        """,
    )
    assert [status for status, _ in answers] == [200, 200, 200, 200, 404, 404, 405]
    sold = {**made, "price": 3, "status": "sold"}
    assert (answers[0][1], answers[1][1], answers[2][1]) == (made, sold, {"items": [sold], "count": 1})


def test_a_handler_finds_members_by_index_and_page_by_page(tables, aws, tmp_path):
    tables.create("members", "id", globals_={"by-address": ("address", None, "ALL")})
    made, again, found, first, rest, some = handled(
        aws,
        tmp_path,
        "members",
        "members",
        """
        const made = [];
        for (const name of ["Ann", "Bob", "Cid"]) {
          made.push((await call("POST", null, { name, address: `${name}@example.org` }))[1]);
        }
        const again = await call("POST", null, { name: "Eve", address: "Bob@example.org" });
        const found = await call("GET", null, null, { address: "Cid@example.org" });
        const first = await call("GET", null, null, { limit: "2" });
        const rest = await call("GET", null, null, { limit: "2", after: first[1].next });
        const some = await call("GET", null, null, { name: "nn" });
        console.log(JSON.stringify([made, again, found, first, rest, some]));
        """,
    )
    assert again[0] == 409
    assert found == [200, {"members": [made[2]], "next": None}]
    assert (len(first[1]["members"]), len(rest[1]["members"]), rest[1]["next"]) == (2, 1, None)
    by_name = sorted(first[1]["members"] + rest[1]["members"], key=lambda member: member["name"])
    assert by_name == made
    assert some[1]["members"] == [made[0]]


# What the command line is asked, and where in the answer is what.
WALK = [
    ("put-item --table-name walked --item {'pk':{'S':'a'},'sk':{'N':'1'},'n':{'N':'1'},'g':{'S':'x'}}", None, None),
    ("put-item --table-name walked --item {'pk':{'S':'a'},'sk':{'N':'2'},'l':{'N':'9'}} --return-item-collection-metrics SIZE",
     "ItemCollectionMetrics.ItemCollectionKey", {"pk": {"S": "a"}}),
    ("update-item --table-name walked --key {'pk':{'S':'a'},'sk':{'N':'1'}} --update-expression ADD~n~:o "
     "--expression-attribute-values {':o':{'N':'41'}} --return-values UPDATED_NEW", "Attributes", {"n": {"N": "42"}}),
    ("get-item --table-name walked --key {'pk':{'S':'a'},'sk':{'N':'1'}} --projection-expression n", "Item", {"n": {"N": "42"}}),
    ("query --table-name walked --key-condition-expression pk=:p~and~sk>:s --expression-attribute-values "
     "{':p':{'S':'a'},':s':{'N':'1'}} --select COUNT", "Count", 1),
    ("query --table-name walked --index-name by-g --key-condition-expression g=:g --expression-attribute-values {':g':{'S':'x'}}",
     "Items.0.n", {"N": "42"}),
    ("query --table-name walked --index-name by-l --key-condition-expression pk=:p --expression-attribute-values {':p':{'S':'a'}}",
     "Items.0.sk", {"N": "2"}),
    ("scan --table-name walked --filter-expression attribute_exists(l) --return-consumed-capacity TOTAL", "ScannedCount", 2),
    ("scan --table-name walked --max-items 1", "Items.0.pk", {"S": "a"}),
    ("batch-write-item --request-items {'walked':[{'PutRequest':{'Item':{'pk':{'S':'b'},'sk':{'N':'0'}}}}]}", "UnprocessedItems", {}),
    ("batch-get-item --request-items {'walked':{'Keys':[{'pk':{'S':'b'},'sk':{'N':'0'}}]}}", "Responses.walked.0.pk", {"S": "b"}),
    ("transact-write-items --transact-items [{'Delete':{'TableName':'walked','Key':{'pk':{'S':'b'},'sk':{'N':'0'}}}}]", None, None),
    ("transact-get-items --transact-items [{'Get':{'TableName':'walked','Key':{'pk':{'S':'a'},'sk':{'N':'2'}}}}]",
     "Responses.0.Item.l", {"N": "9"}),
    ("execute-statement --statement SELECT~n~FROM~walked~WHERE~pk='a'~AND~sk=1", "Items", [{"n": {"N": "42"}}]),
    ("batch-execute-statement --statements [{'Statement':'SELECT~l~FROM~walked~WHERE~pk=`a`~AND~sk=2'}]", "Responses.0.Item.l", {"N": "9"}),
    ("execute-transaction --transact-statements [{'Statement':'UPDATE~walked~SET~n=7~WHERE~pk=`a`~AND~sk=1'}]", None, None),
    ("delete-item --table-name walked --key {'pk':{'S':'a'},'sk':{'N':'1'}} --return-values ALL_OLD", "Attributes.n", {"N": "7"}),
    ("update-time-to-live --table-name walked --time-to-live-specification Enabled=true,AttributeName=until",
     "TimeToLiveSpecification.AttributeName", "until"),
    ("update-continuous-backups --table-name walked --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
     "ContinuousBackupsDescription.ContinuousBackupsStatus", "ENABLED"),
    ("create-backup --table-name walked --backup-name kept", "BackupDetails.BackupName", "kept"),
    ("list-backups --table-name walked", "BackupSummaries.0.BackupName", "kept"),
    ("describe-limits", "AccountMaxReadCapacityUnits", 80000),
    ("update-table --table-name walked --deletion-protection-enabled", "TableDescription.DeletionProtectionEnabled", True),
    ("update-table --table-name walked --no-deletion-protection-enabled", "TableDescription.DeletionProtectionEnabled", False),
    ("delete-table --table-name walked", "TableDescription.TableStatus", "DELETING"),
]  # fmt: skip


def test_the_command_line_walks_a_table(tables, aws):
    tables.create(
        "walked", "pk", "sk:N", locals_={"by-l": ("pk", "l:N", "ALL")}, globals_={"by-g": ("g", None, "ALL")}
    )
    for line, path, expected in WALK:
        # Words of one argument are joined, and quotes are written so that lines need none of their own.
        words = [word.replace("~", " ") for word in line.split()]
        read = [word.replace("'", '"').replace("`", "'") if word[0] in "{[" else word for word in words]
        found = aws_cli(aws, "dynamodb", *read)
        for step in path.split(".") if path else []:
            found = found[int(step) if step.isdigit() else step]
        assert path is None or found == expected, line
    assert "walked" not in aws_cli(aws, "dynamodb", "list-tables")["TableNames"]
