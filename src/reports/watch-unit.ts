import { UserError } from '../model/errors.ts';

/** What a unit of systemd is made for. All paths are absolute. */
export interface WatchUnitInput {
  /** Node 24 itself: a launcher in between would leave the program running when it is killed. */
  readonly node: string;
  /** bin/quietdoor.js of this installation. */
  readonly main: string;
  /** Folder with quietdoor.yaml. */
  readonly workspace: string;
  /** Folder with observations and the ledger. */
  readonly state: string;
  /** User that it runs as. Absent: root. */
  readonly user?: string;
  /** Further arguments of `watch`. */
  readonly args?: readonly string[];
}

/**
 * A unit for systemd (systemd.service(5), systemd.exec(5)) that runs `watch`, hardened as far as watching allows; each
 * exception says why. Throws UserError where a path cannot be written in a unit.
 */
export function watchUnit({ node, main, workspace, state, user = 'root', args = [] }: WatchUnitInput): string {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/i.test(user)) throw new UserError(`"${user}" is no name of a user`);
  const isRoot = user === 'root';
  const words = [main, 'watch', '--workspace', workspace, '--state', state, ...args];
  // only of the words behind the program are variables replaced
  const command = [word(node), ...words.map((text) => word(text).replaceAll('$', '$$$$'))].join(' ');
  const usesTmp = [node, main, workspace, state].some((path) => /^\/(?:var\/)?tmp(?:\/|$)/.test(path));
  const capabilities = ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_NET_ADMIN', 'CAP_NET_RAW'].join(' ');
  return `# Quietdoor's watch. Made by: quietdoor watch --print-unit > /etc/systemd/system/quietdoor-watch.service
# Then: systemctl daemon-reload && systemctl enable --now quietdoor-watch
# What is lost when a line is taken away or added: docs/how-to/watch-service.md

[Unit]
Description=Quietdoor: watches the network ports of this machine
Documentation=man:systemd.exec(5)
# Has systemd mount tracefs, which the watch reads and never mounts by itself.
Wants=sys-kernel-tracing.mount
After=sys-kernel-tracing.mount local-fs.target nss-user-lookup.target

[Service]
Type=notify
# Node cannot send the message of readiness itself; a child, systemd-notify, does it.
NotifyAccess=all
ExecStart=${command}
# SIGTERM to the watch alone: it ends its own jobs, writes down that it stops, and removes its trace.
KillMode=mixed
TimeoutStartSec=5min
TimeoutStopSec=2min
# No sign of life for so long: it hangs, and is started again. The time between is recorded as a gap.
WatchdogSec=5min
Restart=on-failure
RestartSec=5s
UMask=0077

${isRoot ? rootLines() : userLines(user, capabilities)}
CapabilityBoundingSet=${isRoot ? '' : 'CAP_DAC_OVERRIDE '}${capabilities}
# SYS_PTRACE: which process holds which socket, its program, its network namespace (/proc/PID/fd, exe, ns/net).
# DAC_READ_SEARCH: those directories, and package databases and container roots, belong to others.
# NET_ADMIN, NET_RAW: nft and iptables-save list the packet filters; without them filters are not watched.
NoNewPrivileges=yes

# The file system is read-only but for the state and for the instances of the trace. ProtectKernelTunables= would make
# tracefs read-only as well, so what it protects is named here, with the one exception that a trace needs.
ProtectSystem=strict
ReadOnlyPaths=/proc/sys /sys
${stateLines(state)}
ReadWritePaths=-/sys/kernel/tracing/instances
# Not "yes": programs and the workspace may lie in a home directory, and are only read.
ProtectHome=read-only
${usesTmp ? '# Not PrivateTmp=yes: a path above lies there.\nPrivateTmp=no' : 'PrivateTmp=yes'}
PrivateDevices=yes
DevicePolicy=closed
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectClock=yes
ProtectHostname=yes

# The processes of others are what is watched: neither hidden (ProtectProc=), nor cut down (ProcSubset=), nor in a
# user namespace, in which no process of others may be looked into (PrivateUsers=).
ProtectProc=default
ProcSubset=all
PrivateUsers=no

# The network is the machine's own: its addresses and packet filters are watched (PrivateNetwork=). Alerts go out over
# it; where none do, IPAddressDeny=any and RestrictAddressFamilies= without AF_INET and AF_INET6 may be added.
PrivateNetwork=no
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6

# Not set: MemoryDenyWriteExecute=, because JavaScript is compiled while it runs.
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM
TasksMax=256

[Install]
WantedBy=multi-user.target
`;
}

/** systemd makes a folder below /var/lib itself; another one must be there before the service starts. */
function stateLines(state: string): string {
  const name = /^\/var\/lib\/([\w.-]+(?:\/[\w.-]+)*)$/.exec(state)?.[1];
  return name === undefined
    ? `# It must be there before the service starts.\nReadWritePaths=${word(state)}`
    : `StateDirectory=${name}\nStateDirectoryMode=0700`;
}

function rootLines(): string {
  return `# Root, since tracefs belongs to root, but with few of root's capabilities. Without CAP_DAC_OVERRIDE the state must
# belong to root: chown -R root: the state.
User=root`;
}

function userLines(user: string, capabilities: string): string {
  return `# Not root: listeners, owners and packages are seen, but a look that is not root's does not claim to see everything,
# packet filters are not read, and the trace needs CAP_DAC_OVERRIDE, because tracefs belongs to root.
User=${user}
AmbientCapabilities=CAP_DAC_OVERRIDE ${capabilities}`;
}

/** A word of a unit: `%` begins a specifier, and blanks end it unless it is quoted. */
function word(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new UserError(`${JSON.stringify(text)} has control characters and cannot be written in a unit`);
  const escaped = text.replaceAll('%', '%%');
  return /^[\w@+=:,./%$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/[\\"]/g, '\\$&')}"`;
}
