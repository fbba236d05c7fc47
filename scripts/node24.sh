#!/bin/sh
# Runs its arguments with the Node 24 of the lock file, else with a Node on PATH that is new enough.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
for node in "$root"/node_modules/node-linux-*/bin/node "$root"/node_modules/node-bin-darwin-*/bin/node node; do
  version=$("$node" --version 2>/dev/null) || continue
  major=${version#v}
  [ "${major%%.*}" -ge 24 ] && exec "$node" "$@"
done
echo 'quietdoor: no Node 24 found; run "npm ci" first' >&2
exit 2
