import type { Gap } from '../../model/observation.ts';
import { compareBy } from '../../util/compare.ts';

const AS_ROOT = 'Run as root, or with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.';

/** Gaps that the Linux collector reports. Subjects carry no pids and no counts: they are part of a gap's identity. */
export const gaps = {
  notLinux: (platform: string): Gap => ({
    code: 'not-linux',
    subject: platform,
    message: `The socket tables of ${platform} are not read; nothing was looked at.`,
    remedy: 'Run on Linux, or give a captured tree with --root.',
  }),
  procUnreadable: (proc: string): Gap => ({
    code: 'proc-unreadable',
    subject: proc,
    message: `${proc} could not be listed; nothing was looked at.`,
    remedy: 'Mount a proc file system there.',
  }),
  hidepid: (proc: string): Gap => ({
    code: 'hidepid',
    subject: proc,
    message: `${proc} is mounted with hidepid: processes of others, and the network namespaces they live in, were not seen.`,
    remedy: 'Run as root with CAP_SYS_PTRACE, or as a member of the group in the mount option gid=.',
  }),
  namespaceUnknown: (processes: number): Gap => ({
    code: 'netns-unreadable',
    subject: 'processes',
    message: `The network namespace of ${count(processes, 'process', 'processes')} could not be told; listeners there may be missing.`,
    remedy: AS_ROOT,
  }),
  namespaceEmpty: (scope: string): Gap => ({
    code: 'netns-unreadable',
    subject: scope,
    message: `No process lives in ${scope}, so its socket tables could not be read; a socket there may be held from outside.`,
    remedy: `If it is not needed: ip netns delete ${scope.replace(/^netns:/, '')}`,
  }),
  tableUnreadable: (scope: string, file: string, message: string): Gap => ({
    code: 'table-unreadable',
    subject: `${scope} /proc/net/${file}`,
    message: `/proc/net/${file} of ${scope} ${message}; listeners may be missing.`,
  }),
  ownerHidden: (scope: string, listeners: number, isRoot: boolean): Gap => ({
    code: 'process-owner-hidden',
    subject: scope,
    message: `${count(listeners, 'listener', 'listeners')} in ${scope} could not be matched to a process, because descriptors of some processes may not be read.`,
    remedy: isRoot
      ? 'Give this process CAP_SYS_PTRACE and every capability of the processes concerned; tracing them needs both.'
      : AS_ROOT,
  }),
  packagesUnreadable: (path: string, message: string): Gap => ({
    code: 'package-db-unreadable',
    subject: path,
    message: `The package database ${path} ${message}; packages of its programs stay unknown.`,
  }),
  offersUnreadable: (manager: string, message: string): Gap => ({
    code: 'package-offers-unreadable',
    subject: manager,
    message: `What ${manager} has cached of its repositories could not be read (${message}); whether packages are outdated stays unknown.`,
  }),
} as const;

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Sorts gaps and drops repetitions of one code and subject. */
export function sortGaps(list: readonly Gap[]): Gap[] {
  const bySubject = new Map<string, Gap>();
  for (const gap of list)
    if (!bySubject.has(`${gap.code}|${gap.subject}`)) bySubject.set(`${gap.code}|${gap.subject}`, gap);
  return [...bySubject.values()].sort(
    compareBy(
      (g) => g.code,
      (g) => g.subject,
    ),
  );
}
