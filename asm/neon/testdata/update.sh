#!/bin/sh
# Writes gnu.txt from GNU as (Debian's binutils-aarch64-linux-gnu).
set -eu
cd "$(dirname "$0")/.."
exec go test -run 'TestGNU' -update .
