import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CgroupFacts, parseCgroup } from './cgroup.ts';

const ID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90';

/** Forms as systemd, docker, containerd, cri-o, podman, lxc and systemd-nspawn document them. */
const cases: { name: string; input: string; want: CgroupFacts }[] = [
  { name: 'v2 service', input: '0::/system.slice/nginx.service\n', want: { unit: 'nginx.service' } },
  {
    name: 'v2 template unit below its slice',
    input: '0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n',
    want: { unit: 'postgresql@15-main.service' },
  },
  {
    name: 'v2 nested user manager',
    input: '0::/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service\n',
    want: { unit: 'foo.service' },
  },
  { name: 'login session', input: '0::/user.slice/user-0.slice/session-3.scope\n', want: { unit: 'session-3.scope' } },
  {
    name: 'delegated sub-group of a service',
    input: '0::/system.slice/foo.service/worker\n',
    want: { unit: 'foo.service' },
  },
  { name: 'escaped name', input: '0::/system.slice/my\\x2dapp.service\n', want: { unit: 'my-app.service' } },
  {
    name: 'v1 and v2 mixed: the systemd hierarchy speaks where the unified one is silent',
    input: '9:name=systemd:/system.slice/ssh.service\n4:memory:/custom/abc\n0::/\n',
    want: { unit: 'ssh.service' },
  },
  {
    name: 'docker, v2, systemd driver',
    input: `0::/system.slice/docker-${ID}.scope\n`,
    want: { container: ID, runtime: 'docker' },
  },
  {
    name: 'docker, v1, cgroupfs driver',
    input: `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`,
    want: { container: ID, runtime: 'docker' },
  },
  {
    name: 'kubernetes with containerd, systemd driver',
    input: `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1234.slice/cri-containerd-${ID}.scope\n`,
    want: { container: ID, runtime: 'containerd', pod: true },
  },
  {
    name: 'kubernetes, cgroupfs driver',
    input: `5:cpu:/kubepods/besteffort/pod1234-5678/${ID}\n`,
    want: { container: ID, runtime: 'containerd', pod: true },
  },
  {
    name: 'cri-o',
    input: `0::/kubepods.slice/kubepods-pod12.slice/crio-${ID}.scope\n`,
    want: { container: ID, runtime: 'crio', pod: true },
  },
  {
    name: 'podman, with a group inside the container',
    input: `0::/machine.slice/libpod-${ID}.scope/container\n`,
    want: { container: ID, runtime: 'podman' },
  },
  {
    name: 'podman under a user service',
    input: `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope\n`,
    want: { unit: 'user@1000.service', container: ID, runtime: 'podman' },
  },
  {
    name: 'systemd-nspawn with a unit inside',
    input: '0::/machine.slice/machine-web.scope/payload/system.slice/nginx.service\n',
    want: { unit: 'nginx.service', container: 'web', runtime: 'nspawn' },
  },
  {
    name: 'lxc',
    input: '0::/lxc.payload.db01/system.slice/x.service\n',
    want: { unit: 'x.service', container: 'db01', runtime: 'lxc' },
  },
  { name: 'nothing', input: '0::/\n', want: {} },
  { name: 'garbage', input: 'not a cgroup\n:::\n', want: {} },
];

for (const { name, input, want } of cases) test(name, () => assert.deepEqual(parseCgroup(input), want));
