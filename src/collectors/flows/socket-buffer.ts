import { execFile } from 'node:child_process';

/**
 * pidfd_open, pidfd_getfd (the same numbers on every architecture that Node runs on), SOL_SOCKET, SO_RCVBUFFORCE, SO_RCVBUF.
 * Prints the size that the kernel gave.
 */
const SCRIPT = `
my ($pid, $fd, $bytes) = map { $_ + 0 } @ARGV;
my $process = syscall(434, $pid, 0);
my $own = $process < 0 ? -1 : syscall(438, $process, $fd, 0);
exit 1 if $own < 0;
open(my $socket, "+<&=", $own) or exit 1;
setsockopt($socket, 1, 33, pack("i", $bytes)) or exit 1;
print unpack("i", getsockopt($socket, 1, 8));
`;

/**
 * Makes the receive buffer of a child's socket larger; its size in bytes, or null where that does not work. conntrack-tools
 * 1.4.7 sets \`--buffer-size\` on another socket than the one that it reads events from, which is left with the default of
 * the machine: room for 166 events. Changing that default would change it for every socket of the machine; this changes the
 * one. Needs Linux 5.6, perl, and the right to trace the child.
 */
export function enlargeSocketBuffer(pid: number, fd: number, bytes: number): Promise<number | null> {
  return new Promise((resolve) => {
    const args = ['-e', SCRIPT, String(pid), String(fd), String(bytes)];
    execFile('perl', args, { timeout: 5_000 }, (error, stdout) => {
      const size = Number(stdout);
      resolve(error === null && size > 0 ? size : null);
    });
  });
}
