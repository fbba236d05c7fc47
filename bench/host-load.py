"""Holds sockets open for bench/host.bench.ts: PROCESSES LISTENERS UDP PAIRS FIRST_PORT.

Forks PROCESSES children with LISTENERS listening TCP sockets each; spreads UDP sockets and PAIRS loopback connections
(both ends held) over them. Prints `ready`, ends with its input; the children die with it.
"""
import ctypes, os, resource, signal, socket, sys

processes, listeners, udp, pairs, first = map(int, sys.argv[1:6])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(65536, hard), hard))


def share(total, n):
    return total // processes + (1 if n < total % processes else 0)


def serve(n):
    kept = []
    for i in range(listeners):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside connections of an earlier run in TIME_WAIT
        s.bind(('127.0.0.1', first + n * listeners + i))
        s.listen(64)
        kept.append(s)
    for i in range(share(udp, n)):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('127.0.0.1', first + n * (udp // processes + 1) + i))
        kept.append(s)
    for i in range(share(pairs, n)):
        server = kept[i % listeners]
        client = socket.create_connection(server.getsockname())
        kept.append(client)
        kept.append(server.accept()[0])
    return kept


reading, writing = os.pipe()
for n in range(processes):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        kept = serve(n)
        os.write(writing, b'.')
        while True:
            signal.pause()
done = 0
while done < processes:
    done += len(os.read(reading, 65536))
print('ready', flush=True)
sys.stdin.read()
os._exit(0)
