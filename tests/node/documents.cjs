// What the document clients of both SDKs for JavaScript do with a table: version 3 (lib-dynamodb), and version 2 if asked.
const assert = require("node:assert");

const table = process.env.TABLE_NAME;
const item = { id: "one", count: 1, list: [1, "two", { three: true }], empty: "", nothing: null, tags: ["a"], group: "g" };
const Key = { id: "one", count: 1 };
const byId = { KeyConditionExpression: "id = :id", ExpressionAttributeValues: { ":id": "one" } };

// Calls of the table, and what of the answer is what. Both clients name them alike.
const STEPS = [
  ["put", { Item: item }, {}],
  ["put", { Item: { id: "one", count: 2, extent: 5 }, ReturnValues: "ALL_OLD" }, { Attributes: undefined }],
  ["get", { Key, ConsistentRead: true }, { Item: item }],
  ["get", { Key, ProjectionExpression: "#l[2].three", ExpressionAttributeNames: { "#l": "list" } }, { Item: { list: [{ three: true }] } }],
  ["get", { Key: { id: "none", count: 0 } }, { Item: undefined }],
  [
    "update",
    { Key, UpdateExpression: "ADD visits :two REMOVE nothing", ExpressionAttributeValues: { ":two": 2 }, ReturnValues: "UPDATED_NEW" },
    { Attributes: { visits: 2 } },
  ],
  [
    "update",
    { Key, UpdateExpression: "SET visits = :v", ConditionExpression: "visits > :v", ExpressionAttributeValues: { ":v": 2 } },
    "ConditionalCheckFailedException",
  ],
  ["query", byId, { Count: 2 }],
  ["query", { ...byId, ScanIndexForward: false, Limit: 1 }, { Count: 1, LastEvaluatedKey: { id: "one", count: 2 } }],
  ["query", { ...byId, ExclusiveStartKey: Key, Select: "COUNT" }, { Count: 1, Items: undefined }],
  ["query", { ...byId, IndexName: "by-extent" }, { Items: [{ id: "one", count: 2, extent: 5 }] }],
  [
    "query",
    {
      IndexName: "by-group", KeyConditionExpression: "#g = :g", ExpressionAttributeNames: { "#g": "group" },
      ExpressionAttributeValues: { ":g": "g" },
    },
    { Count: 1 },
  ],
  ["scan", { FilterExpression: "attribute_exists(extent)" }, { Count: 1, ScannedCount: 2 }],
  ["scan", { TotalSegments: 2, Segment: 0, Select: "COUNT", IndexName: "by-group" }, {}],
  ["batchWrite", { RequestItems: { [table]: [{ PutRequest: { Item: { id: "two", count: 0 } } }] } }, { UnprocessedItems: {} }],
  ["batchGet", { RequestItems: { [table]: { Keys: [{ id: "two", count: 0 }] } } }, { Responses: { [table]: [{ id: "two", count: 0 }] } }],
  ["transactWrite", { TransactItems: [{ Put: { TableName: table, Item: { id: "three", count: 0 } } }] }, {}],
  [
    "transactWrite",
    { TransactItems: [{ ConditionCheck: { TableName: table, Key, ConditionExpression: "attribute_not_exists(id)" } }] },
    "TransactionCanceledException",
  ],
  ["transactGet", { TransactItems: [{ Get: { TableName: table, Key: { id: "three", count: 0 } } }] }, { Responses: [{ Item: { id: "three", count: 0 } }] }],
  ["delete", { Key: { id: "three", count: 0 }, ReturnValues: "ALL_OLD" }, { Attributes: { id: "three", count: 0 } }],
  ["put", { Item: { id: "one" } }, "ValidationException"],
];

// Statements of PartiQL, which the older client has no words for.
const STATEMENTS = [
  ["executeStatement", { Statement: `SELECT extent FROM "${table}" WHERE id = 'one' AND "count" = 2` }, { Items: [{ extent: 5 }] }],
  ["batchExecuteStatement", { Statements: [{ Statement: `SELECT * FROM "${table}" WHERE id = 'x' AND "count" = 2` }] }, {}],
  ["executeTransaction", { TransactStatements: [{ Statement: `DELETE FROM "${table}" WHERE id = 'two' AND "count" = 0` }] }, {}],
];

async function walk(steps, call, codeOf) {
  for (const [name, input, expected] of steps) {
    const tableless = /batch|transact|execute/i.test(name);
    const outcome = await call(name, tableless ? input : { TableName: table, ...input }).catch((error) => error);
    if (typeof expected === "string") {
      assert.strictEqual(codeOf(outcome), expected, name);
      continue;
    }
    assert.ok(!(outcome instanceof Error), `${name} ${JSON.stringify(input)}: ${outcome}`);
    for (const member in expected) assert.deepStrictEqual(outcome[member], expected[member], `${name}: ${member}`);
  }
}

async function version3() {
  const { DynamoDBClient } = require("@aws-sdk/client-dynamodb");
  const lib = require("@aws-sdk/lib-dynamodb");
  const client = lib.DynamoDBDocumentClient.from(new DynamoDBClient({}));
  const call = (name, input) => client.send(new lib[`${name[0].toUpperCase()}${name.slice(1)}Command`](input));
  await walk([...STEPS, ...STATEMENTS], call, (error) => error.name);
  const set = new Set(["x", "y"]);
  await call("put", { TableName: table, Item: { id: "set", count: 0, set } });
  assert.deepStrictEqual((await call("get", { TableName: table, Key: { id: "set", count: 0 } })).Item.set, set);
  let scanned = 0;
  for await (const page of lib.paginateScan({ client, pageSize: 1 }, { TableName: table })) scanned += page.Count;
  assert.strictEqual(scanned, 3);
}

async function version2() {
  const AWS = require("aws-sdk");
  const client = new AWS.DynamoDB.DocumentClient({ endpoint: process.env.AWS_ENDPOINT_URL });
  const call = (name, input) => client[name](input).promise();
  await walk(STEPS, call, (error) => error.code);
  await call("put", { TableName: table, Item: { id: "set", count: 0, set: client.createSet(["x", "y"]) } });
  const { Item } = await call("get", { TableName: table, Key: { id: "set", count: 0 } });
  assert.deepStrictEqual([...Item.set.values].sort(), ["x", "y"]);
}

(process.argv[2] === "2" ? version2 : version3)().then(() => console.log("done"));
