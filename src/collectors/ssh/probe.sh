# Quietdoor's probe: prints what listens on this machine and who holds it. Reads only: no file is made, nothing is
# installed, no setting changed. Arrives over standard input of a POSIX shell, preceded by the variables
#   N       a random word; a line "@$N ..." begins a section of the output. It is in no argument, environment or file, so that
#           no other process of this machine can know it and put sections of its own into what is printed.
#   HASHES  1: hash the programs that listen.
# Everything that processes can name freely (command lines, paths, task names) stands in a section of its own or comes
# with non-printable characters replaced, so that it cannot pass for something else.
# Only echo prints marks: it is built into every shell, and a program's arguments can be seen by others.

mark() { echo; echo "@$N $*"; }
file() { if [ -r "$1" ]; then mark file "$1"; cat "$1"; fi; }
has() { command -v "$1" >/dev/null 2>&1; }

# Numbers and modes of links and sockets; -q keeps control characters of a link's target out (busybox does it by itself).
list() { if [ "$QUIET" = 1 ]; then xargs -r ls -nq; else xargs -r ls -n; fi; }

probe_host() {
  mark file order
  printf '\001\002' | od -An -tx2
  mark file arch
  uname -m
  for f in sys/kernel/hostname sys/kernel/osrelease sys/net/ipv4/ip_local_port_range sys/net/ipv4/ip_local_reserved_ports \
    net/fib_trie net/if_inet6; do
    file "/proc/$f"
  done
  if [ -r /etc/os-release ]; then file /etc/os-release; else file /usr/lib/os-release; fi
  file /etc/machine-id
  file /etc/passwd
  mark file /proc/stat
  grep '^btime ' /proc/stat
  mark file /proc/mounts
  grep ' /proc proc ' /proc/mounts
}

# Every process with the inode of its namespace's tcp table: the kernel makes one per namespace, and anybody may ask.
probe_spaces() {
  set -- [0-9]*
  mark pids
  echo "$*"
  spaces=$(for p in "$@"; do echo "$p/net/tcp"; done | xargs -r ls -i)
  mark spaces
  out "$spaces"
  mark own
  if [ -e 1/net/tcp ]; then ls -i 1/net/tcp; else ls -i self/net/tcp; fi
  # processes without a namespace are zombies, or hidden
  mark unknown
  for p in $(out "$spaces" "@ $*" |
    awk '$1 != "@" { split($2, a, "/"); seen[a[1]] = 1; next } { for (i = 2; i <= NF; i++) if (!($i in seen)) print $i }'); do
    if [ -e "$p/net" ]; then echo "$p"; fi
  done
  if [ -d /run/netns ]; then
    mark mounted
    (cd /run/netns && ls -1i)
  fi
}

# Socket tables of each namespace, through whichever of its processes lasts.
probe_tables() {
  rows=
  for line in $(out "$spaces" |
    awk '{ split($2, a, "/"); if (n[$1]++ < 5) pids[$1] = pids[$1] ":" a[1] } END { for (i in pids) print i pids[i] }'); do
    space=${line%%:*}
    for p in $(echo "${line#*:}" | tr : ' '); do
      if [ -e "$p/net/tcp" ]; then break; fi
    done
    mark space "$space"
    ls -n "$p/ns/net"
    for table in tcp tcp6 udp udp6 udplite udplite6 raw raw6 sctp/eps; do
      f=$p/net/$table
      if [ ! -e "$f" ]; then continue; fi
      # sockets that listen come first in tcp's tables; the rest can be very long
      if case $table in
        tcp*) text=$(sed '/^ *[0-9]*: [0-9A-F]*:[0-9A-F]* [0-9A-F]*:[0-9A-F]* 0[^A] /q' "$f") ;;
        *) text=$(cat "$f") ;;
      esac; then mark table "$space" "$table" read
      elif [ -r "$f" ]; then mark table "$space" "$table" failed
      else mark table "$space" "$table" denied
      fi
      out "$text"
      rows="$rows
$text"
    done
    mark done "$space"
  done
}

# Who holds a socket that listens: descriptors whose link names its inode.
probe_holders() {
  holders=$({
    out "$rows"
    echo fds
    for d in [0-9]*/fd; do
      if [ ! -r "$d" ] && [ -e "$d" ]; then echo "hidden ${d%/fd}"; fi
    done
    for d in [0-9]*/fd; do
      for f in "$d"/*; do echo "$f"; done
    done | list
  } | awk '
    !fds && $0 == "fds" { fds = 1; next }
    !fds { inode = $1 ~ /:$/ ? $10 : $8; if (inode + 0 > 0) wanted[inode] = 1; next }
    $1 == "hidden" { print; next }
    {
      arrow = index($0, " -> ")
      name = arrow ? substr($0, 1, arrow - 1) : $0
      sub(/.* /, "", name)
      split(name, path, "/")
      if (!arrow) { blind[path[1]] = 1; next }
      sighted[path[1]] = 1
      target = substr($0, arrow + 4)
      if (target !~ /^socket:\[[0-9]+\]$/) next
      inode = substr(target, 9, length(target) - 9)
      if (inode in wanted) print "holds " path[1] " " inode
    }
    END { for (pid in blind) if (!(pid in sighted)) print "hidden " pid; print "done" }')
  mark holders
  out "$holders"
  pids=$(out "$holders" | awk '$1 == "holds" && !seen[$2]++ { print $2 }' | sort -n)
}

# The process's program, and whether the running file is what lies at its path, seen from inside its own mounts.
probe_program() {
  p=$1 exe=$2
  state=- view=- at=
  if [ -e "$p/root/." ]; then
    if [ "$p/ns/mnt" -ef self/ns/mnt ]; then view=host
    elif [ "$p/root" -ef / ]; then view=own at=$p/root
    elif [ "$(readlink "$p/root")" = / ]; then view=other at=$p/root inside="$inside $p"
    else view=chroot
    fi
  fi
  if [ -n "$exe" ]; then
    path=${exe% (deleted)}
    case $view in
      host | own | other)
        if [ ! -e "$at$path" ]; then state=deleted
        elif [ "$p/exe" -ef "$at$path" ]; then state=present
        else state=replaced
        fi
        ;;
    esac
    mark exe "$p" "$state" "$view"
    out "$exe"
    if [ "$state" = present ] && [ "$view" != other ]; then
      case $path in
        *[!A-Za-z0-9/._+@:,%~=-]*) ;;
        *) case " $paths " in *" $path "*) ;; *) paths="$paths $path" ;; esac ;;
      esac
    fi
  else
    mark view "$p" "$view"
  fi
  mark cmdline "$p"
  cat "$p/cmdline"
}

probe_processes() {
  # the oldest process names a namespace that nobody named
  own=$(if [ -e 1/net/tcp ]; then ls -i 1/net/tcp; else ls -i self/net/tcp; fi)
  named=$(out "$spaces" | awk '{ split($2, a, "/"); print a[1], $1 }' | sort -n |
    awk -v own="${own%% *}" '$2 != own && n[$2]++ < 100 { print $1 }')
  all=$(out "$pids" "$named" | sort -nu)
  # each line of grep is preceded by the name of its file: a task whose name has a line break cannot forge another's
  for f in stat cgroup uid_map; do
    mark lines "$f"
    for p in $all; do echo "$p/$f"; done | xargs -r grep '' /dev/null
  done
  mark uids
  for p in $pids; do echo "$p"; done | xargs -r ls -nd
  paths= inside=
  # all links at once, as a program for each takes a hundred times as long
  links=$(for p in $pids; do echo "$p/exe"; done | list)
  IFS='
'
  set -f
  for line in $links; do
    name=${line%% -> *}
    name=${name##* }
    case $line in
      *' -> '*'?'*) exe=$(readlink "$name" && echo x) && exe=${exe%??} ;;
      *' -> '*) exe=${line#* -> } ;;
      *) exe= ;;
    esac
    unset IFS
    probe_program "${name%/exe}" "$exe"
  done
  unset IFS
  set +f
}

probe_packages() {
  if [ -z "$paths" ]; then return; fi
  # a path of a merged /usr may be listed without it
  both=$(for f in $paths; do
    echo "$f"
    case $f in
      /usr/*) echo "${f#/usr}" ;;
      *) echo "/usr$f" ;;
    esac
  done)
  if has dpkg-query && [ -e /var/lib/dpkg/status ]; then
    owners=$(out "$both" | xargs -r dpkg-query -S)
    mark dpkg owners
    out "$owners"
    mark dpkg versions
    out "$owners" | awk '
      /^diversion by / { print $3; next }
      { sub(/: \/.*/, ""); n = split($0, names, ", "); for (i = 1; i <= n; i++) print names[i] }' | sort -u |
      xargs -r dpkg-query -W -f '${Package}\t${Architecture}\t${Version}\t${source:Package}\t${source:Version}\n'
  fi
  if has rpm && [ -d /var/lib/rpm -o -d /usr/lib/sysimage/rpm ]; then
    for f in $paths; do
      mark rpm
      echo "$f"
      rpm -qf --qf '%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{SOURCERPM}\n' "$f"
    done
  fi
  for f in /lib/apk/db/installed /usr/lib/apk/db/installed; do
    if [ -r "$f" ]; then
      mark apk
      { for path in $both; do echo "@ $path"; done; cat "$f"; } | awk '
        /^@ / { wanted[substr($0, 4)] = 1; next }
        /^$/ { name = version = origin = dir = "" }
        /^P:/ { name = substr($0, 3) }
        /^V:/ { version = substr($0, 3) }
        /^o:/ { origin = substr($0, 3) }
        /^F:/ { dir = substr($0, 3); if (dir != "") dir = dir "/" }
        /^R:/ { path = dir substr($0, 3); if (path in wanted) print "/" path "\t" name "\t" version "\t" origin }'
      break
    fi
  done
}

probe_hashes() {
  if [ "$HASHES" != 1 ] || ! has sha256sum; then return; fi
  mark hashes
  hashed=
  for p in $pids; do
    # workers of one program share a file
    same=
    for q in $hashed; do if [ "$p/exe" -ef "$q/exe" ]; then same=$q; break; fi; done
    if [ -n "$same" ]; then echo "$p = $same"
    elif sum=$(sha256sum <"$p/exe"); then
      echo "$p ${sum%% *}"
      hashed="$hashed $p"
    fi
  done
}

# Names that runtimes gave to containers; nothing else of their files, which hold secrets too.
probe_containers() {
  for id in $(for p in $all; do echo "$p/cgroup"; done | xargs -r cat | sed -n 's/.*\([0-9a-f]\{64\}\).*/\1/p' | sort -u); do
    f=/var/lib/docker/containers/$id/config.v2.json
    if [ -r "$f" ]; then
      mark container "$id" docker
      grep -o '"Name":"/[^"]*"' "$f" | sed -n 1p
    fi
    for f in "/run/containerd/io.containerd.runtime.v2.task/k8s.io/$id" "/run/containers/storage/overlay-containers/$id/userdata" \
      "/var/lib/containers/storage/overlay-containers/$id/userdata"; do
      if [ -r "$f/config.json" ]; then
        mark container "$id" pod
        grep -o '"io\.kubernetes\.\(cri\.sandbox-\|pod\.\)name\(space\)\{0,1\}": *"[^"]*"' "$f/config.json"
        break
      fi
    done
  done
  file /var/lib/containers/storage/overlay-containers/containers.json
}

# Users as containers name them. A container rules its own files: only small regular ones are read, and not for long.
probe_users() {
  asked=
  for p in $inside; do
    same=
    for q in $asked; do if [ "$p/ns/mnt" -ef "$q/ns/mnt" ]; then same=$q; break; fi; done
    f=$p/root/etc/passwd
    if [ -n "$same" ]; then
      mark passwd "$p" "$same"
    elif [ ! -L "$p/root/etc" ] && [ ! -L "$f" ] && [ -f "$f" ] && has dd && has timeout; then
      mark passwd "$p"
      timeout 5 dd if="$f" bs=65536 count=16
      asked="$asked $p"
    fi
  done
}

# Output of one program that prints rules of packet filters; bounded in time and size. What it says about a failure is asked for
# in a second run, as no file may be made.
rules() {
  if ! has "$1"; then
    mark rules missing "$*"
    return
  fi
  limit=
  if has timeout; then limit='timeout 10'; fi
  status=ok
  text=$($limit "$@") || status=failed
  if [ "$status" = failed ]; then text=$($limit "$@" 2>&1 >/dev/null | sed -n 1p)
  elif [ ${#text} -gt 33554432 ]; then status=too-long text=
  fi
  mark rules "$status" "$*"
  out "$text"
}

# Packet filters, which only root may see. Programs of legacy tables would load modules of the kernel: they run only where it
# lists such tables.
probe_rules() {
  if [ "$(id -u)" != 0 ]; then return; fi
  file /proc/net/ip_tables_names
  file /proc/net/ip6_tables_names
  tables=unknown
  if [ -d /sys/module/nf_tables ]; then tables=yes
  elif [ -r /proc/modules ] && [ -r "/lib/modules/$(uname -r)/modules.builtin" ]; then
    tables=no
    if grep -q '/nf_tables\.ko' "/lib/modules/$(uname -r)/modules.builtin"; then tables=yes; fi
  fi
  mark nftables "$tables"
  rules nft -j list ruleset
  rules nft --debug=netlink list ruleset
  if has iptables-nft-save; then rules iptables-nft-save -c; else rules iptables-save -c; fi
  if has ip6tables-nft-save; then rules ip6tables-nft-save -c; else rules ip6tables-save -c; fi
  if [ -n "$(cat /proc/net/ip_tables_names)" ]; then rules iptables-legacy-save -c; fi
  if [ -n "$(cat /proc/net/ip6_tables_names)" ]; then rules ip6tables-legacy-save -c; fi
  rules ipset save
  rules ip -j addr
  rules ip -j link
  rules ip -j route show table all
  rules ip -j -6 route show table all
  mark ruled
}

probe() {
  LC_ALL=C
  PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export LC_ALL PATH
  unset IFS LS_COLORS QUOTING_STYLE TIME_STYLE LS_BLOCK_SIZE GREP_OPTIONS GREP_COLORS POSIXLY_CORRECT CDPATH ENV
  cd /proc || exit 1
  mark begin 1 "$(id -u)"
  for tool in awk cat grep ls od readlink sed sort tr xargs; do has "$tool" || mark missing "$tool"; done
  # a shell without a printf of its own would pass long texts to a program, which fails
  if [ "$(command -v printf)" != printf ] && [ "$(command -v print)" = print ]; then
    out() { print -rl -- "$@"; }
  else
    out() { printf '%s\n' "$@"; }
  fi
  QUIET=0
  if ls -dnq / >/dev/null; then QUIET=1; fi
  probe_host
  probe_spaces
  probe_tables
  probe_holders
  probe_processes
  mark seen
  probe_packages
  probe_hashes
  probe_containers
  probe_users
  probe_rules
  mark end
}

# Called last and fed nothing, so that a script that was cut off on the way does nothing and no program eats its rest.
probe </dev/null 2>/dev/null
