"""
Sends packets through a Linux packet filter and says what became of them. Works in three network namespaces of its own,
which vanish with it: a client, the host under test, and a container behind that host.

    client wire0 (10.77.0.254, fd77::fe) ---- wire0 (10.77.0.1-2/24, fd77::1-2/64) host ctr0 (172.17.0.1/16, fd17::1/64)
    client wire1 (10.78.0.254, fd78::fe) ---- wire1 (10.78.0.1/24, fd78::1/64)     host      |
                                                                  container eth0 (172.17.0.2-3/16, fd17::2-3/64)

Reads one JSON request per line and answers each with one line. Ends with its input.
"""

import base64, ctypes, errno, json, os, resource, select, socket, struct, subprocess, sys, tempfile, time

libc = ctypes.CDLL(None, use_errno=True)
NEWNET = 0x40000000
FENCE = 0x88B5  # EtherType for local experiments (IEEE 802)
NFT_JSON = 1 << 4


def fail(why):
    print(json.dumps({"fatal": why}), flush=True)
    sys.exit(3)


def new_space():
    if libc.unshare(NEWNET) != 0:
        fail("network namespaces are not allowed: " + os.strerror(ctypes.get_errno()))
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def enter(space):
    if libc.setns(space, NEWNET) != 0:
        fail("setns: " + os.strerror(ctypes.get_errno()))


try:
    nftables = ctypes.CDLL("libnftables.so.1")
except OSError as e:
    fail("needs libnftables: " + str(e))
nftables.nft_ctx_new.restype = ctypes.c_void_p
nftables.nft_ctx_get_output_buffer.restype = ctypes.c_char_p
nftables.nft_ctx_get_error_buffer.restype = ctypes.c_char_p


def nft(text, as_json=False):
    """What the program nft does with the same words, without starting it."""
    context = ctypes.c_void_p(nftables.nft_ctx_new(0))
    nftables.nft_ctx_buffer_output(context)
    nftables.nft_ctx_buffer_error(context)
    if as_json:
        nftables.nft_ctx_output_set_flags(context, NFT_JSON)
    status = nftables.nft_run_cmd_from_buffer(context, text.encode())
    out = nftables.nft_ctx_get_output_buffer(context).decode("utf-8", "replace")
    err = nftables.nft_ctx_get_error_buffer(context).decode("utf-8", "replace")
    nftables.nft_ctx_free(context)
    return {"status": status, "out": out, "err": err}


def run(args, text=""):
    done = subprocess.run(args, input=text, capture_output=True, text=True, env=environment)
    return {"status": done.returncode, "out": done.stdout, "err": done.stderr}


def must(args, text=""):
    done = run(args, text)
    if done["status"] != 0:
        fail(" ".join(args) + ": " + done["err"].strip())
    return done["out"]


def settings(values):
    for name, value in values.items():
        try:
            with open("/proc/sys/net/" + name, "w") as file:
                file.write(str(value))
        except FileNotFoundError:
            pass


# Two beds at once must not wait for each other's lock.
lock = tempfile.NamedTemporaryFile(prefix="quietdoor-xtables-")
environment = {"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), "XTABLES_LOCKFILE": lock.name}

if sys.platform != "linux":
    fail("needs Linux")
client, container, host = new_space(), new_space(), new_space()
space = lambda descriptor: "/proc/%d/fd/%d" % (os.getpid(), descriptor)

PLAIN = {"ipv6/conf/all/disable_ipv6": 0, "ipv6/conf/default/accept_dad": 0, "ipv6/conf/default/accept_ra": 0,
         "ipv6/conf/default/addr_gen_mode": 1, "ipv4/conf/all/rp_filter": 0, "ipv4/conf/default/rp_filter": 0}
for one in (client, container, host):
    enter(one)
    settings(PLAIN)
enter(host)
MAC = {"client": "02:77:00:00:00:0c", "host": "02:77:00:00:00:01", "container": "02:77:00:00:00:0d"}
must(["ip", "-batch", "-"], f"""
link add wire0 address {MAC['host']} type veth peer name wire0 address {MAC['client']} netns {space(client)}
link add wire1 address {MAC['host']} type veth peer name wire1 address {MAC['client']} netns {space(client)}
link add ctr0 address {MAC['host']} type veth peer name eth0 address {MAC['container']} netns {space(container)}
addr add 10.77.0.1/24 dev wire0
addr add 10.77.0.2/24 dev wire0
addr add fd77::2/64 dev wire0 nodad
addr add fd77::1/64 dev wire0 nodad
addr add 10.78.0.1/24 dev wire1
addr add fd78::1/64 dev wire1 nodad
addr add 172.17.0.1/16 dev ctr0
addr add fd17::1/64 dev ctr0 nodad
link set lo up
link set wire0 up
link set wire1 up
link set ctr0 up
neigh replace 10.77.0.254 lladdr {MAC['client']} dev wire0 nud permanent
neigh replace fd77::fe lladdr {MAC['client']} dev wire0 nud permanent
neigh replace 172.17.0.2 lladdr {MAC['container']} dev ctr0 nud permanent
neigh replace 172.17.0.3 lladdr {MAC['container']} dev ctr0 nud permanent
neigh replace fd17::2 lladdr {MAC['container']} dev ctr0 nud permanent
neigh replace fd17::3 lladdr {MAC['container']} dev ctr0 nud permanent
route add default via 10.77.0.254 dev wire0
route add default via fd77::fe dev wire0
""")
settings({"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv4/conf/all/accept_local": 1,
          "ipv4/conf/all/send_redirects": 0, "ipv4/conf/default/send_redirects": 0, "ipv4/tcp_max_syn_backlog": 8192, "ipv4/tcp_synack_retries": 1,
          "core/somaxconn": 8192, "ipv4/tcp_syncookies": 0, "netfilter/nf_conntrack_log_invalid": 0})
for one in ("wire0", "wire1", "ctr0"):
    settings({f"ipv4/conf/{one}/rp_filter": 0, f"ipv4/conf/{one}/send_redirects": 0})
enter(container)
must(["ip", "-batch", "-"], f"""
addr add 172.17.0.2/16 dev eth0
addr add 172.17.0.3/16 dev eth0
addr add fd17::2/64 dev eth0 nodad
addr add fd17::3/64 dev eth0 nodad
link set lo up
link set eth0 up
neigh replace 172.17.0.1 lladdr {MAC['host']} dev eth0 nud permanent
neigh replace fd17::1 lladdr {MAC['host']} dev eth0 nud permanent
route add default via 172.17.0.1 dev eth0
route add default via fd17::1 dev eth0
""")
settings({"ipv4/tcp_max_syn_backlog": 8192, "ipv4/tcp_synack_retries": 1, "core/somaxconn": 8192, "ipv4/tcp_syncookies": 0})
enter(client)
# Whatever comes back is for a socket here, whatever address it was sent from ("any IP").
must(["ip", "-batch", "-"], f"""
addr add 10.77.0.254/24 dev wire0
addr add fd77::fe/64 dev wire0 nodad
addr add 10.78.0.254/24 dev wire1
addr add fd78::fe/64 dev wire1 nodad
link set lo up
link set wire0 up
link set wire1 up
""" + "".join(f"neigh replace {a} lladdr {MAC['host']} dev wire{n} nud permanent\n"
              for n, a in ((0, "10.77.0.1"), (0, "10.77.0.2"), (0, "fd77::1"), (0, "fd77::2"),
                           (1, "10.78.0.1"), (1, "fd78::1"))) + """
route add default via 10.77.0.1 dev wire0 table 101
route add default via fd77::1 dev wire0 table 101
route add default via 10.78.0.1 dev wire1 table 102
route add default via fd78::1 dev wire1 table 102
route add local default dev lo table 100
rule add iif wire0 lookup 100 pref 10
rule add iif wire1 lookup 100 pref 11
rule add fwmark 1 lookup 101 pref 12
rule add fwmark 2 lookup 102 pref 13
""")
must(["ip", "-6", "-batch", "-"], """
route add local default dev lo table 100
rule add iif wire0 lookup 100 pref 10
rule add iif wire1 lookup 100 pref 11
rule add fwmark 1 lookup 101 pref 12
rule add fwmark 2 lookup 102 pref 13
""")
settings({"ipv4/conf/wire0/rp_filter": 0, "ipv4/conf/wire1/rp_filter": 0, "ipv4/tcp_syn_retries": 1,
          "ipv4/conf/all/accept_local": 1})
senders = []
for name in ("wire0", "wire1"):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((name, 0))
    senders.append(sender)
enter(host)
fences = []
for name in ("wire0", "wire1"):
    fence = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(FENCE))
    fence.bind((name, FENCE))
    fence.settimeout(10)
    fences.append(fence)
fence_frame = bytes.fromhex(MAC["host"].replace(":", "") + MAC["client"].replace(":", "")) + struct.pack("!H", FENCE) + bytes(50)


def wait_for_queue():
    """Returns when the host has taken in what was sent: frames stay in order, and taps see them before any filter."""
    for sender, fence in zip(senders, fences):
        sender.send(fence_frame)
        fence.recv(128)


def send(data):
    """Frames as length (2 bytes), wire (1 byte), bytes. One processor, so that there is one queue in order."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[os.getpid() % len(allowed)]})
    at, sent = 0, 0
    try:
        while at < len(data):
            length, wire = struct.unpack_from("!HB", data, at)
            at += 3
            senders[wire].send(data[at:at + length])
            at += length
            sent += 1
            if sent % 256 == 0:
                wait_for_queue()
        wait_for_queue()
    finally:
        os.sched_setaffinity(0, allowed)
    return sent


FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}
TRANSPARENT = {socket.AF_INET: (socket.IPPROTO_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
ABORT = struct.pack("ii", 1, 0)


def open_servers(ports, where):
    enter(where)
    servers = []
    for port in ports:
        server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        server.listen(8192)
        server.setblocking(False)
        servers.append(server)
    enter(host)
    return servers


servers = {}


def listen(ports):
    """Exactly these; libnftables cannot work with descriptors above 1023, so there must not be many."""
    for port in [port for port in servers if port not in ports]:
        for server in servers.pop(port):
            server.close()
    for port in ports:
        if port not in servers:
            servers[port] = open_servers([port], host) + open_servers([port], container)


def connect(tries, wait):
    """
    Opens every connection at once: [source, its port, destination, port, wire]; no two from the same source and port.
    A server that accepts sends one byte. Result for each, added up: 1 connected, 2 the byte came, 4 a server accepted it;
    -1: could not be tried.
    """
    poll = select.epoll()
    accepting = {}
    for pair in servers.values():
        for server in pair:
            poll.register(server, select.EPOLLIN)
            accepting[server.fileno()] = server
    results = [0] * len(tries)
    open_now, accepted = {}, []
    by_source = {(source, source_port): number for number, (source, source_port, *_) in enumerate(tries)}
    enter(client)
    for number, (source, source_port, destination, port, wire) in enumerate(tries):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setblocking(False)
        one.setsockopt(*TRANSPARENT[family], 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, wire + 1)
        try:
            one.bind((source, source_port))
            one.connect((destination, port))
        except BlockingIOError:
            pass
        except OSError as e:
            results[number] = -1 if e.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL) else 0
            one.close()
            continue
        poll.register(one, select.EPOLLIN | select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP)
        open_now[one.fileno()] = (number, one)
    enter(host)
    end = time.monotonic() + wait
    while open_now:
        left = end - time.monotonic()
        events = poll.poll(left, 256) if left > 0 else []
        if not events:
            break
        for descriptor, event in events:
            server = accepting.get(descriptor)
            if server is not None:
                try:
                    while True:
                        peer, address = server.accept()
                        number = by_source.get((address[0].removeprefix("::ffff:"), address[1]))
                        if number is not None:
                            results[number] |= 4
                        end = time.monotonic() + wait
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                        accepted.append(peer)
                        peer.setblocking(False)
                        peer.send(b"!")
                except OSError:
                    continue
            number, one = open_now.get(descriptor, (None, None))
            if one is None:
                continue
            if event & (select.EPOLLERR | select.EPOLLHUP) and not event & select.EPOLLIN:
                poll.unregister(one)
                one.close()
                del open_now[descriptor]
                continue
            if event & select.EPOLLIN:
                try:
                    if one.recv(1) == b"!":
                        results[number] |= 3
                except OSError:
                    pass
                poll.unregister(one)
                accepted.append(one)
                del open_now[descriptor]
            elif event & select.EPOLLOUT:
                results[number] |= 1
                poll.modify(one, select.EPOLLIN | select.EPOLLERR | select.EPOLLHUP)
    for number, one in open_now.values():
        one.close()
    for one in accepted:
        one.close()
    poll.close()
    return results


def answer(request):
    what = request["do"]
    if what == "nft":
        return nft(request["text"], request.get("json", False))
    if what == "run":
        return run(request["args"], request.get("input", ""))
    if what == "send":
        return {"sent": send(base64.b64decode(request["frames"]))}
    if what == "listen":
        listen(request["ports"])
        return {}
    if what == "connect":
        return {"results": connect(request["tries"], request["wait"])}
    return {"error": "unknown request"}


hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
check = nft("list ruleset")
if check["status"] != 0:
    fail("nft does not work here: " + check["err"].strip())
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
