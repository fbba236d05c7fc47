#!/bin/sh
# `npm run check`: format, lint, types, dead code, then every test.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install.sh --dev
export PATH="$PWD/node_modules/.bin:$PATH"
biome check --colors=off .
tsc --noEmit
sh scripts/node24.sh node_modules/knip/bin/knip.js
exec sh scripts/test.sh
