#!/bin/bash
# Every fuzz target on a fixed number of inputs: make fuzz, or fuzz.sh COUNT.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
for target in $(grep -ho '^func Fuzz[A-Za-z0-9]*' fuzz/*_test.go | cut -d' ' -f2); do
	$go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-200000}x" ./fuzz
done
