// Calls operations with the AWS SDK for JavaScript, version 2 or 3. Arguments: version, endpoint, access key. Each line of
// the input is a call, `{service, operation, input}`; each line of the output its answer, `{answer}` or `{code}`.

const readline = require("node:readline");

const [version, endpoint, accessKeyId] = process.argv.slice(2);
const settings = { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey: "secret" }, maxAttempts: 1 };

/** Class and package of a service's client. */
const names = {
  sqs: ["SQS", "sqs"],
  sns: ["SNS", "sns"],
  events: ["EventBridge", "eventbridge"],
  scheduler: ["Scheduler", "scheduler"],
  kinesis: ["Kinesis", "kinesis"],
  pipes: ["Pipes", "pipes"],
};

const clients = {};

function client(service) {
  const [name, folder] = names[service];
  if (!clients[service]) {
    const module = version === "2" ? require("aws-sdk") : require(`@aws-sdk/client-${folder}`);
    clients[service] = new module[name](settings);
  }
  return clients[service];
}

/** An input with bytes where `{bytes}` stands for them. */
function withBytes(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(withBytes);
  if (Object.keys(value).join() === "bytes") return Buffer.from(value.bytes);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withBytes(inner)]));
}

async function call({ service, operation, input }) {
  const method = operation[0].toLowerCase() + operation.slice(1);
  const called = client(service)[method](withBytes(input));
  try {
    return { answer: await (version === "2" ? called.promise() : called) };
  } catch (error) {
    return { code: error.code || error.name };
  }
}

async function main() {
  process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await call(JSON.parse(line))));
  }
  process.exit(0);
}

main();
