'use strict';

// A client of the Lambda Runtime API over one kept-alive connection. It speaks HTTP itself because the standard
// client costs three times as much as the whole exchange.

const net = require('net');
const { toDocument, toTraceCause } = require('./errors.js');

const API_PREFIX = '/2018-06-01/runtime';

/** Bytes. A cause longer than this is not sent: servers bound the size of all headers together. */
const TRACE_CAUSE_BYTES_MAX = 32 * 1024;

/** Bytes. The platform's answers carry a handful of short headers; anything longer is not the Runtime API. */
const HEAD_BYTES_MAX = 1024 * 1024;

const HEAD_END = Buffer.from('\r\n\r\n');

function parseHead(text) {
  const lines = text.split('\r\n');
  const headers = new Map();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(lines[0].split(' ', 2)[1]), headers };
}

function stringify(value, ErrorClass) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw new ErrorClass('Unable to stringify response body');
  }
}

/** A header value: one line of printable ASCII. */
function headerSafe(text) {
  return String(text).replace(/[^\x20-\x7E]/g, '?');
}

class RuntimeClient {
  #host;
  #port;
  #socket;
  #chunks = [];
  #received = 0;
  #reply; // The parsed head of the answer under way, with `bodyStart` and `total`.
  #waiting; // Called with { status, headers, body } when the answer is complete.
  #open = false; // Whether a response is being written piece by piece.
  #asked = false; // Whether the request for the next event is already on its way.

  /** @param {string} address host and port, as in AWS_LAMBDA_RUNTIME_API */
  constructor(address) {
    const separator = address.lastIndexOf(':');
    this.#host = address.slice(0, separator);
    this.#port = Number(address.slice(separator + 1));
  }

  /** Waits for the next invocation. @param {(headers: Map<string, string>, event: Buffer) => void} onInvocation */
  next(onInvocation) {
    const onReply = ({ status, headers, body }) => {
      if (status !== 200) throw new Error(`Failed to get next invocation: the Runtime API answered ${status}: ${body}`);
      onInvocation(headers, body);
    };
    if (!this.#asked) {
      this.#send('GET', '/invocation/next', '', '', onReply);
      return;
    }
    this.#asked = false;
    this.#waiting = onReply;
    this.#socket.ref();
    // Its answer may have come together with the one before.
    if (this.#received > 0) setImmediate(() => this.#read());
  }

  /**
   * Posts a result; as with `postBody` and `postError`, the request for the next event goes out behind it at once, which
   * saves a system call and the platform a wake-up, and is answered after the post is. Throws, before anything is sent,
   * when it cannot be written as JSON.
   */
  postResult(requestId, result, onDone, ErrorClass = Error) {
    this.postBody(requestId, stringify(result, ErrorClass), 'application/json', onDone);
  }

  /** Posts a response body as it is. @param {string | Buffer} body */
  postBody(requestId, body, contentType, onDone) {
    const path = `/invocation/${encodeURIComponent(requestId)}/response`;
    this.#send('POST', path, `Content-Type: ${headerSafe(contentType)}\r\n`, body, onDone, this.#nextRequest());
  }

  /** Begins a response whose body follows piece by piece. */
  openResponse(requestId, contentType) {
    if (this.#asked || this.#open) return;
    this.#open = true;
    const path = `/invocation/${encodeURIComponent(requestId)}/response`;
    const fields = `Content-Type: ${headerSafe(contentType)}\r\nTransfer-Encoding: chunked\r\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n';
    this.#socket.write(`${this.#head('POST', path)}${fields}\r\n`, 'latin1');
  }

  /** Sends a piece of the open response. @param {Buffer} piece */
  writeResponse(piece, onWritten) {
    // A piece of no length would end the body; one of a response that has failed goes nowhere.
    if (piece.length === 0 || !this.#open) return onWritten();
    this.#socket.cork();
    this.#socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(piece);
    this.#socket.write('\r\n', 'latin1', () => onWritten());
    this.#socket.uncork();
  }

  /** Ends the open response; the request for the next event goes out behind it. */
  closeResponse(onDone) {
    this.#closeResponse('', onDone, this.#nextRequest());
  }

  #closeResponse(trailers, onReply, followUp) {
    this.#open = false;
    this.#asked = followUp !== '';
    this.#waiting = onReply;
    this.#socket.ref();
    this.#socket.write(`0\r\n${trailers}\r\n${followUp}`, 'latin1');
    // A response that is too large is answered before its end.
    if (this.#received > 0) setImmediate(() => this.#read());
  }

  postError(requestId, error, onDone) {
    this.#postErrorTo(`/invocation/${encodeURIComponent(requestId)}/error`, error, onDone, this.#nextRequest());
  }

  /** Posts the error after which the process ends, unless the invocation has its answer already. */
  postLastError(requestId, error, onDone) {
    if (this.#asked) onDone();
    else this.#postErrorTo(`/invocation/${encodeURIComponent(requestId)}/error`, error, onDone);
  }

  postInitError(error, onDone) {
    this.#postErrorTo('/init/error', error, onDone);
  }

  /** Hangs up, without an event under way. A function's connection lasts as long as its process; a rehearsal's does not. */
  leave() {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #nextRequest() {
    return `${this.#head('GET', '/invocation/next')}\r\n`;
  }

  #postErrorTo(path, error, onDone, followUp = '') {
    const document = toDocument(error);
    if (this.#open) {
      const body = Buffer.from(JSON.stringify(document)).toString('base64');
      const trailers = `Lambda-Runtime-Function-Error-Type: ${headerSafe(document.errorType)}\r\n` +
        `Lambda-Runtime-Function-Error-Body: ${body}\r\n`;
      this.#closeResponse(trailers, onDone, followUp);
      return;
    }
    let fields = 'Content-Type: application/json\r\n' +
      `Lambda-Runtime-Function-Error-Type: ${headerSafe(document.errorType)}\r\n`;
    const cause = toTraceCause(error);
    if (cause && cause.length <= TRACE_CAUSE_BYTES_MAX) {
      fields += `Lambda-Runtime-Function-XRay-Error-Cause: ${cause}\r\n`;
    }
    this.#send('POST', path, fields, JSON.stringify(document), onDone, followUp);
  }

  #head(method, path) {
    return `${method} ${API_PREFIX}${path} HTTP/1.1\r\nHost: ${this.#host}:${this.#port}\r\n`;
  }

  #send(method, path, fields, body, onReply, followUp = '') {
    // An invocation that has its answer takes no other one.
    if (this.#asked) return;
    this.#waiting = onReply;
    const socket = this.#socket ?? this.#connect();
    socket.ref();
    this.#asked = followUp !== '';
    const head = `${this.#head(method, path)}${fields}`;
    if (method === 'GET') {
      socket.write(`${head}\r\n`, 'latin1');
    } else if (typeof body === 'string') {
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}${followUp}`, 'utf8');
    } else {
      socket.cork();
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`, 'latin1');
      socket.write(body);
      socket.write(followUp, 'latin1');
      socket.uncork();
    }
  }

  #connect() {
    this.#socket = net.connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#lost(error.message));
    this.#socket.on('close', () => this.#lost('connection closed'));
    return this.#socket;
  }

  #lost(reason) {
    process.stderr.write(`Runtime API connection lost: ${reason}\n`);
    process.exit(1);
  }

  #receive(chunk) {
    this.#chunks.push(chunk);
    this.#received += chunk.length;
    // What comes before anybody waits for it is read when somebody does.
    if (this.#waiting) this.#read();
  }

  #read() {
    if (!this.#reply) {
      const data = this.#joined();
      const end = data.indexOf(HEAD_END);
      if (end < 0) {
        if (data.length > HEAD_BYTES_MAX) this.#lost('oversized response head');
        return;
      }
      this.#reply = parseHead(data.toString('utf8', 0, end));
      const length = this.#reply.headers.get('content-length') ?? '0';
      if (!/^\d+$/.test(length) || this.#reply.headers.has('transfer-encoding')) this.#lost('unframed response');
      this.#reply.bodyStart = end + HEAD_END.length;
      this.#reply.total = this.#reply.bodyStart + Number(length);
    }
    if (this.#received >= this.#reply.total) this.#finish();
  }

  #joined() {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks, this.#received)];
    return this.#chunks[0];
  }

  #finish() {
    const { status, headers, bodyStart, total } = this.#reply;
    const data = this.#joined();
    const body = data.subarray(bodyStart, total);
    this.#chunks = data.length > total ? [data.subarray(total)] : [];
    this.#received = data.length - total;
    this.#reply = undefined;
    const onReply = this.#waiting;
    this.#waiting = undefined;
    // While the handler runs, an idle connection must not keep the event loop alive: an empty loop ends the invocation.
    this.#socket.unref();
    onReply({ status, headers, body });
  }
}

module.exports = { RuntimeClient };
