"""DynamoDB by the document clients of both SDKs for JavaScript, by the AWS CLI, and by a REST handler on the document
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
    tables.create("documents", "id")
    assert node(aws, "documents", str(TESTS / "node" / "documents.cjs"), version).strip() == "done"


def test_a_rest_handler_keeps_its_items(tables, aws, tmp_path):
    tables.create("items", "id")
    # The handler finds the SDK beside itself, as in a package.
    modules = Path(os.environ["NODE_PATH"])
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "handler.mjs").write_text((EXAMPLES / "items" / "handler.mjs").read_text())
    script = tmp_path / "run.mjs"
    script.write_text(
        """
        import { handler } from "./handler.mjs";
        const call = async (httpMethod, id, body) => {
          const answer = await handler({ httpMethod, pathParameters: id && { id }, body: body && JSON.stringify(body) });
          return [answer.statusCode, JSON.parse(answer.body)];
        };
        const [, made] = await call("POST", null, { name: "pen", price: 2.5 });
        const answers = [
          await call("GET", made.id), await call("PUT", made.id, { price: 3, status: "sold" }), await call("GET"),
          await call("DELETE", made.id), await call("GET", made.id), await call("PUT", "none", { a: 1 }),
          await call("PATCH"),
        ];
        console.log(JSON.stringify({ made, answers }));
        """
    )
    seen = json.loads(node(aws, "items", str(script)))
    made, answers = seen["made"], seen["answers"]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 404, 404, 405]
    sold = {**made, "price": 3, "status": "sold"}
    assert (answers[0][1], answers[1][1], answers[2][1]) == (made, sold, {"items": [sold], "count": 1})


def test_the_command_line_walks_a_table(aws):
    def cli(*arguments):
        return aws_cli(aws, "dynamodb", *arguments)

    cli(
        "create-table", "--table-name", "walked", "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH",
    )  # fmt: skip
    cli("wait", "table-exists", "--table-name", "walked")
    cli("put-item", "--table-name", "walked", "--item", '{"pk": {"S": "a"}, "n": {"N": "1"}}')
    changed = cli(
        "update-item", "--table-name", "walked", "--key", '{"pk": {"S": "a"}}', "--update-expression", "ADD n :o",
        "--expression-attribute-values", '{":o": {"N": "41"}}', "--return-values", "ALL_NEW",
    )  # fmt: skip
    assert changed["Attributes"]["n"] == {"N": "42"}
    found = cli("execute-statement", "--statement", "SELECT n FROM walked WHERE pk = 'a'")
    assert found["Items"] == [{"n": {"N": "42"}}]
    assert cli("scan", "--table-name", "walked", "--select", "COUNT")["Count"] == 1
    cli("delete-table", "--table-name", "walked")
    assert "walked" not in cli("list-tables")["TableNames"]
