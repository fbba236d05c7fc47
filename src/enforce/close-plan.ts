import type { Transport } from '../model/endpoint.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { isSocketActivator } from '../model/process-match.ts';
import { listensOn, type UnitFacts } from './close-units.ts';

/** What is to be closed, and everything known of who keeps it open. */
export interface CloseInput {
  readonly transport: Transport;
  readonly port: number;
  readonly scope: string;
  /** Every process that holds a socket of it. */
  readonly holders: readonly ProcessFacts[];
  /** Units of the holders, every socket unit, and the units that those name. */
  readonly units: readonly UnitFacts[];
  /** Processes that whoever runs this descends from. */
  readonly ancestors: readonly number[];
  /** Ports that a login of whoever runs this came in by. */
  readonly sessionPorts: readonly number[];
}

/** One unit that is stopped and kept from starting again. */
export interface CloseUnit {
  readonly unit: string;
  /** As it was, for undo. */
  readonly activeState: string;
  readonly fileState: string;
  readonly stop: boolean;
  readonly disable: boolean;
  readonly mask: boolean;
}

export interface ClosePlan {
  /** In the order in which they are stopped: what would start another one again comes first. */
  readonly units: readonly CloseUnit[];
  /** Why it must not or cannot be done here, a sentence each; then nothing is done. */
  readonly refused: readonly string[];
  /** What else should be known, a sentence each. */
  readonly notes: readonly string[];
}

/** Units without which the machine is lost, or that hold much more than one port. */
const NEVER =
  /^(init\.scope|systemd-.*|dbus.*\.service|docker\.service|containerd\.service|podman\.service|kubelet\.service|user@\d+\.service|NetworkManager\.service)$/;

/**
 * Works out which units to stop, disable and mask so that nothing listens on a port any more and nothing starts it again.
 */
export function planClose(input: CloseInput): ClosePlan {
  const { transport, port, holders, ancestors, sessionPorts } = input;
  const units = new Map(input.units.map((unit) => [unit.id, unit]));
  const refused: string[] = [];
  const notes: string[] = [];
  const services = new Set<string>();
  const sockets = new Set(
    [...units.values()]
      .filter((unit) => unit.id.endsWith('.socket') && listensOn(unit, transport, port))
      .map((u) => u.id),
  );
  if (transport === 'tcp' && sessionPorts.includes(port))
    refused.push(`You are logged in by port ${port}: closing it would lock you out.`);
  for (const holder of holders) {
    const who = `${holder.exe ?? holder.name ?? 'a process'} (process ${holder.pid})`;
    if (ancestors.includes(holder.pid)) refused.push(`${who} is what this program was started by.`);
    if (isSocketActivator(holder)) {
      if (sockets.size === 0)
        refused.push(`systemd holds the socket, and no socket unit is known that listens on port ${port}.`);
      continue;
    }
    if (holder.container !== undefined || input.scope !== 'host') {
      refused.push(
        `${who} runs in ${input.scope === 'host' ? 'a container' : input.scope}: change what starts it (there is a patch where its files were imported).`,
      );
      continue;
    }
    if (holder.name === 'docker-proxy' || holder.exe?.endsWith('/docker-proxy')) {
      refused.push(
        `Docker publishes port ${port} for a container: change what starts it (there is a patch where its files were imported).`,
      );
      continue;
    }
    const { unit } = holder;
    if (unit === undefined)
      refused.push(`${who} belongs to no systemd unit: it was started by hand, or by something else.`);
    else if (unit.endsWith('.scope'))
      refused.push(`${who} was started by hand in ${unit}, which ends with it: end the process.`);
    else if (NEVER.test(unit)) refused.push(`${who} belongs to ${unit}, which more than this port depends on.`);
    else if (units.get(unit)?.loadState !== 'loaded')
      refused.push(`${who} belongs to ${unit}, which systemd of this machine does not know: perhaps a unit of a user.`);
    else services.add(unit);
  }
  if (holders.length === 0 && sockets.size === 0)
    refused.push(`Nothing is known of what holds port ${port}: with root, every process is visible.`);
  // What starts a service again is closed with it, unless it stands for other units too.
  for (const service of services)
    for (const trigger of units.get(service)?.triggeredBy ?? []) {
      const others = (units.get(trigger)?.triggers ?? []).filter((unit) => unit !== service);
      if (others.length > 0)
        notes.push(
          `${trigger} starts ${service}, and ${others.join(', ')} too: it stays as it is, and masking ${service} keeps it from that.`,
        );
      else sockets.add(trigger);
    }
  for (const socket of sockets)
    for (const started of units.get(socket)?.triggers ?? [])
      if (socket.endsWith('.socket') && units.get(started)?.loadState === 'loaded') services.add(started);
  const chosen = [...[...sockets].sort(), ...[...services].sort()];
  for (const id of chosen) {
    const pulled = (units.get(id)?.wantedBy ?? []).filter((unit) => !chosen.includes(unit));
    if (pulled.length > 0) notes.push(`${pulled.join(', ')} would start ${id} again; masking keeps it from that.`);
    if (!canMask(units.get(id)))
      notes.push(
        `${id} cannot be masked, as its file is ${units.get(id)?.fragmentPath || 'not on the disk'}: it is stopped${canDisable(units.get(id)) ? ' and disabled' : ''} only, and whoever starts it by name opens the port again.`,
      );
    if (/@[^.]/.test(id)) notes.push(`${id} is an instance; others of its template are not touched.`);
  }
  return {
    units: refused.length > 0 ? [] : chosen.map((id) => closeUnit(id, units.get(id))),
    refused: [...new Set(refused)],
    notes: [...new Set(notes)],
  };
}

function closeUnit(id: string, facts: UnitFacts | undefined): CloseUnit {
  const { activeState = 'unknown', fileState = '' } = facts ?? {};
  return {
    ...{ unit: id, activeState, fileState },
    stop: activeState !== 'inactive',
    disable: canDisable(facts),
    mask: canMask(facts) && fileState !== 'masked',
  };
}

function canDisable(facts: UnitFacts | undefined): boolean {
  return /^(enabled|enabled-runtime|linked|alias|indirect)$/.test(facts?.fileState ?? '');
}

/** A mask is a link at the place of the unit in /etc/systemd/system; where its own file lies there, there is no room. */
function canMask(facts: UnitFacts | undefined): boolean {
  const path = facts?.fragmentPath ?? '';
  return path !== '' && !path.startsWith('/etc/systemd/system/') && !path.startsWith('/run/systemd/transient/');
}

/** A command of systemctl with its arguments. */
export type SystemctlCommand = readonly [verb: string, ...args: string[]];

/** Masked first, so that nothing starts one again between two of the others. */
export function closeCommands(units: readonly CloseUnit[]): readonly SystemctlCommand[] {
  const named = (is: (unit: CloseUnit) => boolean) => units.filter(is).map((unit) => unit.unit);
  const all: SystemctlCommand[] = [
    ['disable', ...named((unit) => unit.disable)],
    ['mask', ...named((unit) => unit.mask)],
    ['stop', ...named((unit) => unit.stop)],
  ];
  return all.filter(([, ...args]) => args.length > 0);
}

/** Puts back what was enabled and active before: a service that its socket starts is left to it. */
export function reopenCommands(units: readonly CloseUnit[]): readonly SystemctlCommand[] {
  const named = (is: (unit: CloseUnit) => boolean) => units.filter(is).map((unit) => unit.unit);
  const all: SystemctlCommand[] = [
    ['unmask', ...named((unit) => unit.mask)],
    ['enable', ...named((unit) => unit.disable && unit.fileState !== 'enabled-runtime')],
    ['enable', '--runtime', ...named((unit) => unit.disable && unit.fileState === 'enabled-runtime')],
    ['start', ...named((unit) => ['active', 'activating', 'reloading'].includes(unit.activeState))],
  ];
  return all.filter((command) => command.some((arg, i) => i > 0 && arg !== '--runtime'));
}
