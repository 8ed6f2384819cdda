#!/bin/bash
# Programs for arm64 machines that need no Go there: make bench-arm64. In out/,
# for Linux and macOS: bench, the Go benchmarks (bench.test) and the library's
# tests (dropblock.test). Under the emulator, where it is, they are tried.
# docs/arm64.md tells how to run them.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
mkdir -p out
export GOARCH=arm64 CGO_ENABLED=0

for os in linux darwin; do
	GOOS=$os $go build -trimpath -o "out/bench-$os-arm64" ./bench
	GOOS=$os $go test -trimpath -c -o "out/bench.test-$os-arm64" ./bench
	GOOS=$os $go test -trimpath -c -o "out/dropblock.test-$os-arm64" .
done
ls -l out/*-arm64

if ! command -v qemu-aarch64-static >/dev/null; then
	echo 'Not tried: qemu-aarch64-static is not there.'
	[ "${CI:-}" != true ]
	exit
fi
emulated() {
	printf '\n== %s\n' "$*"
	GODEBUG=asyncpreemptoff=1 qemu-aarch64-static "$@"
}
emulated out/bench-linux-arm64 -shapes 1x2x14x14-b7 -rounds 1 -slice 1us
emulated out/bench.test-linux-arm64 -test.run '^$' -test.bench '/op=sample/shape=32x512x7x7-b7/impl' -test.benchtime 1x |
	grep -e == -e ^Benchmark.*neon
emulated out/dropblock.test-linux-arm64 -test.short -test.run '^(TestStream|TestGolden|TestPhilox)'
