#!/bin/sh
# `npm run quickstart`: installs the npm packages of the lock file (nothing else) and runs the main job on this machine.
# The workspace is the folder quickstart/ of this clone, which git ignores.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install.sh
exec sh scripts/node24.sh bin/quietdoor.js quickstart --workspace quickstart "$@"
