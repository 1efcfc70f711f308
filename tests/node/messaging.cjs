// Walks queues, topics and buses with the AWS SDK for JavaScript, version 2 or 3. Arguments: version, endpoint, access
// key, a name. Prints one JSON document.

const [version, endpoint, accessKeyId, name] = process.argv.slice(2);
const credentials = { accessKeyId, secretAccessKey: "secret" };

/** Clients whose operations are called by name and answer promises. */
function clients() {
  if (version === "2") {
    process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
    const AWS = require("aws-sdk");
    const settings = { endpoint, region: "us-east-1", credentials };
    const promised = (client) =>
      new Proxy(client, { get: (target, operation) => (input) => target[operation](input).promise() });
    return {
      sqs: promised(new AWS.SQS(settings)),
      sns: promised(new AWS.SNS(settings)),
      events: promised(new AWS.EventBridge(settings)),
    };
  }
  const settings = { endpoint, region: "us-east-1", credentials };
  return {
    sqs: new (require("@aws-sdk/client-sqs").SQS)(settings),
    sns: new (require("@aws-sdk/client-sns").SNS)(settings),
    events: new (require("@aws-sdk/client-eventbridge").EventBridge)(settings),
  };
}

async function main() {
  const { sqs, sns, events } = clients();
  const { QueueUrl } = await sqs.createQueue({ QueueName: name });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["QueueArn"] });
  const Statement = [{ Effect: "Allow", Principal: "*", Action: "sqs:SendMessage", Resource: Attributes.QueueArn }];
  await sqs.setQueueAttributes({ QueueUrl, Attributes: { Policy: JSON.stringify({ Statement }) } });
  const { TopicArn } = await sns.createTopic({ Name: name });
  await sns.subscribe({ TopicArn, Protocol: "sqs", Endpoint: Attributes.QueueArn, Attributes: { RawMessageDelivery: "true" } });
  await events.putRule({ Name: name, EventPattern: JSON.stringify({ source: ["shop"] }) });
  await events.putTargets({ Rule: name, Targets: [{ Id: "queue", Arn: Attributes.QueueArn, InputPath: "$.detail" }] });

  const sent = await sqs.sendMessageBatch({
    QueueUrl,
    Entries: [
      { Id: "a", MessageBody: "directly", MessageAttributes: { n: { DataType: "Number", StringValue: "1" } } },
      { Id: "b", MessageBody: "" },
    ],
  });
  await sns.publish({ TopicArn, Message: "from the topic" });
  const put = await events.putEvents({ Entries: [{ Source: "shop", DetailType: "sold", Detail: '{"from":"the bus"}' }] });

  const bodies = [];
  while (bodies.length < 3) {
    // Both versions of the SDK check the MD5 of what they receive.
    const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ["All"] });
    for (const message of Messages) {
      bodies.push(message.Body);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message.ReceiptHandle });
    }
  }
  const refusal = await sqs.getQueueUrl({ QueueName: "nowhere" }).catch((error) => error.code || error.name);
  await sqs.deleteQueue({ QueueUrl });
  console.log(
    JSON.stringify({
      sent: sent.Successful.map((entry) => entry.Id),
      failed: sent.Failed.map((entry) => entry.Code),
      put: put.FailedEntryCount,
      bodies: bodies.sort(),
      refusal,
    }),
  );
}

main();
