#!/bin/sh
# Installs the npm packages of the lock file, once per lock file: a second run is instant. --dev adds the tools for
# building and testing. Never calls a system package manager.
set -eu
cd "$(dirname "$0")/.."
kind=runtime
[ "${1:-}" = --dev ] && kind=dev
stamp=node_modules/.quietdoor-installed
want=$(cksum <package-lock.json)
if [ -f "$stamp" ]; then
  have=$(cat "$stamp")
  [ "$have" = "dev $want" ] && exit 0
  [ "$have" = "$kind $want" ] && exit 0
fi
echo "Installing npm packages ($kind)…" >&2
omit=
[ $kind = runtime ] && omit=--omit=dev
# engine-strict warnings concern the Node that runs npm; the program itself runs on the Node 24 that this brings
npm ci $omit --loglevel=error --no-audit --no-fund >&2
echo "$kind $want" >"$stamp"
