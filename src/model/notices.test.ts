import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createNoticeFolder, NOTICE_RULES, type Notice, type NoticeInput, type NoticeRules } from './notices.ts';

type Input = NoticeInput<string>;

/** `12.5 open a nginx`: seconds, what happened, the endpoint, the program. */
function inputOf(line: string): Input {
  const [seconds, verb, key = '', program = 'nginx'] = line.split(' ');
  const kind = verb === 'open' ? 'opened' : verb === 'close' ? 'closed' : 'changed';
  const identity = program === '?' ? {} : { identity: program };
  return { kind, at: Number(seconds) * 1000, key, program, ...identity, what: `${key} ${program}` };
}

function told(notice: Notice<string>): string {
  const at = notice.at / 1000;
  switch (notice.kind) {
    case 'opened':
    case 'changed':
      return `${at} ${notice.kind} ${notice.what}`;
    case 'closed':
      return `${at} closed ${notice.what}${notice.openMs === null ? '' : ` after ${notice.openMs} ms`}`;
    case 'replaced':
      return `${at} replaced ${notice.before} by ${notice.what}`;
    case 'flapping':
      return `${at} flapping ${notice.what} ${notice.opens}/${notice.closes}${notice.over ? ` over, ${notice.isOpen ? 'open' : 'closed'}` : ''}`;
    case 'many':
      return `${at} many ${notice.program} ${notice.opens}/${notice.closes}${notice.over ? ' over' : ''}`;
  }
}

function run(lines: readonly string[], until: number, rules: NoticeRules = NOTICE_RULES): string[] {
  const folder = createNoticeFolder<string>(rules);
  const notices = lines.flatMap((line) => folder.add(inputOf(line)));
  return [...notices, ...folder.tick(until * 1000)].map(told);
}

const flaps = (from: number, times: number, gap = 1): string[] =>
  Array.from({ length: times }, (_, i) => [`${from + i * gap} open a`, `${from + i * gap + gap / 2} close a`]).flat();

describe('what people are told of what opens and closes', () => {
  const cases: { name: string; lines: string[]; until: number; want: string[] }[] = [
    { name: 'an opening is told at once', lines: ['1 open a'], until: 1, want: ['1 opened a nginx'] },
    {
      name: 'a closing waits for what may come back, and is dated when it was',
      lines: ['1 open a', '9 close a'],
      until: 14,
      want: ['1 opened a nginx', '9 closed a nginx after 8000 ms'],
    },
    { name: 'it is not told before that', lines: ['1 open a', '9 close a'], until: 13.9, want: ['1 opened a nginx'] },
    {
      name: 'a restart is quiet',
      lines: ['1 open a', '9 close a', '13.9 open a'],
      until: 60,
      want: ['1 opened a nginx'],
    },
    {
      name: 'so is one where the program could not be seen any more',
      lines: ['1 open a', '9 close a ?', '10 open a ?'],
      until: 60,
      want: ['1 opened a nginx'],
    },
    {
      name: 'another program in the place of the one before is told',
      lines: ['1 open a', '9 close a', '10 open a ncat'],
      until: 60,
      want: ['1 opened a nginx', '10 replaced a nginx by a ncat'],
    },
    {
      name: 'a restart that takes long is a closing and an opening',
      lines: ['1 open a', '9 close a', '15 open a'],
      until: 60,
      want: ['1 opened a nginx', '9 closed a nginx after 8000 ms', '15 opened a nginx'],
    },
    {
      name: 'what was open before anybody watched closes too',
      lines: ['3 close a'],
      until: 60,
      want: ['3 closed a nginx'],
    },
    {
      name: 'the life of a short-lived one is told in ms',
      lines: ['1 open a', '1.012 close a'],
      until: 60,
      want: ['1 opened a nginx', '1.012 closed a nginx after 12 ms'],
    },
    {
      name: 'a change is told',
      lines: ['1 change a'],
      until: 60,
      want: ['1 changed a nginx'],
    },
    {
      name: 'flapping is told when it begins and when it is over',
      lines: flaps(1, 40),
      until: 200,
      want: ['1 opened a nginx', '6 flapping a nginx 6/5', '100.5 flapping a nginx 40/40 over, closed'],
    },
    {
      name: 'and what it ends with is said',
      lines: [...flaps(1, 9), '10 open a'],
      until: 200,
      want: ['1 opened a nginx', '6 flapping a nginx 6/5', '70 flapping a nginx 10/9 over, open'],
    },
    {
      name: 'flapping that goes on is told every ten minutes',
      lines: flaps(0, 130, 10),
      until: 3_000,
      want: [
        '0 opened a nginx',
        '5 closed a nginx after 5000 ms',
        '10 opened a nginx',
        '15 closed a nginx after 5000 ms',
        '20 opened a nginx',
        '25 closed a nginx after 5000 ms',
        '30 opened a nginx',
        '35 closed a nginx after 5000 ms',
        '40 opened a nginx',
        '45 closed a nginx after 5000 ms',
        '50 flapping a nginx 6/5',
        '600 flapping a nginx 60/60',
        '1200 flapping a nginx 60/60',
        '1355 flapping a nginx 10/10 over, closed',
      ],
    },
    {
      name: 'after flapping, it is told one by one again',
      lines: [...flaps(1, 8), '300 open a'],
      until: 400,
      want: [
        '1 opened a nginx',
        '6 flapping a nginx 6/5',
        '68.5 flapping a nginx 8/8 over, closed',
        '300 opened a nginx',
      ],
    },
    {
      name: 'a restart every ten minutes is not flapping',
      lines: Array.from({ length: 9 }, (_, i) => [`${i * 700} open a`, `${i * 700 + 699} close a`]).flat(),
      until: 5_700,
      want: ['0 opened a nginx'],
    },
  ];
  for (const { name, lines, until, want } of cases)
    test(name, () => {
      assert.deepEqual(run(lines, until), want);
    });

  test('many endpoints of one program are told together, others meanwhile one by one', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `${i / 10} open p${i} python3`);
    const got = run([...lines, '9.95 open x sshd'], 200);
    assert.equal(got.filter((line) => line.includes('opened p')).length, 39);
    assert.deepEqual(got.slice(39), ['3.9 many python3 1/0', '9.95 opened x sshd', '69.9 many python3 61/0 over']);
  });

  test('many programs at once are told together too', () => {
    const rules = { ...NOTICE_RULES, manyAfter: 3 };
    const lines = Array.from({ length: 50 }, (_, i) => `${i / 10} open p${i} program${i}`);
    const got = run(lines, 200, rules);
    assert.equal(got.length, 29 + 2);
    assert.deepEqual(got.slice(29), ['2.9 many null 1/0', '64.9 many null 21/0 over']);
  });
});

const RULES: NoticeRules = { ...NOTICE_RULES, manyAfter: 1_000_000 };

/** What really happens at endpoints: each opens and closes in turn. */
const histories = fc
  .array(
    fc.record({ key: fc.constantFrom('a', 'b', 'c'), wait: fc.integer({ min: 0, max: 30_000 }), other: fc.boolean() }),
    {
      maxLength: 120,
    },
  )
  .map((steps) => {
    const open = new Set<string>();
    let at = 0;
    return steps.map(({ key, wait, other }): Input => {
      at += wait;
      const kind = open.has(key) ? 'closed' : 'opened';
      if (kind === 'opened') open.add(key);
      else open.delete(key);
      const program = other ? 'ncat' : 'nginx';
      return { kind, at, key, program, identity: program, what: key };
    });
  });

describe('whatever happens', () => {
  test('everything is told once or was a quiet restart', () => {
    fc.assert(
      fc.property(
        histories,
        fc.constantFrom(3, 1_000_000),
        fc.constantFrom(2, 20_000),
        (inputs, manyAfter, maxTracked) => {
          const folder = createNoticeFolder<string>({ ...RULES, manyAfter, maxTracked });
          const notices = inputs.flatMap((input) => folder.add(input));
          notices.push(...folder.flush(inputs.at(-1)?.at ?? 0));
          const sum = (of: 'opens' | 'closes') => notices.reduce((n, { told }) => n + told[of], folder.quiet()[of]);
          assert.equal(sum('opens'), inputs.filter((i) => i.kind === 'opened').length);
          assert.equal(sum('closes'), inputs.filter((i) => i.kind === 'closed').length);
          assert.equal(folder.tracked(), 0);
        },
      ),
    );
  });

  test('what was told last of an endpoint is how it is, once it is quiet', () => {
    fc.assert(
      fc.property(histories, (inputs) => {
        const folder = createNoticeFolder<string>(RULES);
        const notices = inputs.flatMap((input) => folder.add(input));
        notices.push(...folder.tick((inputs.at(-1)?.at ?? 0) + 3_600_000));
        for (const key of new Set(inputs.map((i) => i.key))) {
          const isOpen = inputs.findLast((i) => i.key === key)?.kind === 'opened';
          const last = notices.findLast((n) => n.kind !== 'many' && n.what === key);
          const said = last?.kind === 'flapping' ? last.isOpen : last?.kind !== 'closed';
          assert.equal(said, isOpen, key);
        }
        assert.equal(folder.tracked(), 0, 'nothing is remembered of what is quiet');
      }),
    );
  });

  test('how often it is asked what is due changes nothing', () => {
    fc.assert(
      fc.property(histories, fc.array(fc.integer({ min: 0, max: 3_000_000 })), (inputs, ticks) => {
        const end = (inputs.at(-1)?.at ?? 0) + 3_600_000;
        const once = createNoticeFolder<string>(RULES);
        const often = createNoticeFolder<string>(RULES);
        const plain = [...inputs.flatMap((input) => once.add(input)), ...once.tick(end)];
        const waiting = ticks.toSorted((a, b) => a - b);
        const asked: Notice<string>[] = [];
        for (const input of inputs) {
          while (waiting[0] !== undefined && waiting[0] <= input.at)
            asked.push(...often.tick(waiting.shift() as number));
          asked.push(...often.add(input));
        }
        asked.push(...often.tick(end));
        assert.deepEqual(asked, plain);
      }),
    );
  });

  test('what flaps is told no more often than the rules say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 2, max: 2_000 }), (times, gap) => {
        const inputs = flaps(0, times, gap / 1000).map(inputOf);
        const folder = createNoticeFolder<string>(RULES);
        const notices = [...inputs.flatMap((input) => folder.add(input)), ...folder.tick(1e9)];
        const length = (times * gap) / RULES.windowMs;
        assert.ok(notices.length <= 2 * RULES.flapAfter + 2 + length, `${notices.length} for ${times} × ${gap} ms`);
      }),
    );
  });

  test('what is remembered is bounded, whatever comes and however it is called', () => {
    const folder = createNoticeFolder<string>({ ...NOTICE_RULES, maxTracked: 100 });
    let most = 0;
    for (let n = 0; n < 20_000; n++) {
      for (const kind of ['opened', 'closed'] as const)
        folder.add({ kind, at: n, key: `port ${n}`, program: `program ${n}`, what: '' });
      most = Math.max(most, folder.waiting());
    }
    assert.ok(most < 1_000, `${most} remembered of 100`);
    assert.ok(folder.tracked() <= 100);
  });
});
