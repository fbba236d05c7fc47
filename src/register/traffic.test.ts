import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mergeRetention } from './load-traffic.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const DEFAULTS = { fiveMinuteDays: 35, hourDays: 365, dayDays: 1095 };

describe('traffic in quietdoor.yaml', () => {
  const cases: { name: string; yaml: string; want?: object; problems?: string[] }[] = [
    { name: 'says nothing', yaml: '', problems: [] },
    {
      name: 'says some of it',
      yaml: 'traffic:\n  keep:\n    fiveMinutes: 60d\n    days:\n',
      want: { ...DEFAULTS, fiveMinuteDays: 60 },
    },
    {
      name: 'says all of it',
      yaml: 'traffic:\n  keep: { fiveMinutes: 5w, hours: 35d, days: 90 days }\n',
      want: { fiveMinuteDays: 35, hourDays: 35, dayDays: 90 },
    },
    {
      name: 'is no duration',
      yaml: 'traffic:\n  keep:\n    days: forever\n',
      problems: ['quietdoor.yaml:3:11 days: expected a duration such as 24h, 90d, 12w or 1y, not "forever"'],
    },
    {
      name: 'keeps coarser rows for a shorter time',
      yaml: 'traffic:\n  keep:\n    hours: 30d\n',
      problems: ['quietdoor.yaml:3:12 keep.hours: 30d, is shorter than keep.fiveMinutes: 35d, the default'],
    },
    {
      name: 'has another key',
      yaml: 'traffic:\n  kept:\n    hours: 30d\n',
      problems: ['quietdoor.yaml:2:3 unknown key "kept"'],
    },
  ];
  for (const { name, yaml, want, problems = [] } of cases)
    test(name, async () => {
      const { register } = await loadWorkspace(memorySource({ 'quietdoor.yaml': `name: t\n${yaml}` }));
      assert.deepEqual(register.traffic?.retention, want);
      assert.deepEqual(
        register.problems.map(({ at, message }) => `${at.file}:${at.line - 1}:${at.column} ${message}`),
        problems,
      );
    });
});

test('layers that contradict each other keep flows longer, not shorter', () => {
  assert.deepEqual(mergeRetention([{ dayDays: 90, hourDays: 80 }, { fiveMinuteDays: 100 }]), {
    fiveMinuteDays: 100,
    hourDays: 100,
    dayDays: 100,
  });
});
