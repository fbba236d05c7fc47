import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type AlertMessage, type Channel, DeliveryError } from '../src/alerts/channel.ts';
import { type AlertsRunOptions, runAlerts } from '../src/app/alerts-run.ts';
import type { Context } from '../src/app/context.ts';
import { sampleListener, sampleObservation } from '../src/store/sample.ts';
import { openStore } from '../src/store/store.ts';
import { temporaryFolder } from './run-quietdoor.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const OWNERS = `name: test
owners:
  team-orders: { email: orders@example.org }
`;
const CHANNELS = `alerts:
  channels:
    - { name: ops, kind: fake }
`;

/** What a fake channel does with a message: take it (undefined), refuse it, hang. */
export type Behaviour = (message: AlertMessage, settings: Record<string, string>) => Error | 'hang' | undefined;

/** A workspace in which ports open and close, time passes as it is told to, and messages end in a list. */
export class AlertsWorkspace {
  readonly folder: string;
  readonly sent: { readonly to: string; readonly message: AlertMessage }[] = [];
  behave: Behaviour = () => undefined;
  now = Date.UTC(2026, 0, 15, 12);
  #looks = 0;

  constructor(t: TestContext, alerts = CHANNELS) {
    this.folder = temporaryFolder(t);
    this.configure(alerts);
  }

  configure(alerts: string): void {
    writeFileSync(join(this.folder, 'quietdoor.yaml'), OWNERS + alerts);
  }

  get state(): string {
    return join(this.folder, '.quietdoor');
  }

  get context(): Context {
    const { folder: workspace, state } = this;
    return { workspace, state, now: () => this.now, actor: 'user:alice', env: { SECRET: 'hunter2' }, settings: [] };
  }

  /** A look at a host that finds these ports open to everybody and no others. */
  async look(ports: readonly number[], host = 'db-1'): Promise<void> {
    await using store = await openStore({ dir: this.state, mode: 'write' });
    const listeners = ports.map((port) => sampleListener(host, port, { address: '0.0.0.0', bind: 'any' }));
    // Each look is another one, even at the same time.
    await store.recordObservation(sampleObservation(host, this.now + this.#looks++, listeners), this.now);
  }

  async run(options: AlertsRunOptions = {}) {
    const run = await runAlerts(this.context, { kinds: [this.#fake()], random: () => 0.5, attemptMs: 50, ...options });
    if (!run) throw new Error('another run was at it');
    return run;
  }

  /** Kinds of what was sent, and what of, since the last time. */
  take(): string[] {
    return this.sent.splice(0).map(({ to, message }) => {
      const ports = message.incidents.map((incident) => incident.endpoint?.port ?? incident.key.replace(/ .*/, ''));
      return `${message.kind} ${to} ${ports.join(' ')}${message.more > 0 ? ` +${message.more}` : ''}`;
    });
  }

  #fake(): Channel<Record<string, string>> {
    return {
      kind: 'fake',
      title: 'A list',
      read: (raw) => ({ settings: raw as Record<string, string> }),
      send: async (message, settings, { secret, signal }) => {
        if (settings.secret !== undefined) await secret(settings.secret);
        const what = this.behave(message, settings);
        if (what instanceof Error) throw what;
        // Never ends, whatever the signal says.
        if (what === 'hang') await new Promise(() => signal.aborted);
        this.sent.push({ to: message.recipients?.join(' ') ?? settings.to ?? 'ops', message });
      },
    };
  }
}

export const refused = (retry: boolean) => new DeliveryError('the receiver answered 500', retry);
