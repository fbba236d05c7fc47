#!/usr/bin/env node
// The executable. Plain JavaScript that is valid on Node 20: where the running Node is older than 24, it finds the
// Node 24 that the lock file brought (never through PATH, which sudo resets) and runs itself again with it.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const self = realpathSync(fileURLToPath(import.meta.url));
const root = dirname(dirname(self));

/** `watch` runs for months and seldom has much to do: a small heap, one thread beside it, some 40 MB less. */
const SMALL_HEAP = ['--v8-pool-size=1', '--max-semi-space-size=1', '--optimize-for-size'];
const options =
  process.argv[2] === 'watch' && !process.execArgv.includes('--optimize-for-size')
    ? [...process.execArgv, ...SMALL_HEAP]
    : process.execArgv;

if (Number(process.versions.node.split('.')[0]) >= 24) {
  if (options !== process.execArgv) becomeSmall();
  await start();
} else if (process.env.QUIETDOOR_REEXEC !== undefined) {
  fail(`this is Node ${process.versions.node}, found where Node 24 was expected`);
} else {
  restart(findNode24());
}

/** Begins again with options that Node takes only at its start, as the same process. Where that cannot be done, goes on. */
function becomeSmall() {
  // A process that was forked talks over a descriptor that would be closed.
  if (process.execve === undefined || process.platform === 'win32' || process.channel) return;
  try {
    process.execve(process.execPath, [process.execPath, ...options, self, ...process.argv.slice(2)], process.env);
  } catch {
    // It costs memory, nothing else.
  }
}

/** Runs the command line: the compiled program when installed, the sources in a clone. */
async function start() {
  endWith(Number(process.env.QUIETDOOR_REEXEC));
  delete process.env.QUIETDOOR_REEXEC;
  const sources = join(root, 'src/cli/main.ts');
  const inClone = existsSync(sources);
  // Stripped types and byte code are cached in the clone, so that running from source starts as fast as a build.
  module.enableCompileCache(inClone ? join(root, 'node_modules/.cache/quietdoor') : undefined);
  await import(pathToFileURL(inClone ? sources : join(root, 'dist/main.js')).href);
}

/**
 * Ends in order where the process that began this one is gone: whoever killed that one (SIGKILL is not passed on) means this.
 * @param {number} launcher its pid; 0 or NaN where there is none
 */
function endWith(launcher) {
  if (!(launcher > 1)) return;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1000);
  timer.unref();
}

/** @returns {string} path of a Node 24 executable: beside this package, or of the system */
function findNode24() {
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`, 'node'];
  for (let dir = root; ; dir = dirname(dir)) {
    for (const name of names) {
      const candidate = join(dir, 'node_modules', name, 'bin/node');
      if (existsSync(candidate)) return candidate;
    }
    if (dir === dirname(dir)) break;
  }
  for (const candidate of ['/usr/local/bin/node', '/usr/bin/node'])
    if (existsSync(candidate) && realpathSync(candidate) !== realpathSync(process.execPath)) return candidate;
  return fail(
    `needs Node 24; this is ${process.versions.node} and none was found beside the package.\n` +
      `Run "npm ci" in ${root} (it brings Node 24 for Linux and macOS), or install Node 24 and run it with that.`,
  );
}

/** @param {string} node24 */
function restart(node24) {
  const child = spawn(node24, [...options, self, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, QUIETDOOR_REEXEC: String(process.pid) }, // stops a loop
  });
  /** @type {NodeJS.Signals[]} */
  const forwarded = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT'];
  const onTerminal = process.stdin.isTTY === true;
  for (const signal of forwarded)
    process.on(signal, () => {
      // On a terminal the whole process group gets Ctrl-C already; a second one would be counted twice.
      if (signal === 'SIGINT' && onTerminal) return;
      child.kill(signal);
    });
  child.on('error', (error) => fail(`could not start ${node24}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 2);
    for (const name of forwarded) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`quietdoor: ${message}\n`);
  process.exit(2);
}
