#!/bin/sh
# Installs the Debian packages that some tests need, when root on a Debian system. Elsewhere, and for what cannot be
# installed, it says so; the tests concerned then count as skipped, with the reason.
set -eu
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need ss iproute2
need ip iproute2
need ssh-keygen openssh-client
need sshd openssh-server
need busybox busybox
need git git
need nft nftables
need iptables-save iptables
need ipset ipset
need conntrack conntrack
need ansible-playbook ansible-core
need nmap nmap
need python3 python3-minimal
need chromium chromium
need rpm rpm
need lz4 lz4
need nfcapd nfdump
need softflowd softflowd
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed (needs root on Debian):$missing; the tests that need them will be skipped." >&2
  exit 0
fi
echo "Installing Debian packages:$missing" >&2
# The package would open port 22. The tests start an sshd of their own, on loopback, and end it again.
case "$missing" in
  *openssh-server*)
    if [ -d /run/systemd/system ] && systemctl mask ssh.service ssh.socket >/dev/null 2>&1; then
      echo "ssh.service and ssh.socket are masked, so that installing openssh-server opens no port." >&2
    fi
    ;;
esac
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086  # a list of names
if { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  rm -f "$log"
else
  echo "Could not install:$missing. The last lines of apt-get:" >&2
  tail -n 5 "$log" >&2
  rm -f "$log"
fi
