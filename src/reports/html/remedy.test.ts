import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remedy } from './remedy.ts';

test('commands of a remedy are set apart, to be copied as they are', () => {
  const cases = [
    {
      name: 'behind a colon',
      text: 'Restart it: systemctl restart ssh.service',
      want: ['systemctl restart ssh.service'],
    },
    {
      name: 'its full stop stays outside',
      text: 'Review the entry: quietdoor register review ID.',
      want: ['quietdoor register review ID'],
    },
    {
      name: 'two in two sentences',
      text: 'Stop it: kill 4711. Or propose an entry: quietdoor register draft --endpoint vm:8080/tcp',
      want: ['kill 4711', 'quietdoor register draft --endpoint vm:8080/tcp'],
    },
    {
      name: 'two apart by blanks',
      text: 'See what changed: quietdoor register diff   then approve it: quietdoor register approve a',
      want: ['quietdoor register diff', 'quietdoor register approve a'],
    },
    { name: 'in backticks', text: 'Run `ss -lntup` and look.', want: ['ss -lntup'] },
    {
      name: 'in brackets',
      text: 'See it: git log -1 -S a -- b.yaml. (Where git prints nothing: quietdoor register diff.) Then: ss -lntup',
      want: ['git log -1 -S a -- b.yaml', 'quietdoor register diff', 'ss -lntup'],
    },
    { name: 'a name in backticks is none', text: 'Change `bind` in the entry.', want: [] },
    { name: 'a sentence is none', text: 'Run quietdoor as root.', want: [] },
    { name: 'lines', text: 'quietdoor scan local\nquietdoor check', want: ['quietdoor scan local', 'quietdoor check'] },
  ];
  for (const { name, text, want } of cases) {
    const commands = [...remedy(text).markup.matchAll(/<code class="command">([^<]*)<\/code>/g)].map((m) => m[1]);
    assert.deepEqual(commands, want, name);
  }
});
