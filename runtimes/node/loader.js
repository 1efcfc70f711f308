'use strict';

// Finds the function a handler string such as `src/app.api.handler` names.

const fs = require('fs');
const module_ = require('module');
const path = require('path');
const { CLASSIC_ERRORS, MODERN_ERRORS } = require('./errors.js');
const { enableSearchPathForEsModules } = require('./module_paths.js');

// Required modules name their requirer when they are missing; this is the name Lambda's own runtime has there.
const requireFromRuntime = module_.createRequire(path.join(__dirname, 'index.mjs'));

/** Splits `dir/module.export.path` into directory, module and export path. */
function parseHandler(handler, { MalformedHandlerName }) {
  if (handler.includes('..')) {
    throw new MalformedHandlerName(
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const name = path.basename(handler);
  const match = /^([^.]*)\.(.*)$/.exec(name);
  if (!match) throw new MalformedHandlerName('Bad handler');
  return { directory: handler.slice(0, handler.indexOf(name)), moduleName: match[1], exportPath: match[2] };
}

function findExport(root, exportPath) {
  return exportPath.split('.').reduce((value, key) => value && value[key], root);
}

/** Whether the nearest package.json at or above `directory` declares ES modules. */
function isModulePackage(directory) {
  for (let folder = directory; !folder.endsWith('/node_modules'); folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest)) {
      try {
        return JSON.parse(fs.readFileSync(manifest, 'utf8'))?.type === 'module';
      } catch (error) {
        console.warn(`${manifest} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (folder === path.dirname(folder)) return false;
  }
  return false;
}

function requireIfPresent(file) {
  return fs.existsSync(file) ? requireFromRuntime(file) : undefined;
}

async function importIfPresent(file) {
  if (!fs.existsSync(file)) return undefined;
  await enableSearchPathForEsModules();
  return import(file);
}

function resolveAsPackage(taskRoot, directory, moduleName) {
  return requireFromRuntime(requireFromRuntime.resolve(moduleName, { paths: [taskRoot, path.join(taskRoot, directory)] }));
}

/** The order of runtimes up to Node.js 22: CommonJS by `require`, ES modules by `import`. */
async function loadClassic(taskRoot, directory, moduleName) {
  const file = path.resolve(taskRoot, directory, moduleName);
  const isModule = fs.existsSync(`${file}.js`) && isModulePackage(path.dirname(file));
  return requireIfPresent(file)
    || (!isModule && requireIfPresent(`${file}.js`))
    || (isModule && await importIfPresent(`${file}.js`))
    || await importIfPresent(`${file}.mjs`)
    || requireIfPresent(`${file}.cjs`)
    || resolveAsPackage(taskRoot, directory, moduleName);
}

/** The order since Node.js 24: everything by `import`. */
async function loadModern(taskRoot, directory, moduleName) {
  const file = path.resolve(taskRoot, directory, moduleName);
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const loaded = await importIfPresent(file + extension);
    if (loaded) return loaded;
  }
  return resolveAsPackage(taskRoot, directory, moduleName);
}

async function loadModule(load, taskRoot, directory, moduleName, { ImportModuleError, UserCodeSyntaxError }) {
  try {
    return await load(taskRoot, directory, moduleName);
  } catch (error) {
    if (error instanceof SyntaxError) {
      const wrapped = new UserCodeSyntaxError(error);
      if (load === loadModern) wrapped.stack = error.stack;
      throw wrapped;
    }
    if (error?.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(error);
    throw error;
  }
}

/**
 * Loads the user's module and finds the handler in it.
 *
 * @param {{ taskRoot: string, handler: string, modern: boolean }} options
 * @returns {Promise<Function>}
 */
async function loadHandler({ taskRoot, handler, modern }) {
  const errors = modern ? MODERN_ERRORS : CLASSIC_ERRORS;
  const { directory, moduleName, exportPath } = parseHandler(handler, errors);
  const loaded = await loadModule(modern ? loadModern : loadClassic, taskRoot, directory, moduleName, errors);
  let found = findExport(loaded, exportPath);
  if (!found && modern) found = findExport(loaded.default, exportPath);
  if (!found) throw new errors.HandlerNotFound(`${handler} is undefined or not exported`);
  if (typeof found !== 'function') throw new errors.HandlerNotFound(`${handler} is not a function`);
  return found;
}

module.exports = { loadHandler };
