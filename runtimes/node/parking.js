'use strict';

// Being started ahead of need: the runtime loads and rehearses what every function needs, then waits to be told whose it
// is. Nothing of what happens before may be seen by the function.

const fs = require('fs');
const net = require('net');
const path = require('path');
const { pathToFileURL } = require('url');
const { invocationFields } = require('./context.js');
const { RuntimeClient } = require('./client.js');
const { loadHandler } = require('./loader.js');

/** Bytes of the longest message that tells a process what it becomes; the platform sends no longer one. */
const CALLING_BYTES_MAX = 128 * 1024;

/** Invocations rehearsed. What a function's first one needs is compiled with the first; the rest warm the calls up. */
const REHEARSALS = 4;

const REHEARSED_EVENT = JSON.stringify({ key: 'value', number: 1, list: [1, 2, 3] });

/** Modules of Node.js that most functions or the SDK load. */
const COMMON_MODULES = ['buffer', 'crypto', 'events', 'http', 'https', 'os', 'stream', 'timers', 'tls', 'url', 'util', 'zlib'];

/** A Runtime API that has a few events and then closes the connection. */
function stage() {
  let left = REHEARSALS;
  const headers = 'Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n' +
    'Lambda-Runtime-Deadline-Ms: 1542409706888\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:rehearsal\r\n';
  const event = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}` +
    `Content-Length: ${REHEARSED_EVENT.length}\r\n\r\n${REHEARSED_EVENT}`;
  const accepted = 'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n';
  return net.createServer((connection) => {
    connection.on('error', () => {});
    connection.on('data', (chunk) => {
      for (const request of chunk.toString('latin1').matchAll(/(GET|POST) \/2018/g)) {
        if (request[1] === 'POST') connection.write(accepted);
        else if (left-- > 0) connection.write(event);
      }
    });
  });
}

/** Goes through the invocations of a function that answers its event, against an API in this process. */
async function rehearse() {
  const server = stage();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new RuntimeClient(`127.0.0.1:${server.address().port}`);
  const handler = await loadHandler({ taskRoot: path.join(__dirname, 'rehearsal'), handler: 'index.handler', modern: false });
  for (let round = 0; round < REHEARSALS; round += 1) {
    const [headers, body] = await new Promise((resolve) => client.next((...invocation) => resolve(invocation)));
    const context = { ...invocationFields(headers) };
    const result = await handler(JSON.parse(body), context);
    await new Promise((resolve) => client.postResult(context.awsRequestId, result, resolve));
  }
  client.leave();
  // The other way of loading a function; its search path is not to be settled before there are layers.
  await import(pathToFileURL(path.join(__dirname, 'rehearsal', 'index.js')).href);
  await new Promise((resolve) => server.close(resolve));
}

/** Makes one client of each kind in a module of the SDK: the first one costs more than all others. */
function makeClients(exported) {
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value !== 'function' || !/^[A-Z]\w*Client$/.test(name) || name.startsWith('__')) continue;
    const credentials = { accessKeyId: 'rehearsal', secretAccessKey: 'rehearsal' };
    new value({ region: 'us-east-1', endpoint: 'http://127.0.0.1', credentials }).destroy?.();
  }
}

/** Loads what the function will find loaded. What cannot be is the function's to find out. */
function preload(names) {
  for (const name of [...COMMON_MODULES, ...names]) {
    try {
      const exported = require(name);
      if (name.startsWith('@aws-sdk/client-')) makeClients(exported);
    } catch {
      // The function's own attempt will say why.
    }
  }
}

function waitToBeCalled(descriptor) {
  fs.writeSync(descriptor, '"Parked"');
  const message = Buffer.allocUnsafe(CALLING_BYTES_MAX);
  const length = fs.readSync(descriptor, message, 0, message.length, null);
  // Not needed any more.
  if (length === 0) process.exit(0);
  fs.closeSync(descriptor);
  return JSON.parse(message.toString('utf8', 0, length));
}

function become({ env }) {
  const told = new Map(env);
  for (const name of Object.keys(process.env)) if (!told.has(name)) delete process.env[name];
  // Node.js looks for the machine's time zone, in every file there is of zones, when TZ is taken away.
  for (const [name, value] of told) if (process.env[name] !== value) process.env[name] = value;
  process.chdir(process.env.LAMBDA_TASK_ROOT ?? '/var/task');
}

/**
 * Waits until this process is told whose it is.
 *
 * @param {string} descriptor the socket to wait on
 */
async function park(descriptor) {
  preload((process.env._TRACA_PRELOAD ?? '').split(',').filter(Boolean));
  await rehearse();
  global.gc?.();
  become(waitToBeCalled(Number(descriptor)));
}

module.exports = { park };
