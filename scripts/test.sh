#!/bin/sh
# `npm test`: installs what the tests need (npm packages; Debian packages when root), runs every test, and closes with
# the line `N passed, N failed, N skipped`. Arguments are test files; none = all.
set -eu
cd "$(dirname "$0")/.."
sh scripts/install.sh --dev
sh scripts/install-debian.sh
[ $# -gt 0 ] || set -- 'src/**/*.test.ts' 'test/**/*.test.ts'
exec sh scripts/node24.sh --test --test-reporter=./test/reporter.ts "$@"
