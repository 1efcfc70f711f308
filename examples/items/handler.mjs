// A REST API over one table: what API Gateway's proxy event asks for becomes a call of DynamoDB.
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";

const table = process.env.TABLE_NAME;
const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function create(item) {
  const stored = { ...item, id: randomUUID(), createdAt: new Date().toISOString() };
  await documents.send(
    new PutCommand({ TableName: table, Item: stored, ConditionExpression: "attribute_not_exists(id)" }),
  );
  return answer(201, stored);
}

async function change(id, changes) {
  const names = Object.keys(changes).filter((name) => name !== "id");
  const update = {
    TableName: table,
    Key: { id },
    ConditionExpression: "attribute_exists(id)",
    UpdateExpression: "SET " + names.map((_, place) => `#n${place} = :v${place}`).join(", "),
    ExpressionAttributeNames: Object.fromEntries(names.map((name, place) => [`#n${place}`, name])),
    ExpressionAttributeValues: Object.fromEntries(names.map((name, place) => [`:v${place}`, changes[name]])),
    ReturnValues: "ALL_NEW",
  };
  return answer(200, (await documents.send(new UpdateCommand(update))).Attributes);
}

async function handle({ httpMethod, pathParameters, body }) {
  const id = pathParameters?.id;
  switch (httpMethod) {
    case "GET": {
      if (!id) {
        const { Items, Count } = await documents.send(new ScanCommand({ TableName: table, Limit: 100 }));
        return answer(200, { items: Items, count: Count });
      }
      const { Item } = await documents.send(new GetCommand({ TableName: table, Key: { id } }));
      return Item ? answer(200, Item) : answer(404, { error: "no such item" });
    }
    case "POST":
      return create(JSON.parse(body));
    case "PUT":
      return change(id, JSON.parse(body));
    case "DELETE": {
      const removed = await documents.send(
        new DeleteCommand({ TableName: table, Key: { id }, ReturnValues: "ALL_OLD" }),
      );
      return removed.Attributes ? answer(200, removed.Attributes) : answer(404, { error: "no such item" });
    }
    default:
      return answer(405, { error: "method not allowed" });
  }
}

export async function handler(event) {
  try {
    return await handle(event);
  } catch (error) {
    if (error.name === "ConditionalCheckFailedException") return answer(404, { error: "no such item" });
    throw error;
  }
}
