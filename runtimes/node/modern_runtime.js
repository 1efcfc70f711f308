'use strict';

// The invocation loop since Node.js 24: handlers are asynchronous or plain functions, never callback-based, the event
// loop is not waited for, and an uncaught error ends the process as in any Node.js program.

const { environmentFields, exportTraceHeader, invocationFields } = require('./context.js');
const { MODERN_ERRORS } = require('./errors.js');
const { setInvocation } = require('./logging.js');
const { isStreaming, runStreamingHandler } = require('./streaming.js');

/** What Node.js exits with when the main module's await never settles: here, a handler's promise. */
const EXIT_UNSETTLED_PROMISE = 13;

const CALLBACK_ERROR = 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with ' +
  'Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For ' +
  'more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

/** One turn of the event loop, so that what the handler left ready to run runs before the answer. */
function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

class BufferedInvokeProcessor {
  #client;
  #logError;

  constructor(client, logError, handler) {
    this.#client = client;
    this.#logError = logError;
    this.handler = handler;
    this.streaming = isStreaming(handler);
  }

  async processInvoke(headers, body) {
    const requestId = headers.get('lambda-runtime-aws-request-id');
    setInvocation(requestId, headers.get('lambda-runtime-aws-tenant-id'));
    exportTraceHeader(headers);
    const context = { ...invocationFields(headers), ...environmentFields() };
    const event = JSON.parse(body);
    try {
      await (this.streaming ? this.#respondStreaming(event, context) : this.#respond(event, context));
    } catch (error) {
      await turn();
      this.#logError('Invoke Error', error);
      await new Promise((resolve) => this.#client.postError(requestId, error, resolve));
    }
  }

  async #respond(event, context) {
    const result = await this.handler(event, context);
    await turn();
    await new Promise((resolve) =>
      this.#client.postResult(context.awsRequestId, result, resolve, MODERN_ERRORS.JSONStringifyError));
  }

  async #respondStreaming(event, context) {
    const stream = await runStreamingHandler(this, this.#client, event, context);
    await new Promise((resolve) => stream.complete(resolve));
  }
}

async function initialise(client, logError, load) {
  try {
    const handler = await load();
    const processor = new BufferedInvokeProcessor(client, logError, handler);
    if (handler.length >= 3 && !processor.streaming) throw new MODERN_ERRORS.CallbackHandlerDeprecated(CALLBACK_ERROR);
    return processor;
  } catch (error) {
    logError('Init Error', error);
    await new Promise((resolve) => client.postInitError(error, resolve));
    throw error;
  }
}

/** Runs the modern loop for ever; throws when the function cannot be initialised. */
async function runModern(client, logError, load) {
  process.on('beforeExit', () => process.exit(EXIT_UNSETTLED_PROMISE));
  const processor = await initialise(client, logError, load);
  for (;;) {
    const [headers, body] = await new Promise((resolve) => client.next((...invocation) => resolve(invocation)));
    await processor.processInvoke(headers, body);
  }
}

module.exports = { runModern };
