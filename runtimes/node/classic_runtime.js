'use strict';

// The invocation loop of the runtimes up to Node.js 22: handlers may take a callback, a response given to it waits for
// an empty event loop, and uncaught errors are reported as the invocation's error.

const { environmentFields, exportTraceHeader, invocationFields } = require('./context.js');
const { UnhandledPromiseRejection } = require('./errors.js');
const { setInvocation } = require('./logging.js');
const { isStreaming, runStreamingHandler } = require('./streaming.js');

const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

/** What Node.js itself exits with when a top-level await never settles. */
const EXIT_UNSETTLED_TOP_LEVEL_AWAIT = 13;

const CALLBACK_WARNING = 'AWS Lambda plans to remove support for callback-based function handlers starting with ' +
  'Node.js 24. You will need to update this function to use an async handler to use Node.js 24 or later. For more ' +
  'information and to provide feedback on this change, see ' +
  'https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. To disable this warning, set the ' +
  'AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.';

function isThenable(value) {
  return Boolean(value) && typeof value.then === 'function';
}

/** Lets only the first of several functions run, and that one only once, unless it throws. */
function firstOnly(...functions) {
  let finished = false;
  return functions.map((wrapped) => (...values) => {
    if (finished) return;
    wrapped(...values);
    finished = true;
  });
}

class Runtime {
  #client;
  #logError;
  #onEmptyLoop;
  #requestId; // Of the invocation being handled; none while the function initialises.
  #failing = false;

  constructor(client, logError) {
    this.#client = client;
    this.#logError = logError;
    this.#onEmptyLoop = () => process.exit(EXIT_UNSETTLED_TOP_LEVEL_AWAIT);
    process.on('beforeExit', () => this.#onEmptyLoop());
    process.on('uncaughtException', (error) => {
      this.#logError('Uncaught Exception', error);
      this.#failAndExit(error, EXIT_UNCAUGHT_EXCEPTION);
    });
    process.on('unhandledRejection', (reason, promise) => {
      const error = new UnhandledPromiseRejection(reason, promise);
      this.#logError('Unhandled Promise Rejection', error);
      this.#failAndExit(error, EXIT_UNHANDLED_REJECTION);
    });
  }

  start(handler) {
    this.handler = handler;
    this.streaming = isStreaming(handler);
    const async = handler.constructor?.name === 'AsyncFunction';
    if (handler.length === 3 && !async && !this.streaming && this.#warnsOfCallbacks()) console.warn(CALLBACK_WARNING);
    this.#scheduleNext();
  }

  #warnsOfCallbacks() {
    return process.env.AWS_EXECUTION_ENV === 'AWS_Lambda_nodejs22.x' &&
      process.env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING === undefined;
  }

  #failAndExit(error, exitCode) {
    if (this.#failing) return;
    this.#failing = true;
    const exit = () => process.exit(exitCode);
    // Between invocations nobody waits for an error, and the connection is taken by the wait for the next event.
    if (this.#requestId === undefined && this.handler) exit();
    else if (this.#requestId === undefined) this.#client.postInitError(error, exit);
    else this.#client.postLastError(this.#requestId, error, exit);
  }

  #scheduleNext() {
    this.#requestId = undefined;
    this.#onEmptyLoop = () => {};
    setImmediate(() => this.#client.next((headers, body) => this.handleOnceNonStreaming(headers, body)));
  }

  handleOnceNonStreaming(headers, body) {
    this.#requestId = headers.get('lambda-runtime-aws-request-id');
    setInvocation(this.#requestId, headers.get('lambda-runtime-aws-tenant-id'));
    const { callback, context } = this.#buildContext();
    try {
      exportTraceHeader(headers);
      Object.assign(context, environmentFields(), invocationFields(headers));
      const event = JSON.parse(body);
      const result = this.streaming ? this.#handleStreaming(event, context) : this.handler(event, context, callback);
      if (isThenable(result)) result.then(context.succeed, context.fail).catch(context.fail);
    } catch (error) {
      callback(error);
    }
  }

  async #handleStreaming(event, context) {
    this.#onEmptyLoop = () => context.fail(new Error('Response stream is not finished.'));
    const stream = await runStreamingHandler(this, this.#client, event, context);
    this.#onEmptyLoop = () => {};
    stream.complete(() => this.#scheduleNext());
    return new Promise(() => {}); // The response is posted; the context's own completion must not post another.
  }

  /** The callback and the context of one invocation; whichever of their functions is called first completes it. */
  #buildContext() {
    const requestId = this.#requestId;
    const next = () => this.#scheduleNext();
    let completed = false;
    let waitsForEmptyEventLoop = true;
    const complete = (result) => {
      if (completed) {
        console.error(
          'Invocation has already been reported as done. Cannot call complete more than once per invocation.');
        return;
      }
      completed = true;
      this.#client.postResult(requestId, result, next);
    };
    const fail = (error) => {
      this.#logError('Invoke Error', error);
      this.#client.postError(requestId, error, next);
    };
    const done = (error, result) => {
      this.#onEmptyLoop = () => {};
      if (error !== undefined && error !== null) fail(error);
      else complete(result);
    };
    const finish = (error, result) => {
      if ((error !== undefined && error !== null) || !waitsForEmptyEventLoop) return done(error, result);
      this.#onEmptyLoop = () => {
        this.#onEmptyLoop = () => {};
        setImmediate(() => complete(result));
      };
    };
    // A handler that is neither asynchronous nor calls back has answered null once it has nothing left to do.
    this.#onEmptyLoop = () => {
      this.#onEmptyLoop = () => {};
      complete(null);
    };
    const [callback, succeed, failed, doneOnce] = firstOnly(
      finish, (result) => done(null, result), (error) => done(error ?? 'handled', null), done);
    const context = {
      get callbackWaitsForEmptyEventLoop() { return waitsForEmptyEventLoop; },
      set callbackWaitsForEmptyEventLoop(value) { waitsForEmptyEventLoop = value; },
      succeed,
      fail: failed,
      done: doneOnce,
    };
    return { callback, context };
  }
}

/**
 * Runs the classic loop; comes back when the first wait for an event is scheduled.
 *
 * @param {RuntimeClient} client
 * @param {(title: string, error: unknown) => void} logError
 * @param {() => Promise<Function>} load finds the handler
 */
async function runClassic(client, logError, load) {
  const runtime = new Runtime(client, logError);
  // What loading throws is an uncaught exception of the process, as if the runtime's main module had thrown it.
  load().then((handler) => runtime.start(handler)).catch((error) => process.emit('uncaughtException', error));
}

module.exports = { runClassic };
