'use strict';

// Handlers wrapped by `awslambda.streamifyResponse`: what they write goes out as they write it.

const { Writable } = require('stream');
const { InvalidStreamingOperation, MalformedStreamingHandler } = require('./errors.js');

const HANDLER_STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HANDLER_HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const STREAM_RESPONSE = 'response';

const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
const INTEGRATION_CONTENT_TYPE = 'application/vnd.awslambda.http-integration-response';

/** Bytes of zero between the metadata of an HTTP response and its body. */
const PRELUDE_DELIMITER_BYTES = 8;

/** What a streaming handler writes to. */
class ResponseStream extends Writable {
  #client;
  #requestId;
  #started = false;
  #opened = false;
  contentType = DEFAULT_CONTENT_TYPE;

  constructor(client, requestId, options) {
    super(options);
    this.#client = client;
    this.#requestId = requestId;
  }

  setContentType(contentType) {
    if (this.#started) throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    this.contentType = contentType;
  }

  write(chunk, ...rest) {
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    const first = !this.#started;
    this.#started = true;
    if (first && typeof this._onBeforeFirstWrite === 'function') this._onBeforeFirstWrite((data) => super.write(data));
    return super.write(raw ? chunk : JSON.stringify(chunk), ...rest);
  }

  _write(chunk, _encoding, callback) {
    this.#open();
    this.#client.writeResponse(chunk, callback);
  }

  /** Ends the response, also one that nothing was written to. */
  complete(onDone) {
    this.#open();
    this.#client.closeResponse(onDone);
  }

  #open() {
    if (!this.#opened) this.#client.openResponse(this.#requestId, this.contentType);
    this.#opened = true;
  }
}

/** Adds the status code and headers of an HTTP response in front of a stream. */
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType(INTEGRATION_CONTENT_TYPE);
    const metadata = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(metadata);
      write(new Uint8Array(PRELUDE_DELIMITER_BYTES));
    };
    return stream;
  }
}

/** Makes `awslambda` visible to user code, unless the function opted out. */
function installGlobals() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler, options) {
      handler[HANDLER_STREAMING] = STREAM_RESPONSE;
      if (typeof options?.highWaterMark === 'number') {
        handler[HANDLER_HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
      }
      return handler;
    },
    HttpResponseStream,
  };
}

function isStreaming(handler) {
  const mode = handler[HANDLER_STREAMING];
  if (mode === undefined || mode === null || mode === false) return false;
  if (mode !== STREAM_RESPONSE) throw new MalformedStreamingHandler('Only response streaming is supported.');
  return true;
}

/** Runs a streaming handler to its end and returns the stream it wrote. Throws what the invocation fails with. */
async function runStreamingHandler(runtime, client, event, context) {
  const highWaterMark = runtime.handler[HANDLER_HIGH_WATER_MARK];
  const stream = new ResponseStream(client, context.awsRequestId, highWaterMark > 0 ? { highWaterMark } : {});
  const ended = new Promise((resolve, reject) => stream.once('finish', resolve).once('error', reject));
  ended.catch(() => {}); // A stream that fails before it is awaited is reported once, below.
  const returned = runtime.handler(event, stream, context);
  if (typeof returned?.then !== 'function') throw new Error('Streaming does not support non-async handlers.');
  if ((await returned) !== undefined) console.warn('Streaming handlers ignore return values.');
  await ended;
  return stream;
}

module.exports = { installGlobals, isStreaming, runStreamingHandler };
