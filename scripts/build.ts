// Builds dist/: the command line as ES modules that load on demand, dependencies included, so that an installed
// quietdoor starts fast. Type stripping is refused under node_modules, so packages cannot ship the sources alone.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  entryPoints: {
    main: join(root, 'src/cli/main.ts'),
    // A thread is started from a file of its own.
    'ledger-verify-worker': join(root, 'src/app/ledger-verify-worker.ts'),
  },
  outdir: join(root, 'dist'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // It has a library of machine code, of the platform that it was installed on.
  external: ['@duckdb/node-api'],
  sourcemap: 'linked',
  legalComments: 'linked',
  // CommonJS dependencies call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
