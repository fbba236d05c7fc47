import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import { toCidrs } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { BaseChain, Chain, Condition, Ruleset, Step } from '../model/ruleset.ts';
import { NO_STATEMENTS } from '../model/ruleset.ts';
import { type AdmissionQuery, createEvaluator } from './evaluate.ts';

const ACCEPT: Step = { kind: 'verdict', verdict: { kind: 'accept' } };
const DROP: Step = { kind: 'verdict', verdict: { kind: 'drop' } };
const RETURN: Step = { kind: 'verdict', verdict: { kind: 'return' } };
const UNSURE = match({ kind: 'unknown', reason: 'a limit depends on what came before' });

function match(condition: Condition): Step {
  return { kind: 'match', condition };
}

function from(...cidrs: string[]): Step {
  return match({ kind: 'source', set: fromCidrs(cidrs) });
}

function to(...cidrs: string[]): Step {
  return match({ kind: 'destination', set: fromCidrs(cidrs) });
}

function port(number: number, end = number): Step {
  const ports = [{ from: number, to: end }];
  return match({
    kind: 'all',
    of: [
      { kind: 'protocol', numbers: [{ from: 6, to: 6 }] },
      { kind: 'destination-port', ports },
    ],
  });
}

function go(kind: 'jump' | 'goto', chain: string): Step {
  return { kind: 'verdict', verdict: { kind, chain } };
}

function states(...of: ('new' | 'established' | 'invalid' | 'untracked')[]): Step {
  return match({ kind: 'connection-state', states: of });
}

function chain(id: string, base: BaseChain | null, ...rules: Step[][]): Chain {
  const at = { file: 'test' };
  return {
    ...{ id, table: 'test', name: id, families: ['ipv4', 'ipv6'], base, at },
    rules: rules.map((steps, i) => ({
      ...{ id: `${id}#${i + 1}`, text: `rule ${i + 1}`, at, position: i + 1, handle: null },
      ...{ comment: null, origin: null, counter: null, steps },
    })),
  };
}

function base(
  hook: BaseChain['hook'],
  policy: BaseChain['policy'],
  priority = 0,
  type: BaseChain['type'] = 'filter',
): BaseChain {
  return { hook, priority, type, policy };
}

function ruleset(chains: readonly Chain[], network: HostNetwork | null = null): Ruleset {
  const layer = { id: 'linux', kind: 'linux' as const, title: 'test', addresses: null, scope: null, chains };
  return { files: [], layers: [layer], statements: NO_STATEMENTS, notes: [], network, assumptions: [] };
}

function network(...devices: [name: string, ...addresses: string[]][]): HostNetwork {
  const address = (text: string) => {
    const parsed = parseAddress(text.split('/')[0] as string);
    assert.ok(parsed);
    return { address: parsed, prefix: Number(text.split('/')[1]) };
  };
  const interfaces = devices.map(([name, ...addresses], index) => ({
    ...{ name, index, loopback: name === 'lo', addresses: addresses.map(address) },
  }));
  const routes = interfaces.flatMap(({ name, addresses, loopback }) =>
    loopback
      ? []
      : addresses.map(({ address: { family, value }, prefix }) => ({
          destination:
            family === 'ipv4'
              ? { network: { family, value: value - (value % 2 ** (32 - prefix)) }, prefix }
              : { network: { family, value: (value >> BigInt(128 - prefix)) << BigInt(128 - prefix) }, prefix },
          ...{ type: 'unicast', device: name, metric: 0, table: 'main' },
        })),
  );
  const gateway = parseAddress('0.0.0.0');
  assert.ok(gateway);
  const first = interfaces.find((device) => !device.loopback)?.name ?? null;
  const standard = {
    destination: { network: gateway, prefix: 0 },
    type: 'unicast',
    device: first,
    metric: 0,
    table: 'main',
  };
  return { interfaces, routes: [...routes, standard] };
}

function ask(rules: Ruleset, query: Partial<AdmissionQuery> = {}) {
  const { admitted, completes, ...rest } = createEvaluator(rules).admission({
    ...{
      transport: 'tcp',
      port: 22,
      addresses: null,
      iif: null,
      scope: 'host',
      view: 'client',
      explain: true,
      ...query,
    },
  });
  const v4 = (set: { readonly ipv4: readonly number[] }) => toCidrs({ ipv4: set.ipv4, ipv6: [] }).join(' ');
  return {
    ...rest,
    admitted: [v4(admitted.lower), v4(admitted.upper)],
    completes: [v4(completes.lower), v4(completes.upper)],
    ipv6: toCidrs({ ipv4: [], ipv6: admitted.lower.ipv6 }).join(' '),
  };
}

const ALL = '0.0.0.0/0';
const INPUT = base('input', 'drop');
const HOST = network(['lo', '127.0.0.1/8'], ['eth0', '10.0.0.5/24'], ['docker0', '172.17.0.1/16']);

const cases: readonly [name: string, rules: Ruleset, query: Partial<AdmissionQuery>, lower: string, upper?: string][] =
  [
    ['no chain lets everybody in', ruleset([]), {}, ALL],
    ['policy drop', ruleset([chain('in', INPUT)]), {}, ''],
    ['one accept', ruleset([chain('in', INPUT, [from('10.0.0.0/8'), port(22), ACCEPT])]), {}, '10.0.0.0/8'],
    ['of another port', ruleset([chain('in', INPUT, [from('10.0.0.0/8'), port(23), ACCEPT])]), {}, ''],
    [
      'earlier rules win',
      ruleset([chain('in', INPUT, [from('10.1.0.0/16'), DROP], [from('10.0.0.0/15'), ACCEPT])]),
      {},
      '10.0.0.0/16',
    ],
    [
      'a jump comes back, a goto does not',
      ruleset([
        chain(
          'in',
          INPUT,
          [from('10.0.0.0/9'), go('jump', 'sub')],
          [from('10.128.0.0/9'), go('goto', 'sub')],
          [ACCEPT],
        ),
        chain('sub', null, [from('10.1.0.0/16'), DROP], [from('10.2.0.0/16'), RETURN]),
      ]),
      { iif: 'eth0' },
      '0.0.0.0/5 8.0.0.0/7 10.0.0.0/16 10.2.0.0/15 10.4.0.0/14 10.8.0.0/13 10.16.0.0/12 10.32.0.0/11 10.64.0.0/10 11.0.0.0/8 12.0.0.0/6 16.0.0.0/4 32.0.0.0/3 64.0.0.0/2 128.0.0.0/1',
    ],
    [
      'an accept ends its own base chain only',
      ruleset([
        chain('a', base('input', 'accept', -10), [ACCEPT]),
        chain('b', base('input', 'drop'), [from('10.0.0.0/8'), ACCEPT]),
      ]),
      {},
      '10.0.0.0/8',
    ],
    [
      'what is not decidable may be either',
      ruleset([chain('in', INPUT, [from('10.0.0.0/8'), UNSURE, ACCEPT])]),
      {},
      '',
      '10.0.0.0/8',
    ],
    ['and does not matter before the same verdict', ruleset([chain('in', INPUT, [UNSURE, ACCEPT], [ACCEPT])]), {}, ALL],
    [
      'raw chains come before connection tracking',
      ruleset([
        chain(
          'raw',
          base('prerouting', 'accept', -300),
          [states('new'), DROP],
          [states('invalid'), from('10.0.0.0/8'), DROP],
        ),
      ]),
      { addresses: [parseAddress('10.0.0.5') as never] },
      '0.0.0.0/5 8.0.0.0/7 11.0.0.0/8 12.0.0.0/6 16.0.0.0/4 32.0.0.0/3 64.0.0.0/2 128.0.0.0/1',
    ],
    [
      'what is not tracked meets no NAT',
      ruleset([
        chain('raw', base('prerouting', 'accept', -300), [from('10.0.0.0/8'), { kind: 'notrack' }]),
        chain('nat', base('prerouting', 'accept', -100, 'nat'), [
          port(22),
          { kind: 'destination-nat', redirect: true, addresses: null, ports: { from: 2222, to: 2222 } },
        ]),
        chain('in', INPUT, [port(22), ACCEPT]),
      ]),
      {},
      '10.0.0.0/8',
    ],
    [
      'marks are carried from hook to hook',
      ruleset([
        chain('mangle', base('prerouting', 'accept', -150), [
          from('10.0.0.0/8'),
          { kind: 'set-mark', of: 'packet', keep: 0, value: 7 },
        ]),
        chain('in', INPUT, [match({ kind: 'mark', mask: 0xffffffff, values: [{ from: 7, to: 7 }] }), ACCEPT]),
      ]),
      {},
      '10.0.0.0/8',
    ],
    [
      'a published port is asked of the forward hook',
      ruleset(
        [
          chain('nat', base('prerouting', 'accept', -100, 'nat'), [
            port(8080),
            {
              kind: 'destination-nat',
              redirect: false,
              addresses: fromCidrs(['172.17.0.2']),
              ports: { from: 80, to: 80 },
            },
          ]),
          chain('in', INPUT),
          chain('fwd', base('forward', 'drop'), [to('172.17.0.2'), port(80), from('192.0.2.0/24'), ACCEPT]),
        ],
        HOST,
      ),
      { port: 8080, addresses: [parseAddress('10.0.0.5') as never] },
      '192.0.2.0/24',
    ],
    [
      'a redirected port is reached by the other one',
      ruleset(
        [
          chain('nat', base('prerouting', 'accept', -100, 'nat'), [
            port(8080),
            { kind: 'destination-nat', redirect: true, addresses: null, ports: { from: 80, to: 80 } },
          ]),
          chain('raw', base('prerouting', 'accept', -300), [port(80), from('10.0.0.0/8'), DROP]),
          chain('in', INPUT, [port(80), from('10.0.0.0/8', '11.0.0.0/8'), ACCEPT]),
        ],
        HOST,
      ),
      { port: 80, view: 'socket' },
      '10.0.0.0/7',
    ],
    [
      'interfaces are tried one by one',
      ruleset(
        [
          chain('in', INPUT, [
            match({ kind: 'in-interface', names: [{ name: 'docker', prefix: true }] }),
            from('172.17.0.0/16'),
            ACCEPT,
          ]),
        ],
        HOST,
      ),
      {},
      '172.17.0.0/16',
    ],
    [
      'which interfaces there are is not known without ip -j',
      ruleset([
        chain(
          'in',
          INPUT,
          [match({ kind: 'in-interface', names: [{ name: 'eth0', prefix: false }] }), ACCEPT],
          [from('10.0.0.0/8'), ACCEPT],
        ),
      ]),
      {},
      '10.0.0.0/8',
      ALL,
    ],
    [
      'the output interface is empty before routing',
      ruleset([
        chain('in', INPUT, [
          match({ kind: 'not', of: { kind: 'out-interface', names: [{ name: 'eth9', prefix: false }] } }),
          ACCEPT,
        ]),
      ]),
      {},
      ALL,
    ],
    [
      'a client may choose its port',
      ruleset([
        chain('in', INPUT, [match({ kind: 'source-port', ports: [{ from: 53, to: 53 }] }), from('10.0.0.0/8'), ACCEPT]),
      ]),
      {},
      '10.0.0.0/8',
    ],
    [
      'verdict maps take the first branch that applies',
      ruleset([
        chain('in', INPUT, [
          {
            kind: 'verdict-map',
            branches: [
              { when: { kind: 'source', set: fromCidrs(['10.0.0.0/9']) }, verdict: { kind: 'drop' } },
              { when: { kind: 'source', set: fromCidrs(['10.0.0.0/8']) }, verdict: { kind: 'accept' } },
            ],
          },
        ]),
      ]),
      {},
      '10.128.0.0/9',
    ],
  ];

for (const [name, rules, query, lower, upper = lower] of cases)
  test(`admission: ${name}`, () => {
    assert.deepEqual(ask(rules, query).admitted, [lower, upper]);
  });

test('a connection completes only if answers get out', () => {
  const open = chain('in', INPUT, [states('new'), port(22), ACCEPT]);
  assert.deepEqual(ask(ruleset([open])).completes, ['', ''], 'the confirmation is not new');
  const both = chain('in', INPUT, [states('established'), ACCEPT], [states('new'), port(22), ACCEPT]);
  assert.deepEqual(ask(ruleset([both])).completes, [ALL, ALL]);
  const shut = chain('out', base('output', 'drop'), [to('10.0.0.0/8'), ACCEPT]);
  assert.deepEqual(ask(ruleset([both, shut])).completes, ['10.0.0.0/8', '10.0.0.0/8']);
  assert.deepEqual(ask(ruleset([both, shut])).admitted, [ALL, ALL]);
});

test('answers from behind the host meet its prerouting chains, without any forward chain', () => {
  const rules = ruleset([chain('pre', base('prerouting', 'accept', -150), [to('10.0.0.0/8'), DROP])]);
  const behind = parseAddress('192.0.2.7');
  assert.ok(behind);
  const { admitted, completes } = ask(
    { ...rules, network: network(['eth0', '198.51.100.1/24'], ['br0', '192.0.2.1/24']) },
    { addresses: [behind] },
  );
  assert.deepEqual(
    [admitted, completes].map(([lower]) => lower),
    [ALL, '0.0.0.0/5 8.0.0.0/7 11.0.0.0/8 12.0.0.0/6 16.0.0.0/4 32.0.0.0/3 64.0.0.0/2 128.0.0.0/1'],
  );
});

test('of chains with the same priority any may come first, where that matters', () => {
  const redirect = (to: number): Step => ({
    ...{ kind: 'destination-nat', redirect: true, addresses: null, ports: { from: to, to } },
  });
  const nat = (id: string, ...rules: Step[][]) => chain(id, base('prerouting', 'accept', -100, 'nat'), ...rules);
  const shut = chain('in', base('input', 'accept'), [port(23), DROP]);
  const query = { addresses: [parseAddress('10.0.0.5')].filter((address) => address !== null) };
  const both = ruleset([nat('a', [redirect(23)]), nat('b', [from('10.0.0.0/8'), redirect(24)]), shut], HOST);
  assert.deepEqual(ask(both, query).admitted, ['', '10.0.0.0/8']);
  const one = ruleset([nat('a', [redirect(24)]), nat('b'), shut], HOST);
  assert.deepEqual(ask(one, query).admitted, [ALL, ALL]);

  const mark: Step = { kind: 'set-mark', of: 'packet', keep: 0, value: 1 };
  const marked = match({ kind: 'mark', mask: 0xffffffff, values: [{ from: 1, to: 1 }] });
  const [writes, reads] = [
    chain('w', base('input', 'accept'), [mark]),
    chain('r', base('input', 'accept'), [marked, DROP]),
  ];
  assert.deepEqual(ask(ruleset([writes, reads])).admitted, ['', ALL]);
  const later = { ...reads, base: base('input', 'accept', 1) };
  assert.deepEqual(ask(ruleset([writes, later])).admitted, ['', '']);
});

test('a source that one chain rewrites is not seen by the other chains of NAT', () => {
  const masquerade: Step = { kind: 'source-nat', text: 'masquerade' };
  const nat = (id: string, priority: number, ...rules: Step[][]) =>
    chain(id, base('postrouting', 'accept', priority, 'nat'), ...rules);
  const behind = { addresses: [parseAddress('172.17.0.2')].filter((address) => address !== null) };
  const first = ruleset([nat('a', 90, [masquerade]), nat('b', 100, [DROP])], HOST);
  assert.deepEqual(ask(first, behind).admitted, [ALL, ALL]);
  const last = ruleset([nat('a', 100, [masquerade]), nat('b', 90, [DROP])], HOST);
  assert.deepEqual(ask(last, behind).admitted, ['', '']);
  const either = ruleset([nat('a', 100, [masquerade]), nat('b', 100, [DROP])], HOST);
  assert.deepEqual(ask(either, behind).admitted, ['', ALL]);
});

test('a translation to where it went anyway is none', () => {
  const stays: Step = {
    ...{ kind: 'destination-nat', redirect: false, ports: null, addresses: fromCidrs(['10.0.0.5/32']) },
  };
  const isRewritten = match({ kind: 'connection-status', bits: ['dnat'] });
  const rules = ruleset(
    [chain('pre', base('prerouting', 'accept', -100, 'nat'), [stays]), chain('in', INPUT, [isRewritten, ACCEPT])],
    network(['eth0', '10.0.0.5/24', '10.0.0.6/24']),
  );
  const asked = (text: string) => ask(rules, { addresses: [parseAddress(text)].filter((address) => address !== null) });
  assert.deepEqual(asked('10.0.0.5').admitted, ['', '']);
  assert.deepEqual(asked('10.0.0.6').admitted, [ALL, ALL]);
});

test('chains of NAT are not called where nothing asks for connection tracking', () => {
  const drops = chain('pre', base('prerouting', 'accept', -100, 'nat'), [from('10.0.0.0/8'), DROP]);
  const [without, upper] = ask(ruleset([drops])).admitted;
  assert.equal(upper, ALL);
  const tracked = ask(ruleset([drops, chain('in', base('input', 'accept'), [states('new'), ACCEPT])])).admitted;
  assert.deepEqual(tracked, [without, without]);
});

test('an answer names who decides, a witness and what is open', () => {
  const rules = ruleset([
    chain('in', INPUT, [from('10.0.0.0/8'), port(22), ACCEPT], [from('192.0.2.0/24'), UNSURE, ACCEPT]),
  ]);
  const { deciding, undecided, witnesses } = ask(rules);
  const words = deciding.map(({ rule, verdict, sources }) => `${rule.id} ${verdict} ${toCidrs(sources).length}`);
  assert.ok(words.includes('in#1 accept 1'));
  assert.deepEqual(
    undecided.map(({ rule, reason, sources }) => `${rule.id} ${reason} ${toCidrs(sources)}`),
    ['in#2 a limit depends on what came before 192.0.2.0/24'],
  );
  assert.deepEqual(
    witnesses
      .filter(({ source }) => source.family === 'ipv4')
      .map(({ verdict, source }) => `${verdict} ${source.value}`),
    [`admitted ${0x0a000001}`, `undecided ${0xc0000201}`, `refused ${0x01000001}`],
  );
});

const redirectTo22: Step = {
  ...{ kind: 'destination-nat', redirect: true, addresses: null, ports: { from: 22, to: 22 } },
};

test('a socket is reached from every port that leads to it, named by a rule or not', () => {
  const nat = (...rules: Step[][]) => chain('nat', base('prerouting', 'accept', -100, 'nat'), ...rules);
  const shut = chain('pre', base('prerouting', 'accept', -150), [port(22), DROP]);
  const socket = { view: 'socket' } as const;
  assert.deepEqual(ask(ruleset([shut, nat([redirectTo22])], HOST), socket).admitted, [ALL, ALL]);
  const other: Step = match({ kind: 'not', of: { kind: 'destination-port', ports: [{ from: 80, to: 80 }] } });
  assert.deepEqual(ask(ruleset([shut, nat([other, redirectTo22])], HOST), socket).admitted, [ALL, ALL]);
  const edges = match({ kind: 'original-destination-port', ports: [1000, 2000].map((n) => ({ from: n, to: n })) });
  const middle = [shut, nat([port(1000, 2000), redirectTo22]), chain('in', base('input', 'accept'), [edges, DROP])];
  assert.deepEqual(ask(ruleset(middle, HOST), socket).admitted, [ALL, ALL]);
  const many = Array.from({ length: 600 }, (_, i) => [port(1000 + 2 * i), DROP]);
  const nobody = ask(ruleset([shut, nat([redirectTo22]), chain('in', INPUT, ...many)], HOST), socket);
  assert.deepEqual(nobody.admitted, ['', ALL]);
  assert.match(nobody.undecided.map(({ reason }) => reason).join(), /more ports than are looked at/);
});

test('a socket bound to one address is reached from others that lead to it', () => {
  const addresses = ['10.0.0.5'].map(parseAddress).filter((address) => address !== null);
  const two = network(['eth0', '10.0.0.5/24', '10.0.0.6/24']);
  const [here, there] = ['10.0.0.5/32', '10.0.0.6/32'] as const;
  const leads = (ports: { from: number; to: number } | null): Step => ({
    ...{ kind: 'destination-nat', redirect: false, addresses: fromCidrs([here]), ports },
  });
  const shut = chain('pre', base('prerouting', 'accept', -150), [to(here), DROP]);
  const by = (step: Step, ...tests: Step[]) =>
    ruleset([shut, chain('nat', base('prerouting', 'accept', -100, 'nat'), [...tests, step])], two);
  const asked = (rules: Ruleset) => ask(rules, { view: 'socket', addresses }).admitted;
  assert.deepEqual(asked(by(leads(null), to(there))), [ALL, ALL]);
  assert.deepEqual(asked(by(leads({ from: 22, to: 22 }), to(there), port(2222))), [ALL, ALL]);
  assert.deepEqual(asked(by(redirectTo22, to(there), port(2222))), [ALL, ALL]);
  assert.deepEqual(asked(by(leads({ from: 23, to: 23 }), to(there), port(2222))), ['', '']);
  assert.deepEqual(asked(ruleset([shut], two)), ['', '']);
});

test('a packet that is put into a zone may not be known as part of its connection later', () => {
  const zone = (hook: 'prerouting' | 'output') => chain(hook, base(hook, 'accept', -300), [{ kind: 'zone' }]);
  const rules = [chain('in', INPUT, [states('established'), ACCEPT], [states('new'), port(22), ACCEPT])];
  for (const hook of ['prerouting', 'output'] as const) {
    const { admitted, completes } = ask(ruleset([zone(hook), ...rules]));
    assert.deepEqual(
      [admitted, completes],
      [
        [ALL, ALL],
        ['', ALL],
      ],
      hook,
    );
  }
  const late = chain('late', base('prerouting', 'accept', -150), [{ kind: 'zone' }]);
  assert.deepEqual(ask(ruleset([late, ...rules])).completes, [ALL, ALL], 'tracked already');
});

test('what leaves only the answers of a connection open is told too', () => {
  const rules = ruleset([
    chain('in', INPUT, [port(22), ACCEPT], [states('established'), ACCEPT]),
    chain('out', base('output', 'accept'), [to('10.0.0.0/8'), UNSURE, DROP]),
  ]);
  const { admitted, undecided } = ask(rules);
  assert.deepEqual(admitted, [ALL, ALL]);
  assert.deepEqual(
    undecided.map(({ rule, sources }) => `${rule.id} ${toCidrs(sources)}`),
    ['out#1 10.0.0.0/8'],
  );
});

test('a chain whose interface the listing leaves out is told as the reason', () => {
  const unplaced: BaseChain = { ...base('ingress', 'accept'), devices: null };
  const { admitted, undecided } = ask(ruleset([chain('dev', unplaced, [from('10.0.0.0/8'), DROP])], HOST));
  assert.equal(admitted[1], ALL);
  assert.deepEqual(
    undecided.map(({ sources, reason }) => `${toCidrs(sources)} ${reason}`),
    ['10.0.0.0/8 an ingress chain may be attached to the interface or not'],
  );
});

test('a witness is no broadcast address, and none of the host', () => {
  const shut = chain('in', INPUT, [from('10.0.0.0/29', '10.0.0.255/32', '192.0.2.0/24'), ACCEPT]);
  const local = { table: 'local', device: 'eth0', metric: 0 };
  const host = network(['eth0', '10.0.0.1/24', '10.0.0.5/24']);
  const cast = ['10.0.0.255', '10.0.0.5', '10.0.0.1'].map(parseAddress).filter((address) => address !== null);
  const routes = cast.map((address, i) => ({
    ...{ ...local, type: i === 0 ? 'broadcast' : 'local', destination: { network: address, prefix: 32 } },
  }));
  const { witnesses } = ask(ruleset([shut], { ...host, routes: [...routes, ...(host.routes ?? [])] }));
  const sources = witnesses.filter(({ verdict }) => verdict === 'admitted').map(({ source }) => source.value);
  assert.deepEqual(sources, [0x0a000003]);
});

test('a circle of jumps is undecided, and ends', () => {
  const rules = ruleset([
    chain('in', INPUT, [go('jump', 'a')]),
    chain('a', null, [go('jump', 'b')]),
    chain('b', null, [go('jump', 'a')]),
  ]);
  assert.deepEqual(ask(rules).admitted, ['', ALL]);
});

test('chains that fan out are walked in bounded time', () => {
  const levels = Array.from({ length: 40 }, (_, i) =>
    chain(
      `c${i}`,
      null,
      ...(i === 39 ? [[from('10.0.0.0/8'), ACCEPT]] : [[go('jump', `c${i + 1}`)], [go('jump', `c${i + 1}`)]]),
    ),
  );
  assert.deepEqual(ask(ruleset([chain('in', INPUT, [go('jump', 'c0')]), ...levels]), { explain: false }).admitted, [
    '10.0.0.0/8',
    '10.0.0.0/8',
  ]);
});

test('a file that could not be read whole leaves everything open', () => {
  const file = { name: 'x', dialect: 'nftables', statements: NO_STATEMENTS, incomplete: 'it ends in the middle' };
  assert.deepEqual(ask({ ...ruleset([chain('in', INPUT)]), files: [file] }).admitted, ['', ALL]);
});

test('what is translated to loopback arrives from outside only where a setting lets it', () => {
  const nat: Step = {
    ...{ kind: 'destination-nat', redirect: false, addresses: fromCidrs(['127.0.0.1/32']), ports: null },
  };
  const rules = ruleset([chain('nat', base('prerouting', 'accept', -100, 'nat'), [port(22), nat])], HOST);
  // measured: a kernel drops it as it comes by default, and lets it in with net.ipv4.conf.all.route_localnet=1
  const answer = ask(rules, {});
  assert.deepEqual(answer.admitted, ['', ALL]);
  assert.match(answer.undecided.map(({ reason }) => reason).join(), /route_localnet/);
});
