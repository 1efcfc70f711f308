// What the document clients of both SDKs for JavaScript do with a table: version 3 (lib-dynamodb), and version 2 if asked.
const assert = require("node:assert");

const table = process.env.TABLE_NAME;
const item = { id: "one", count: 1, list: [1, "two", { three: true }], empty: "", nothing: null, tags: ["a"] };

async function version3() {
  const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
  const lib = require("@aws-sdk/lib-dynamodb");
  const client = lib.DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const send = (name, input) => client.send(new lib[`${name}Command`]({ TableName: table, ...input }));
  await send("Put", { Item: { ...item, set: new Set(["x", "y"]) } });
  const found = await send("Get", { Key: { id: "one" }, ConsistentRead: true });
  assert.deepStrictEqual(found.Item, { ...item, set: new Set(["x", "y"]) });
  const changed = await send("Update", {
    Key: { id: "one" },
    UpdateExpression: "ADD #c :one",
    ExpressionAttributeNames: { "#c": "count" },
    ExpressionAttributeValues: { ":one": 1 },
    ReturnValues: "UPDATED_NEW",
  });
  assert.deepStrictEqual(changed.Attributes, { count: 2 });
  const queried = await send("Query", {
    KeyConditionExpression: "id = :id",
    ExpressionAttributeValues: { ":id": "one" },
  });
  assert.strictEqual(queried.Count, 1);
  const write = { RequestItems: { [table]: [{ PutRequest: { Item: { id: "two" } } }] } };
  assert.deepStrictEqual((await client.send(new lib.BatchWriteCommand(write))).UnprocessedItems, {});
  const cancelled = client.send(
    new lib.TransactWriteCommand({
      TransactItems: [
        { Put: { TableName: table, Item: { id: "two" }, ConditionExpression: "attribute_not_exists(id)" } },
      ],
    }),
  );
  const error = await cancelled.catch((error) => error);
  assert.strictEqual(error.name, "TransactionCanceledException");
  assert.strictEqual(error.CancellationReasons[0].Code, "ConditionalCheckFailed");
  const stated = await client.send(new lib.ExecuteStatementCommand({ Statement: `SELECT id FROM "${table}"` }));
  assert.deepStrictEqual(stated.Items.map(({ id }) => id).sort(), ["one", "two"]);
  let scanned = 0;
  for await (const page of lib.paginateScan({ client, pageSize: 1 }, { TableName: table })) scanned += page.Count;
  assert.strictEqual(scanned, 2);
  for (const id of ["one", "two"]) await send("Delete", { Key: { id } });
}

async function version2() {
  const AWS = require("aws-sdk");
  const client = new AWS.DynamoDB.DocumentClient({ endpoint: process.env.AWS_ENDPOINT_URL });
  const call = (name, input) => client[name]({ TableName: table, ...input }).promise();
  await call("put", { Item: { ...item, set: client.createSet(["x", "y"]) } });
  const { Item } = await call("get", { Key: { id: "one" } });
  assert.deepStrictEqual([...Item.set.values].sort(), ["x", "y"]);
  assert.deepStrictEqual({ ...Item, set: undefined }, { ...item, set: undefined });
  const update = { UpdateExpression: "REMOVE nothing", ReturnValues: "ALL_NEW" };
  assert.ok(!("nothing" in (await call("update", { Key: { id: "one" }, ...update })).Attributes));
  const query = { KeyConditionExpression: "id = :id", ExpressionAttributeValues: { ":id": "one" } };
  assert.strictEqual((await call("query", query)).Count, 1);
  assert.strictEqual((await call("scan", {})).Count, 1);
  const got = await client.batchGet({ RequestItems: { [table]: { Keys: [{ id: "one" }] } } }).promise();
  assert.strictEqual(got.Responses[table].length, 1);
  const error = await client
    .transactWrite({ TransactItems: [{ Delete: { TableName: table, Key: { id: "x" }, ConditionExpression: "attribute_exists(id)" } }] })
    .promise()
    .catch((error) => error);
  assert.strictEqual(error.code, "TransactionCanceledException");
  await call("delete", { Key: { id: "one" } });
}

(process.argv[2] === "2" ? version2 : version3)().then(() => console.log("done"));
