import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isUnitName } from '../enforce/close-units.ts';
import { type DropIn, systemdDropIn } from '../enforce/systemd-drop-in.ts';
import { EMPTY, union } from '../model/address-set.ts';
import { parseAddressSet } from '../model/address-set-text.ts';
import { endpointKey, HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import { holdersOf, isSocketActivator } from '../model/process-match.ts';
import { type Context, thisHost } from './context.ts';
import { approvedOnHosts } from './firewall-generate.ts';
import type { EndpointQuery } from './parse-endpoint.ts';
import { withStateToRead } from './state.ts';

/** What a person asks for. */
export interface DropInRequest {
  readonly query: EndpointQuery;
  /** The unit; null: the one that was seen to hold the port. */
  readonly unit: string | null;
  /** Addresses that the service itself connects to. */
  readonly also: readonly string[];
  readonly include: 'proven' | 'claimed';
}

export interface DropInResult extends DropIn {
  /** What `systemd-analyze verify` says; null: it is not installed. */
  readonly complaints: readonly string[] | null;
}

/**
 * Turns what is approved for the unit behind a port into a drop-in of systemd. Everything else that the unit is seen to
 * listen on must be approved too, or it could not start any more. Throws UserError where that cannot be said.
 */
export async function dropInFor(context: Context, request: DropInRequest): Promise<DropInResult> {
  const { query } = request;
  const host = query.host ?? thisHost(context.env);
  const { hosts, digest } = await approvedOnHosts(context, {
    ...{ hosts: [host], mode: 'enforce', include: request.include, logAccepted: false },
  });
  const approved = hosts[0];
  if (!approved) throw new UserError(`${host} is not known`);
  const states = await withStateToRead(context, async (store) =>
    store ? store.listenerStates({ host: approved.host.name, openOnly: true }) : [],
  );
  const transport = query.transport ?? 'tcp';
  const seen = states.filter(
    ({ listener: l }) => l.port === query.port && l.transport === transport && l.scope === HOST_SCOPE,
  );
  const units = seen.flatMap(({ listener }) =>
    holdersOf(listener).flatMap((holder) => (isSocketActivator(holder) ? [] : (holder.unit ?? []))),
  );
  const unit = request.unit ?? units[0];
  const where = endpointKey({ host: approved.host.name, scope: HOST_SCOPE, transport, port: query.port });
  if (unit === undefined)
    throw new UserError(`which unit holds ${where} was not seen`, {
      hint: 'Name it with --unit, or look as root: sudo quietdoor scan',
    });
  if (!isUnitName(unit)) throw new UserError(`"${unit}" is no name of a unit`);
  const ports = new Map(
    states
      .filter(({ listener: l }) => l.scope === HOST_SCOPE && holdersOf(l).some((holder) => holder.unit === unit))
      .map(({ listener: l }) => [`${l.transport}/${l.port}`, l]),
  );
  const asked = { transport, port: query.port };
  const held = [asked, ...[...ports.values()].map((l) => ({ transport: l.transport, port: l.port }))];
  const beyond = [...ports.values()].filter((l) => l.bind === 'loopback').map((l) => `${l.transport}/${l.port}`);
  const used = approved.plan.access.filter(
    (access) =>
      (access.scope === HOST_SCOPE || access.scope === 'any') &&
      held.some(
        (at) => at.transport === access.transport && access.ports.some((r) => r.from <= at.port && at.port <= r.to),
      ),
  );
  const open = held.filter(
    (at) =>
      !beyond.includes(`${at.transport}/${at.port}`) &&
      !used.some(
        (access) => access.transport === at.transport && access.ports.some((r) => r.from <= at.port && at.port <= r.to),
      ),
  );
  const [unapproved] = open;
  if (unapproved)
    throw new UserError(`no approved entry covers ${unapproved.port}/${unapproved.transport} of ${unit}`, {
      hint: 'With a drop-in it could not start any more. Approve an entry, or stop it from listening there.',
    });
  const { set: peers, problems } = parseAddressSet(request.also);
  if (problems[0]) throw new UserError(`--also: ${problems[0].message}`);
  const result = systemdDropIn({
    unit,
    entries: [...new Set(used.map((access) => access.entry))].sort(),
    listens: [
      ...used.map(({ transport: t, ports: p }) => ({ transport: t, ports: p })),
      // What it has on loopback for itself is let be.
      ...[...ports.values()]
        .filter((l) => l.bind === 'loopback')
        .map((l) => ({ transport: l.transport, ports: [{ from: l.port, to: l.port }] })),
    ],
    sources: used.reduce((all, access) => union(all, access.sources), EMPTY),
    peers,
    digest,
  });
  if (result.cannot[0]) throw new UserError(`no drop-in is made: ${result.cannot[0]}`);
  const complaints = await verifyDropIn(unit, result.text, context.env);
  if (complaints && complaints.length > 0)
    throw new UserError(`systemd would not take the drop-in: ${complaints[0]}`, {
      hint: complaints.slice(1, 5).join('\n'),
    });
  return { ...result, complaints };
}

/**
 * Lets systemd-analyze read the drop-in, for a unit made up in a folder of its own. Returns its complaints about the
 * drop-in; null: it is not installed. The machine's own units are not touched.
 */
export async function verifyDropIn(
  unit: string,
  text: string,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[] | null> {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-unit-'));
  try {
    const isSocket = unit.endsWith('.socket');
    // A made-up name: a unit of the real one would be read from the machine too.
    const name = isSocket ? 'quietdoor-check.socket' : 'quietdoor-check.service';
    const service = '[Service]\nType=simple\nExecStart=/bin/sh -c true\n';
    writeFileSync(join(folder, 'quietdoor-check.service'), service);
    if (isSocket) writeFileSync(join(folder, name), '[Socket]\nListenStream=127.0.0.1:1\n');
    mkdirSync(join(folder, `${name}.d`));
    const file = join(folder, `${name}.d`, '50-quietdoor.conf');
    writeFileSync(file, text);
    const said = await analyze(join(folder, name), { ...env, SYSTEMD_UNIT_PATH: `${folder}:`, LC_ALL: 'C' });
    if (said === null) return null;
    return said
      .split('\n')
      .filter((line) => line.includes('50-quietdoor.conf') || /^Failed|Assertion/.test(line))
      .map((line) => line.replaceAll(folder, '').trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function analyze(unit: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn('systemd-analyze', ['verify', '--man=no', unit], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 30_000,
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      if (said.length < 65_536) said += part;
    });
    child.on('error', () => resolve(null));
    child.on('close', () => resolve(said));
  });
}
