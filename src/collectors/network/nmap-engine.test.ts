import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { UserError } from '../../model/errors.ts';
import { nmapArguments } from './nmap-arguments.ts';
import { type NmapOptions, runNmap } from './nmap-engine.ts';

const base = { targets: ['127.0.0.1'], exclude: [], flags: [], ipv6: false } as const;

suite('arguments for nmap', () => {
  test('no names, no pings, XML to a file, then what was asked for', () => {
    const request = {
      ...base,
      targets: ['10.0.0.0/24', '::1'],
      exclude: ['10.0.0.9'],
      ports: '22,80',
      flags: ['-sV'],
      ipv6: true,
    };
    assert.deepEqual(nmapArguments(request, 'out.xml'), [
      ...['-n', '-Pn', '--noninteractive', '-oX', 'out.xml', '-6', '-p', '22,80', '-sV'],
      ...['--exclude', '10.0.0.9', '10.0.0.0/24', '::1'],
    ]);
  });

  const refused: readonly (readonly [string, Partial<NmapOptions>])[] = [
    ['an option that writes a file', { flags: ['-oN'] }],
    ['a script', { flags: ['--script=vuln'] }],
    ['a spoofed source', { flags: ['-S10.0.0.1'] }],
    ['targets from a file', { flags: ['-iL'] }],
    ['an option with another behind it', { flags: ['-sV --script=vuln'] }],
    ['insane timing', { flags: ['-T5'] }],
    ['a target that is an option', { targets: ['-oN/etc/passwd'] }],
    ['an exclusion that is an option', { exclude: ['--script'] }],
    ['ports that are none', { ports: '22 --script' }],
    ['no target', { targets: [] }],
  ];
  for (const [name, wrong] of refused)
    test(`${name} is refused`, () => {
      assert.throws(() => nmapArguments({ ...base, ...wrong }, 'out.xml'), UserError);
    });
});

/** A program that stands in for nmap: writes its arguments where the XML goes. */
async function withFake<T>(script: string, use: (program: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-fake-nmap-'));
  try {
    const program = join(dir, 'nmap');
    await writeFile(program, `#!/bin/sh\n${script}\n`);
    await chmod(program, 0o755);
    return await use(program);
  } finally {
    await rm(dir, { recursive: true });
  }
}

suite('a run of nmap', () => {
  test('leaves its XML, tells its lines and its exit code, and can be removed', async () => {
    const script =
      'for last; do :; done; while [ "$1" != -oX ]; do shift; done; echo "$last" > "$2"; echo working; echo trouble >&2; exit 3';
    await withFake(script, async (program) => {
      const lines: string[] = [];
      const run = await runNmap({ ...base, program, onLine: (line) => lines.push(line) });
      assert.equal(run.exitCode, 3);
      assert.equal(await readFile(run.xmlFile, 'utf8'), '127.0.0.1\n');
      assert.deepEqual(lines.sort(), ['trouble', 'working']);
      await run.remove();
      await assert.rejects(stat(run.xmlFile));
    });
  });

  test('is ended when it is called off', async () => {
    await withFake('exec sleep 60', async (program) => {
      const controller = new AbortController();
      const running = runNmap({ ...base, program, signal: controller.signal });
      setTimeout(() => controller.abort(), 200);
      const run = await running;
      assert.equal(run.exitCode, null);
      await run.remove();
    });
  });

  test('without nmap says what to install', async () => {
    await assert.rejects(runNmap({ ...base, program: '/nonexistent/nmap' }), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /is not installed/);
      assert.match(error.hint ?? '', /apt install nmap/);
      return true;
    });
  });

  test('of the real nmap finds a port of loopback', async (t) => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    try {
      const run = await runNmap({ ...base, ports: String(port), flags: ['-sT'] });
      assert.equal(run.exitCode, 0);
      assert.match(await readFile(run.xmlFile, 'utf8'), new RegExp(`portid="${port}"><state state="open"`));
      await run.remove();
    } catch (error) {
      if (error instanceof UserError) return t.skip(error.message);
      throw error;
    } finally {
      server.close();
    }
  });
});
