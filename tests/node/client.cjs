// Creates, describes, invokes, updates and deletes a function, reads its log and asks who it is, as a program that uses
// the AWS SDK for JavaScript would. Arguments: endpoint, access key, zip file, zip file of the update. Prints one JSON
// document.

const { readFile } = require("node:fs/promises");
const { setTimeout: sleep } = require("node:timers/promises");
const { CloudWatchLogs } = require("@aws-sdk/client-cloudwatch-logs");
const { Lambda, waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2 } = require("@aws-sdk/client-lambda");
const { STS } = require("@aws-sdk/client-sts");

const NAME = "from-node";

// Longest wait for a function or its log; only failures wait for it.
const PATIENCE_SECONDS = 120;

// Between two looks at a log that is still being written.
const LOOK_MILLISECONDS = 50;

async function invoke(lambda) {
  const answer = await lambda.invoke({ FunctionName: NAME, LogType: "Tail", Payload: JSON.stringify({ name: "Ada" }) });
  return { status: answer.StatusCode, payload: JSON.parse(answer.Payload.transformToString()), log: answer.LogResult };
}

/** The lines that the function has printed, once they are there. */
async function log(logs) {
  const deadline = Date.now() + PATIENCE_SECONDS * 1000;
  while (Date.now() < deadline) {
    // The group appears with its first lines.
    const answer = await logs
      .filterLogEvents({ logGroupName: `/aws/lambda/${NAME}`, filterPattern: "greeting" })
      .catch((error) => ({ events: [], error }));
    if (answer.error && answer.error.name !== "ResourceNotFoundException") throw answer.error;
    if (answer.events.length > 0) return answer.events.map((event) => event.message);
    await sleep(LOOK_MILLISECONDS);
  }
  throw new Error("the function's log never came");
}

async function main([endpoint, accessKeyId, packagePath, updatePath]) {
  const settings = { endpoint, region: "us-east-1", credentials: { accessKeyId, secretAccessKey: "secret" } };
  const lambda = new Lambda(settings);
  const waiter = { client: lambda, maxWaitTime: PATIENCE_SECONDS, minDelay: 1, maxDelay: 1 };
  const identity = await new STS(settings).getCallerIdentity({});
  const created = await lambda.createFunction({
    FunctionName: NAME,
    Runtime: "python3.12",
    Handler: "app.handler",
    Role: "arn:aws:iam::000000000000:role/function",
    Code: { ZipFile: await readFile(packagePath) },
  });
  await waitUntilFunctionActiveV2(waiter, { FunctionName: NAME });
  const first = await invoke(lambda);
  const events = await log(new CloudWatchLogs(settings));
  await lambda.updateFunctionCode({ FunctionName: NAME, ZipFile: await readFile(updatePath) });
  await waitUntilFunctionUpdatedV2(waiter, { FunctionName: NAME });
  const second = await invoke(lambda);
  const described = await lambda.getFunction({ FunctionName: NAME });
  await lambda.deleteFunction({ FunctionName: NAME });
  const refusal = await lambda.getFunction({ FunctionName: NAME }).catch((error) => [error.name, error.message]);
  const document = {
    account: identity.Account, arn: created.FunctionArn, first, second, events, location: described.Code.Location, refusal,
  };
  console.log(JSON.stringify(document));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
