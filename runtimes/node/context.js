'use strict';

// The parts of a handler's `context` that come from the environment and from the headers of the invocation.

function parseJsonHeader(text, name) {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error.toString()}`);
  }
}

let environment; // Read once: reading a variable costs about a microsecond.

/** What is the same for every invocation of this environment. */
function environmentFields() {
  environment ??= {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
  return environment;
}

/** What this invocation's headers say. Throws when the client context or the identity is not JSON. */
function invocationFields(headers) {
  const deadline = Number(headers.get('lambda-runtime-deadline-ms'));
  return {
    clientContext: parseJsonHeader(headers.get('lambda-runtime-client-context'), 'ClientContext'),
    identity: parseJsonHeader(headers.get('lambda-runtime-cognito-identity'), 'CognitoIdentity'),
    invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn'),
    awsRequestId: headers.get('lambda-runtime-aws-request-id'),
    tenantId: headers.get('lambda-runtime-aws-tenant-id'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

let exportedTrace = process.env._X_AMZN_TRACE_ID;

/** Tracing libraries read the trace header of the current invocation from the environment. */
function exportTraceHeader(headers) {
  const trace = headers.get('lambda-runtime-trace-id');
  if (trace === exportedTrace) return;
  exportedTrace = trace;
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
}

module.exports = { environmentFields, invocationFields, exportTraceHeader };
