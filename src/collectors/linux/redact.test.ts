import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redactCommandLine } from './redact.ts';

const SECRET = 'Hunter2-Zz9';
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLXZhbHVl';

const cases: { name: string; args: string[]; want: string }[] = [
  { name: 'nothing secret', args: ['/usr/sbin/nginx', '-g', 'daemon off;'], want: '/usr/sbin/nginx -g daemon off;' },
  { name: '--password=x', args: ['app', `--password=${SECRET}`], want: 'app --password=[redacted]' },
  {
    name: '--password x',
    args: ['app', '--db-password', SECRET, '--port', '80'],
    want: 'app --db-password [redacted] --port 80',
  },
  { name: '-token x', args: ['app', '-token', SECRET], want: 'app -token [redacted]' },
  { name: 'TOKEN=x', args: ['env', `API_TOKEN=${SECRET}`, 'app'], want: 'env API_TOKEN=[redacted] app' },
  {
    name: 'the value of an argument reaches to its end',
    args: ['sh', '-c', `PGPASSWORD=${SECRET} psql`],
    want: 'sh -c PGPASSWORD=[redacted]',
  },
  { name: 'camel case', args: ['java', `-Ddb.userPassword=${SECRET}`], want: 'java -Ddb.userPassword=[redacted]' },
  {
    name: 'mysql -px',
    args: ['/usr/bin/mysql', '-u', 'root', `-p${SECRET}`],
    want: '/usr/bin/mysql -u root -p[redacted]',
  },
  { name: 'redis-cli -a x', args: ['redis-cli', '-a', SECRET, 'ping'], want: 'redis-cli -a [redacted] ping' },
  { name: '-p of others is a port', args: ['/usr/sbin/sshd', '-p', '2222'], want: '/usr/sbin/sshd -p 2222' },
  { name: 'docker run -p publishes', args: ['docker', 'run', '-p', '80:80'], want: 'docker run -p 80:80' },
  { name: 'docker login -p', args: ['docker', 'login', '-p', SECRET], want: 'docker login -p [redacted]' },
  {
    name: 'URL',
    args: ['app', `postgres://user:${SECRET}@db:5432/x`],
    want: 'app postgres://user:[redacted]@db:5432/x',
  },
  { name: 'URL with @ in the password', args: ['app', 'amqp://u:p@ss@host/'], want: 'app amqp://u:[redacted]@host/' },
  { name: 'AWS key id', args: ['app', 'AKIAIOSFODNN7EXAMPLE'], want: 'app [redacted]' },
  { name: 'JSON Web Token', args: ['app', `x=${JWT}`], want: 'app x=[redacted]' },
  {
    name: 'bearer',
    args: ['curl', '-H', `Authorization: Bearer ${SECRET}`],
    want: 'curl -H Authorization:[redacted]',
  },
  {
    name: 'JSON',
    args: ['app', `{"password":"${SECRET}","port":80}`],
    want: 'app {"password":"[redacted]","port":80}',
  },
  {
    name: 'private key',
    args: ['app', `-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`, 'x'],
    want: 'app [redacted] x',
  },
  { name: 'file of a secret', args: ['app', '--password-file=/run/secret'], want: 'app --password-file=/run/secret' },
  { name: 'control characters', args: ['app', '\u001b[31mred\n', '\u202ex'], want: 'app [31mred x' },
];

for (const { name, args, want } of cases)
  test(name, () => {
    const got = redactCommandLine(args);
    assert.equal(got, want);
    assert.ok(!got.includes(SECRET));
  });

test('is bounded in length and quick for any arguments', () => {
  assert.equal(redactCommandLine(['x'.repeat(100_000)]).length, 1024);
  assert.ok(redactCommandLine(['app', `${'a:'.repeat(5000)}@`]).length <= 1024);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (args) => {
      const text = redactCommandLine(args);
      assert.ok(text.length <= 1024 && !/\p{Cc}/u.test(text));
    }),
  );
});
