'use strict';

// Node.js searches NODE_PATH for `require` only. On Lambda, ES modules find layers and the SDK there too; these hooks
// give them the same second chance. They are installed only when an ES module is loaded and there is something to find.

const fs = require('fs');
const module_ = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

/** The directories of NODE_PATH that hold packages, in order. */
function packageDirectories() {
  return (process.env.NODE_PATH ?? '').split(':').filter((directory) =>
    path.isAbsolute(directory) && path.basename(directory) === 'node_modules' && fs.existsSync(directory));
}

/** A module address from whose place a bare name is looked for in `directory` first. */
function parentBeside(directory) {
  return pathToFileURL(path.join(path.dirname(directory), 'index.mjs')).href;
}

function isBareName(specifier) {
  return !/^(\.{0,2}\/|\.{1,2}$|#|[a-z]+:)/i.test(specifier);
}

function isMissing(error) {
  return error?.code === 'ERR_MODULE_NOT_FOUND';
}

/** The source of the asynchronous hook, for versions that run hooks on a thread of their own. */
function asynchronousHook(parents) {
  return `
    const parents = ${JSON.stringify(parents)};
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context);
      } catch (error) {
        if (!(${isMissing})(error) || !(${isBareName})(specifier)) throw error;
        for (const parentURL of parents) {
          try {
            return await next(specifier, { ...context, parentURL });
          } catch (other) {
            if (!(${isMissing})(other)) throw other;
          }
        }
        throw error;
      }
    }`;
}

function synchronousHook(parents) {
  return function resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (!isMissing(error) || !isBareName(specifier)) throw error;
      for (const parentURL of parents) {
        try {
          return next(specifier, { ...context, parentURL });
        } catch (other) {
          if (!isMissing(other)) throw other;
        }
      }
      throw error;
    }
  };
}

let enabled = false;

/** Lets ES modules find packages in the directories of NODE_PATH. Does its work once. */
async function enableSearchPathForEsModules() {
  if (enabled) return;
  enabled = true;
  const parents = packageDirectories().map(parentBeside);
  if (parents.length === 0) return;
  if (module_.registerHooks) {
    module_.registerHooks({ resolve: synchronousHook(parents) });
  } else if (module_.register) {
    module_.register(`data:text/javascript,${encodeURIComponent(asynchronousHook(parents))}`, pathToFileURL(__filename));
  }
}

module.exports = { enableSearchPathForEsModules };
