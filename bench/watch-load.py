"""Opens and closes listeners for bench/watch.bench.ts: RATE SECONDS ALIVE_MS FIRST_PORT; RATE 0 is as fast as it goes.

Each has a port of its own. Prints `ready`, waits for a line, then prints as JSON the CLOCK_MONOTONIC nanoseconds just before each
listen(), in the order of the ports.
"""
import collections, json, socket, sys, time

rate, seconds, alive_ms, first = map(float, sys.argv[1:5])
count = int(seconds * rate) if rate > 0 else int(seconds)
print('ready', flush=True)
sys.stdin.readline()
times = []
alive = collections.deque()
start = time.monotonic()
for n in range(count):
    while rate > 0:
        now = time.monotonic()
        while alive and now - alive[0][0] >= alive_ms / 1000:
            alive.popleft()[1].close()
        wait = start + n / rate - now
        if wait <= 0:
            break
        time.sleep(min(wait, 0.0005))
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', int(first) + n))
    times.append(time.monotonic_ns())
    s.listen(1)
    if rate > 0:
        alive.append((time.monotonic(), s))
    else:
        s.close()
time.sleep(alive_ms / 1000)
for _, s in alive:
    s.close()
took = time.monotonic() - start
print(json.dumps({'times': times, 'took': took}), flush=True)
