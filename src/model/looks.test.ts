import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { bindScopeOf } from './address.ts';
import type { Listener } from './listener.ts';
import { outsideAnswers } from './looks.ts';
import { ALL_PORTS, type PortOutcome } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

const T = Date.UTC(2026, 10, 22);
const ADDRESS = '10.0.0.5';

function look(vantage: string, more: Partial<HostState> = {}): HostState {
  const isInside = vantageKind(vantage) === 'inside';
  return {
    vantage,
    host: { name: 'vm', addresses: [ADDRESS], tags: [] },
    firstObservedAt: T,
    lastObservedAt: T,
    privilege: 'root',
    collector: isInside ? 'local' : 'network',
    observationId: vantage,
    coverage: [
      {
        host: 'vm',
        scope: isInside ? '*' : 'unknown',
        transports: ['tcp'],
        ports: ALL_PORTS,
        addresses: isInside ? 'all' : [ADDRESS],
      },
    ],
    gaps: [],
    ...more,
  };
}

function seen(vantage: string, scope: string, address: string, more: Partial<ListenerState> = {}): ListenerState {
  const families: Listener['families'] =
    address === '::' ? ['ipv4', 'ipv6'] : [address.includes(':') ? 'ipv6' : 'ipv4'];
  return {
    vantage,
    listener: {
      ...{ host: 'vm', scope, transport: 'tcp', port: 8080, address, bind: bindScopeOf(address), families },
      ...{ role: 'service', process: null, sharedWith: [] },
    },
    ...{ open: true, firstSeen: T, openSince: T, lastSeen: T, closedAt: null, restarts: 0, ...more },
  };
}

const closed = (address = ADDRESS): PortOutcome => ({
  outcome: 'closed',
  transport: 'tcp',
  address,
  ports: [{ from: 8080, to: 8080 }],
});
const scan = (more: Partial<HostState> = {}) => look('network:scanner', { outcomes: [closed()], ...more });

interface Case {
  readonly name: string;
  readonly scope: string;
  readonly listeners: readonly ListenerState[];
  readonly host: readonly HostState[];
  readonly want: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'the host on every address',
    scope: 'host',
    listeners: [seen('local', 'host', '0.0.0.0')],
    host: [look('local'), scan()],
    want: ['10.0.0.5 closed, though bound'],
  },
  {
    name: 'a look at an address of the host says nothing of a namespace',
    scope: 'netns:box',
    listeners: [seen('local', 'netns:box', '0.0.0.0')],
    host: [look('local'), scan()],
    want: [],
  },
  {
    name: 'a namespace that has the address',
    scope: 'netns:box',
    listeners: [seen('local', 'netns:box', ADDRESS)],
    host: [look('local'), scan()],
    want: ['10.0.0.5 closed, though bound'],
  },
  {
    name: 'an answer that was matched to a container',
    scope: 'container:web',
    listeners: [seen('local', 'container:web', '0.0.0.0'), seen('network:scanner', 'container:web', ADDRESS)],
    host: [look('local'), scan({ outcomes: [] })],
    want: ['10.0.0.5 open'],
  },
  {
    name: 'an answer that the newest look did not ask for again',
    scope: 'host',
    listeners: [seen('local', 'host', '0.0.0.0'), seen('network:scanner', 'host', ADDRESS, { lastSeen: T - 1000 })],
    host: [
      look('local'),
      scan({
        coverage: [
          { host: 'vm', scope: 'unknown', transports: ['tcp'], ports: [{ from: 22, to: 22 }], addresses: [ADDRESS] },
        ],
        outcomes: [],
      }),
    ],
    want: ['10.0.0.5 open 1000 ms before'],
  },
  {
    name: 'two addresses, a look each',
    scope: 'host',
    listeners: [seen('local', 'host', ADDRESS), seen('network:scanner', 'host', ADDRESS)],
    host: [
      look('local'),
      scan({ outcomes: [] }),
      scan({
        coverage: [{ host: 'vm', scope: 'unknown', transports: ['tcp'], ports: ALL_PORTS, addresses: ['10.0.0.6'] }],
        outcomes: [closed('10.0.0.6')],
      }),
    ],
    want: ['10.0.0.5 open', '10.0.0.6 closed'],
  },
  {
    name: 'a socket on [::] may be one for IPv6 only',
    scope: 'host',
    listeners: [seen('local', 'host', '::')],
    host: [look('local'), scan()],
    want: ['10.0.0.5 closed'],
  },
];

suite('what looks from outside found of an endpoint', () => {
  for (const { name, scope, listeners, host, want } of cases)
    test(name, () => {
      const endpoint = { host: 'vm', scope, transport: 'tcp', port: 8080 } as const;
      const found = outsideAnswers({ endpoint, host, listeners }).map(
        ({ address, outcome, thoughBound, at }) =>
          `${address} ${outcome}${thoughBound ? ', though bound' : ''}${at < T ? ` ${T - at} ms before` : ''}`,
      );
      assert.deepEqual(found, want);
    });
});
