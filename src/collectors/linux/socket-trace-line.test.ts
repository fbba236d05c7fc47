import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTraceLine, type TracedLine } from './socket-trace-line.ts';

/** Lines as Linux 6.18 printed them; where another kernel is named, as its source says. */
const V4 =
  'inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=35899 dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:0.0.0.0';
const OPENS = 'oldstate=TCP_CLOSE newstate=TCP_LISTEN';
const CLOSES = 'oldstate=TCP_LISTEN newstate=TCP_CLOSE';
const nc: TracedLine = {
  kind: 'listen',
  seconds: 34353.157873,
  pid: 9924,
  comm: 'nc',
  family: 'ipv4',
  address: '127.0.0.1',
  port: 35899,
};

const cases: { name: string; line: string; want: ReturnType<typeof readTraceLine> }[] = [
  { name: 'opens', line: `              nc-9924    (   9924) [000] ..... 34353.157873: ${V4} ${OPENS}`, want: nc },
  {
    name: 'closes',
    line: `              nc-9924    (   9924) [000] ..... 34353.157873: ${V4} ${CLOSES}`,
    want: { ...nc, kind: 'unlisten' },
  },
  {
    name: 'a thread is told by its process',
    line: `              nc-9965    (   9924) [012] ..... 34353.157873: ${V4} ${OPENS}`,
    want: nc,
  },
  {
    name: 'the process of the thread is lost',
    line: `              nc-9924    (-------) [000] d.s3. 34353.157873: ${V4} ${OPENS}`,
    want: nc,
  },
  { name: 'without process ids', line: `              nc-9924    [000] ..... 34353.157873: ${V4} ${OPENS}`, want: nc },
  { name: 'four flags (Linux 5.10)', line: `    nc-9924    [000] .... 34353.157873: ${V4} ${OPENS}`, want: nc },
  { name: 'without flags', line: `    nc-9924    [000] 34353.157873: ${V4} ${OPENS}`, want: nc },
  {
    name: 'the name is lost',
    line: `           <...>-9924    (-------) [000] ..... 34353.157873: ${V4} ${OPENS}`,
    want: { ...nc, comm: '' },
  },
  {
    name: 'a name that looks like what follows it',
    line: `    odd -1 [000]-9965    (   9924) [000] ..... 34353.157873: ${V4} ${OPENS}`,
    want: { ...nc, comm: 'odd -1 [000]' },
  },
  {
    name: 'a name with control characters and bytes that are no UTF-8',
    line: `          a\rb\ufffd\u001b c-9924    (   9924) [001] ..... 34353.157873: ${V4} ${OPENS}`,
    want: { ...nc, comm: 'a\rb\ufffd\u001b c' },
  },
  {
    name: 'no process',
    line: `          <idle>-0       (-------) [001] ..s2. 34353.157873: ${V4} ${CLOSES}`,
    want: { ...nc, kind: 'unlisten', pid: 0, comm: '<idle>' },
  },
  {
    name: 'IPv6',
    line: ` nc-9924 (9924) [000] ..... 1.000001: inet_sock_set_state: family=AF_INET6 protocol=IPPROTO_TCP sport=50073 dport=0 saddr=127.0.0.6 daddr=0.0.0.0 saddrv6=::1 daddrv6=:: ${OPENS}`,
    want: { ...nc, seconds: 1.000001, family: 'ipv6', address: '::1', port: 50073 },
  },
  {
    name: 'IPv4 in an IPv6 socket, as the tables write it',
    line: ` nc-9924 (9924) [000] ..... 1.000001: inet_sock_set_state: family=AF_INET6 protocol=IPPROTO_TCP sport=35355 dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=:: ${OPENS}`,
    want: { ...nc, seconds: 1.000001, family: 'ipv6', address: '::ffff:127.0.0.1', port: 35355 },
  },
  {
    name: 'a port that is not chosen yet',
    line: `    nc-9924    [000] ..... 34353.157873: ${V4.replace('35899', '0')} ${OPENS}`,
    want: { ...nc, port: 0 },
  },
  {
    name: 'fields added and in another order',
    line: `    nc-9924    [000] ..... 34353.157873: inet_sock_set_state: netns=7 newstate=TCP_LISTEN oldstate=TCP_CLOSE sport=35899 saddr=127.0.0.1 protocol=IPPROTO_TCP family=AF_INET`,
    want: nc,
  },
  {
    name: 'another state',
    line: ` nc-1 [000] ..... 1.000001: ${V4} oldstate=TCP_CLOSE newstate=TCP_SYN_SENT`,
    want: 'other',
  },
  {
    name: 'another protocol',
    line: ` nc-1 [000] ..... 1.000001: ${V4.replace('TCP', 'MPTCP')} ${OPENS}`,
    want: 'other',
  },
  { name: 'the kernel dropped some', line: 'CPU:1 [LOST 1458 EVENTS]', want: 'other' },
  { name: 'the kernel dropped nobody knows how many', line: 'CPU:0 [LOST EVENTS]', want: 'other' },
  { name: 'empty', line: '', want: 'other' },
  { name: 'another event', line: ' nc-1 [000] ..... 1.000001: sched_switch: prev_comm=nc', want: 'unrecognised' },
  { name: 'half a name with a line break in it', line: '          a', want: 'unrecognised' },
  { name: 'no state', line: ` nc-1 [000] ..... 1.000001: ${V4}`, want: 'unrecognised' },
  { name: 'no time', line: ` nc-1 [000] ..... : ${V4} ${OPENS}`, want: 'unrecognised' },
  { name: 'a clock that counts', line: ` nc-1 [000] ..... 4711: ${V4} ${OPENS}`, want: 'unrecognised' },
  {
    name: 'port out of range',
    line: ` nc-1 [000] ..... 1.000001: ${V4.replace('35899', '65536')} ${OPENS}`,
    want: 'unrecognised',
  },
  {
    name: 'no address',
    line: ` nc-1 [000] ..... 1.000001: ${V4.replace('127.0.0.1', '(null)')} ${OPENS}`,
    want: 'unrecognised',
  },
  {
    name: 'another family',
    line: ` nc-1 [000] ..... 1.000001: ${V4.replace('AF_INET', '0x28')} ${OPENS}`,
    want: 'unrecognised',
  },
];

for (const { name, line, want } of cases)
  test(`a line of the trace: ${name}`, () => {
    assert.deepEqual(readTraceLine(line), want);
  });
