// Members of a club over one table: found by their id, by their address through an index, and all of them page by page.
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";

const table = process.env.TABLE_NAME;
const documents = DynamoDBDocumentClient.from(new DynamoDBClient({}));

const answer = (statusCode, body) => ({
  statusCode,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function byAddress(address) {
  const { Items } = await documents.send(
    new QueryCommand({
      TableName: table,
      IndexName: "by-address",
      KeyConditionExpression: "address = :address",
      ExpressionAttributeValues: { ":address": address },
    }),
  );
  return Items;
}

async function join({ name, address }) {
  if ((await byAddress(address)).length > 0) return answer(409, { error: "this address is taken" });
  const member = { id: randomUUID(), name, address };
  await documents.send(
    new PutCommand({ TableName: table, Item: member, ConditionExpression: "attribute_not_exists(id)" }),
  );
  return answer(201, member);
}

async function page({ limit = "50", after, name }) {
  const { Items, LastEvaluatedKey } = await documents.send(
    new ScanCommand({
      TableName: table,
      Limit: Number(limit),
      ExclusiveStartKey: after && { id: after },
      ...(name && {
        FilterExpression: "contains(#name, :name)",
        ExpressionAttributeNames: { "#name": "name" },
        ExpressionAttributeValues: { ":name": name },
      }),
    }),
  );
  return answer(200, { members: Items, next: LastEvaluatedKey?.id ?? null });
}

export async function handler({ httpMethod, pathParameters, queryStringParameters, body }) {
  const id = pathParameters?.id;
  const query = queryStringParameters ?? {};
  if (httpMethod === "POST") return join(JSON.parse(body));
  if (httpMethod !== "GET") return answer(405, { error: "method not allowed" });
  if (query.address) return answer(200, { members: await byAddress(query.address), next: null });
  if (!id) return page(query);
  const { Item } = await documents.send(new GetCommand({ TableName: table, Key: { id } }));
  return Item ? answer(200, Item) : answer(404, { error: "no such member" });
}
