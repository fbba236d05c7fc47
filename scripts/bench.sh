#!/bin/sh
# `npm run bench`: every benchmark of bench/, or the ones named (`npm run bench -- host check`). Each runs us and a peer
# side by side and prints medians. No test depends on a time.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install.sh --dev
sh scripts/install-debian.sh
[ $# -gt 0 ] || set -- $(cd bench && ls *.bench.ts | sed 's/\.bench\.ts$//')
status=0
for name in "$@"; do
  echo "== $name"
  sh scripts/node24.sh "bench/$name.bench.ts" || { status=$?; echo "bench/$name.bench.ts failed" >&2; }
done
exit $status
