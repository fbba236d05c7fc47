import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { executable, type Run } from './run-quietdoor.ts';

/**
 * Two network namespaces of our own with one wire between them: a scanner at 10.77.1.1 and fd77::ffff, and a target that
 * has the addresses 10.77.0.1 to 10.77.0.254 and fd77::1 to fd77::4. Packets go nowhere else.
 */
export interface NetworkTestbed {
  readonly scanner: string;
  readonly target: string;
  /** Opens TCP ports on every address of the target, or on one; accepts and closes. */
  listen(ports: readonly number[], address?: string): Promise<void>;
  /** Loads nftables rules into the target, in place of those before; empty text: none. */
  filter(rules: string): void;
  /** Starts a program in the scanner's namespace. */
  start(program: string, args: readonly string[], options?: { cwd?: string }): ChildProcess;
  run(program: string, args: readonly string[], options?: { cwd?: string }): Promise<Run>;
  /** Runs a program in the target's namespace. */
  inTarget(program: string, args: readonly string[]): Promise<Run>;
  /** Starts the product in the scanner's namespace. */
  startQuietdoor(args: readonly string[], options?: { cwd?: string }): ChildProcess;
  quietdoor(args: readonly string[], options?: { cwd?: string }): Promise<Run>;
  close(): Promise<void>;
}

/** Says why there can be no testbed here; false: there can. */
export function whyNoTestbed(...tools: readonly string[]): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, for network namespaces';
  for (const tool of ['ip', 'nft', 'python3', ...tools])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `needs ${tool}`;
  const probe = `qdt-${process.pid}-probe`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'needs the right to make network namespaces';
  spawnSync('ip', ['netns', 'del', probe]);
  return false;
}

const SERVER = `
import selectors, socket, sys
address, ports = sys.argv[1], map(int, sys.argv[2:])
sel = selectors.DefaultSelector()
for port in ports:
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ':' in address: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind((address, port)); s.listen(1024); s.setblocking(False); sel.register(s, selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in sel.select():
        try:
            while True: key.fileobj.accept()[0].close()
        except OSError: pass
`;

let made = 0;

/** Makes a testbed. Needs root; call `whyNoTestbed` first, and `close` in the end. */
export async function createTestbed(): Promise<NetworkTestbed> {
  const name = `qdt-${process.pid}-${made++}`;
  const scanner = `${name}-s`;
  const target = `${name}-t`;
  const children = new Set<ChildProcess>();
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const inside = (space: string, args: readonly string[]) => ['netns', 'exec', space, ...args];

  for (const space of [scanner, target]) {
    ip('netns', 'add', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }
  ip('-n', scanner, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', target);
  const addresses = [
    ...Array.from({ length: 254 }, (_, n) => `addr add 10.77.0.${n + 1}/23 dev wire`),
    ...Array.from({ length: 4 }, (_, n) => `addr add fd77::${n + 1}/64 dev wire nodad`),
  ];
  execFileSync('ip', ['-n', target, '-batch', '-'], { input: addresses.join('\n') });
  ip('-n', scanner, 'addr', 'add', '10.77.1.1/23', 'dev', 'wire');
  ip('-n', scanner, 'addr', 'add', 'fd77::ffff/64', 'dev', 'wire', 'nodad');
  for (const space of [scanner, target]) ip('-n', space, 'link', 'set', 'wire', 'up');
  // every ICMP is sent, so that the answers do not depend on the pace (icmp(7))
  for (const key of ['net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000', 'net.ipv6.icmp.ratelimit=0'])
    spawnSync('ip', inside(target, ['sysctl', '-q', '-w', key]));

  function start(program: string, args: readonly string[], options: { cwd?: string; space?: string } = {}) {
    const child = spawn('ip', inside(options.space ?? scanner, [program, ...args]), {
      cwd: options.cwd ?? tmpdir(),
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    return child;
  }
  const bed: NetworkTestbed = {
    scanner,
    target,
    listen: async (ports, address = '::') => {
      const child = spawn('ip', inside(target, ['python3', '-c', SERVER, address, ...ports.map(String)]), {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.add(child);
      await once(createInterface({ input: child.stdout }), 'line');
    },
    filter: (rules) => {
      const text = `flush ruleset\n${rules}`;
      execFileSync('ip', inside(target, ['nft', '-f', '-']), { input: text });
    },
    start,
    run: (program, args, options) => finished(start(program, args, options)),
    inTarget: (program, args) => finished(start(program, args, { space: target })),
    startQuietdoor: (args, options) => start(process.execPath, [executable, ...args], options),
    quietdoor: (args, options) => finished(bed.startQuietdoor(args, options)),
    close: async () => {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      for (const space of [scanner, target]) spawnSync('ip', ['netns', 'del', space]);
    },
  };
  return bed;
}

/** Waits for a program and returns what it wrote. */
export async function finished(child: ChildProcess): Promise<Run> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
