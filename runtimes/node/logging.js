'use strict';

// Replaces the console's methods by ones that write Lambda's log formats, text or JSON, to standard output or, when
// the platform offers one, to the framed telemetry descriptor.

const fs = require('fs');
const util = require('util');
const { intoError, toLogText } = require('./errors.js');

const LEVELS = Object.freeze({
  TRACE: { name: 'TRACE', priority: 1, frameBits: 0x04 },
  DEBUG: { name: 'DEBUG', priority: 2, frameBits: 0x08 },
  INFO: { name: 'INFO', priority: 3, frameBits: 0x0c },
  WARN: { name: 'WARN', priority: 4, frameBits: 0x10 },
  ERROR: { name: 'ERROR', priority: 5, frameBits: 0x14 },
  FATAL: { name: 'FATAL', priority: 6, frameBits: 0x18 },
});

const FRAME_TYPE_JSON = 0xa55a0002;
const FRAME_TYPE_TEXT = 0xa55a0003;
const FRAME_HEADER_BYTES = 16;

// Libraries look these up under their registered names, and so find them whatever the runtime's own module layout.
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');
const TENANT_ID = Symbol.for('aws.lambda.runtime.tenantId');

function setInvocation(requestId, tenantId) {
  globalThis[REQUEST_ID] = requestId;
  globalThis[TENANT_ID] = tenantId;
}

function errorFields(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : error.stack,
  };
}

function expandErrors(_key, value) {
  return value instanceof Error ? { ...errorFields(value), ...value } : value;
}

function formatText(timestamp, level, values) {
  return `${timestamp}\t${globalThis[REQUEST_ID]}\t${level.name}\t${util.format(...values)}`;
}

function formatJson(timestamp, level, values) {
  const record = { timestamp, level: level.name, requestId: globalThis[REQUEST_ID] };
  const tenantId = globalThis[TENANT_ID];
  if (tenantId !== undefined && tenantId !== null) record.tenantId = tenantId;
  if (values.length === 1) {
    record.message = values[0];
    try {
      return JSON.stringify(record, expandErrors);
    } catch {
      record.message = util.format(values[0]);
      return JSON.stringify(record);
    }
  }
  record.message = util.format(...values);
  const error = values.find((value) => value instanceof Error);
  return JSON.stringify(error ? { ...record, ...errorFields(error) } : record);
}

/** One line a record: line feeds inside it become carriage returns, because the platform ends a record at a line feed. */
function stdoutWriter(format) {
  return (level, values) => {
    const line = format(new Date().toISOString(), level, values).replace(/\n/g, '\r');
    process.stdout.write(line + '\n');
  };
}

/** Frames of type, length, time in microseconds and message, all big-endian, so that a record may hold line feeds. */
function frameWriter(descriptor, format, frameType, terminator) {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  return (level, values) => {
    const now = new Date();
    const message = Buffer.from(format(now.toISOString(), level, values) + terminator, 'utf8');
    header.writeUInt32BE((frameType | level.frameBits) >>> 0, 0);
    header.writeUInt32BE(message.length, 4);
    header.writeBigInt64BE(BigInt(now.valueOf()) * 1000n, 8);
    fs.writeSync(descriptor, header);
    fs.writeSync(descriptor, message);
  };
}

function makeWriter(json) {
  const descriptor = process.env._LAMBDA_TELEMETRY_LOG_FD;
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  if (descriptor === undefined) return stdoutWriter(json ? formatJson : formatText);
  return json
    ? frameWriter(Number(descriptor), formatJson, FRAME_TYPE_JSON, '')
    : frameWriter(Number(descriptor), formatText, FRAME_TYPE_TEXT, '\n');
}

/**
 * Patches the console.
 *
 * @param {string | undefined} idleRequestId the request id shown before the first invocation
 * @returns {(title: string, error: unknown) => void} how the runtime itself reports an error
 */
function patchConsole(idleRequestId) {
  const json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
  const threshold = LEVELS[process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()] ?? LEVELS.TRACE;
  const write = makeWriter(json);
  const methodFor = (level) => (level.priority < threshold.priority
    ? () => {}
    : (message, ...values) => write(level, [message, ...values]));
  console.trace = methodFor(LEVELS.TRACE);
  console.debug = methodFor(LEVELS.DEBUG);
  console.info = methodFor(LEVELS.INFO);
  console.log = console.info;
  console.warn = methodFor(LEVELS.WARN);
  console.error = methodFor(LEVELS.ERROR);
  console.fatal = methodFor(LEVELS.FATAL);
  setInvocation(idleRequestId, undefined);
  return json
    ? (_title, error) => console.error(intoError(error))
    : (title, error) => console.error(title, toLogText(intoError(error)));
}

module.exports = { patchConsole, setInvocation };
