// Kinesis with AWS's client for JavaScript: a record is written, read back, and sent to an enhanced consumer.

const {
  DescribeStreamConsumerCommand, GetRecordsCommand, GetShardIteratorCommand, KinesisClient, PutRecordCommand,
  RegisterStreamConsumerCommand, SubscribeToShardCommand,
} = require("@aws-sdk/client-kinesis");

const [endpoint, account] = process.argv.slice(2);
const client = new KinesisClient({
  endpoint, region: "us-east-1", credentials: { accessKeyId: account, secretAccessKey: "secret" },
});

async function main() {
  const ShardId = "shardId-000000000000";
  await client.send(new PutRecordCommand({ StreamName: "scripted", PartitionKey: "a", Data: Buffer.from("from-node") }));
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({ StreamName: "scripted", ShardId, ShardIteratorType: "TRIM_HORIZON" }));
  const { Records } = await client.send(new GetRecordsCommand({ ShardIterator }));
  console.log(`read:${Buffer.from(Records[0].Data)}`);
  const StreamARN = `arn:aws:kinesis:us-east-1:${account}:stream/scripted`;
  const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: "node" }));
  const { ConsumerARN } = Consumer;
  for (;;) {
    const { ConsumerDescription } = await client.send(new DescribeStreamConsumerCommand({ ConsumerARN }));
    if (ConsumerDescription.ConsumerStatus === "ACTIVE") break;
  }
  const { EventStream } = await client.send(
    new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition: { Type: "TRIM_HORIZON" } }));
  for await (const { SubscribeToShardEvent: event } of EventStream) {
    if (event && event.Records.length > 0) {
      console.log(`event:${Buffer.from(event.Records[0].Data)}`);
      break;
    }
  }
  client.destroy();
  process.exit(0);
}

main();
