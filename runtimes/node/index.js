'use strict';

// Lambda's Node.js runtime: asks the Runtime API for invocations and hands them to the function's handler.

const { runClassic } = require('./classic_runtime.js');
const { RuntimeClient } = require('./client.js');
const { loadHandler } = require('./loader.js');
const { patchConsole } = require('./logging.js');
const { runModern } = require('./modern_runtime.js');
const { installGlobals } = require('./streaming.js');

/** Since this major version the runtime has no callbacks. */
const FIRST_MODERN_MAJOR = 24;

/** The function's runtime decides, even when another version of Node.js stands in for it. */
function runtimeMajor() {
  const declared = /^AWS_Lambda_nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? '');
  return Number(declared ? declared[1] : process.versions.node.split('.', 1)[0]);
}

async function ignition() {
  const modern = runtimeMajor() >= FIRST_MODERN_MAJOR;
  const logError = patchConsole(modern ? '-' : undefined);
  installGlobals();
  const client = new RuntimeClient(process.env.AWS_LAMBDA_RUNTIME_API);
  const load = () => loadHandler({
    taskRoot: process.env.LAMBDA_TASK_ROOT ?? process.cwd(),
    handler: process.env._HANDLER,
    modern,
  });
  await (modern ? runModern : runClassic)(client, logError, load);
}

if (process.env._TRACA_PARKED === undefined) ignition();
else require('./parking.js').park(process.env._TRACA_PARKED).then(ignition);
