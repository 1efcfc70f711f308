'use strict';

// The forms in which an error leaves the function: the document posted to the Runtime API, the line written to the
// log, and the cause document for tracing. Field names and order are those of Lambda's Node.js runtimes.

const util = require('util');

/** Errors the runtime itself raises: `name` is the `errorType` callers see, the class's name shows in JSON logs. */
function runtimeErrorClass(className, shortName = className) {
  const errorClass = { [className]: class extends Error {} }[className];
  errorClass.prototype.name = `Runtime.${shortName}`;
  return errorClass;
}

/** The same, of the runtimes since Node.js 24, where the name is a field of its own and so part of what is logged. */
function modernErrorClass(className, shortName = className) {
  const errorClass = { [className]: class extends Error {
    name = `Runtime.${shortName}`;
  } }[className];
  return errorClass;
}

const CLASSIC_ERRORS = {
  HandlerNotFound: runtimeErrorClass('HandlerNotFound'),
  ImportModuleError: runtimeErrorClass('ImportModuleError'),
  MalformedHandlerName: runtimeErrorClass('MalformedHandlerName'),
  UserCodeSyntaxError: runtimeErrorClass('UserCodeSyntaxError'),
};

const MODERN_ERRORS = {
  CallbackHandlerDeprecated: modernErrorClass('CallbackHandlerDeprecatedError', 'CallbackHandlerDeprecated'),
  HandlerNotFound: modernErrorClass('HandlerNotFoundError', 'HandlerNotFound'),
  ImportModuleError: modernErrorClass('ImportModuleError'),
  JSONStringifyError: modernErrorClass('JSONStringifyError'),
  MalformedHandlerName: modernErrorClass('MalformedHandlerNameError', 'MalformedHandlerName'),
  UserCodeSyntaxError: modernErrorClass('UserCodeSyntaxError'),
};

const InvalidStreamingOperation = runtimeErrorClass('InvalidStreamingOperation');
const MalformedStreamingHandler = runtimeErrorClass('MalformedStreamingHandler');

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}
UnhandledPromiseRejection.prototype.name = 'Runtime.UnhandledPromiseRejection';

function looksLikeError(value) {
  return util.types.isNativeError(value) || Boolean(
    value && [value.name, value.message, value.stack].every((field) => field && typeof field === 'string'));
}

/** DEL is not allowed in the values of the HTTP headers these strings may end up in. */
function withoutDelete(text) {
  return text.replace(/\x7F/g, '%7F');
}

/** The error document answered to the invoker. */
function toDocument(error) {
  try {
    if (!looksLikeError(error)) {
      return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    return {
      errorType: error.name === undefined ? undefined : withoutDelete(error.name),
      errorMessage: error.message === undefined ? undefined : withoutDelete(error.message),
      trace: withoutDelete(error.stack).split('\n'),
    };
  } catch {
    return {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of ' +
        'its message, name, and stack',
    };
  }
}

function intoError(value) {
  return value instanceof Error ? value : new Error(String(value));
}

function withEnumerableFields(_key, value) {
  if (!(value instanceof Error)) return value;
  const fields = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
  if (typeof value.stack === 'string') fields.stack = value.stack.split('\n');
  return fields;
}

/** The error as the text log format shows it: a tab, then one JSON document with every field of the error. */
function toLogText(error) {
  try {
    return '\t' + JSON.stringify(error, withEnumerableFields);
  } catch {
    return '\t' + JSON.stringify(toDocument(error));
  }
}

function parseFrame(line) {
  const text = line.trim().replace(/[()]/g, '').replace(/^\S*\s/, '');
  const separator = text.lastIndexOf(' ');
  const [path, lineNumber] = text.slice(separator + 1).split(':');
  return { path, line: parseInt(lineNumber, 10), label: separator > 0 ? text.slice(0, separator) : 'anonymous' };
}

/** The cause document for tracing, as ASCII JSON fit for a header; empty when the error cannot be described. */
function toTraceCause(error) {
  try {
    const stack = withoutDelete(error.stack || '').split('\n').slice(1).map(parseFrame);
    const cause = {
      working_directory: process.cwd(),
      exceptions: [{ type: withoutDelete(error.name), message: withoutDelete(error.message), stack }],
      paths: [...new Set(stack.map((frame) => frame.path))],
    };
    return JSON.stringify(cause).replace(/[^\x20-\x7E]/g, (char) =>
      `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  } catch {
    return '';
  }
}

module.exports = {
  CLASSIC_ERRORS,
  InvalidStreamingOperation,
  MODERN_ERRORS,
  MalformedStreamingHandler,
  UnhandledPromiseRejection,
  intoError,
  toDocument,
  toLogText,
  toTraceCause,
};
