#!/bin/bash
# All tests: make test. It installs the emulators that it needs where it may,
# and says what it could not run. With CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
missing=()

step() { printf '\n== %s\n' "$*"; }

# emulator ARCH sets $emulator, after an attempt to install it.
emulator() {
	emulator=qemu-$1-static
	if ! command -v "$emulator" >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -q >/dev/null && apt-get install -yq qemu-user-static >/dev/null || true
	fi
	command -v "$emulator" >/dev/null
}

# emulated GOARCH QEMU TESTS [FLAG...] runs tests of the library, and the fuzz
# targets on their corpus, on another CPU, beside the run before it, as emulation
# is slow and keeps one core busy.
# asyncpreemptoff: QEMU 7.2 loses the signals that preempt goroutines.
pinned='^(TestStream|TestGolden|TestPhilox|TestKernelSet|TestHead|TestGap|TestApply|TestShards|TestWorkers$|TestPlan|TestPlaces|TestClip$|TestAxesRandom|TestElements|TestHalves|TestNoiseOf|TestMaskBytes|TestExactGamma$|Example|Fuzz)'
emulated() {
	local arch=$1 qemu=$2 tests=$3
	shift 3
	if ! emulator "$qemu"; then
		missing+=("GOARCH=$arch: qemu-$qemu-static is not there, and could not be installed")
		return
	fi
	[ ${#running[@]} -lt 2 ] || finish
	local log=$logs/${#titles[@]}
	GODEBUG=asyncpreemptoff=1 GOARCH=$arch CGO_ENABLED=0 \
		$go test -short -timeout 20m -run "$tests" -exec "$emulator $*" . ./fuzz >"$log" 2>&1 &
	running[$!]=$log
	titles[$!]="GOARCH=$arch under qemu-$qemu $*"
}

logs=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$logs"' EXIT
running=() # logs, and titles of all, by process
titles=()

# finish waits for an emulated run, whichever ends first, and prints what it said.
finish() {
	local pid status=0
	wait -n -p pid "${!running[@]}" || status=$?
	step "${titles[$pid]}"
	cat "${running[$pid]}"
	unset "running[$pid]"
	return $status
}

# Some tests of the ordinary run use the arm64 emulator too.
emulator aarch64 || true

step "gofmt, vet, and the assembly generated anew"
scripts/vet.sh

step "go test"
$go test ./...
$go test -C asm ./...
$go test -C gen ./...
$go test -C cmd/dropblock ./...
$go test -C bench ./...

step "go test -tags purego"
$go test -tags purego -short . ./fuzz
$go test -C cmd/dropblock -tags purego -short ./...
$go test -C bench -tags purego -short ./...

step "go test -race"
if [ "$($go env CGO_ENABLED)" = 1 ]; then
	$go test -race -short -timeout 20m . ./fuzz
else
	missing+=("go test -race: it needs cgo and a C compiler")
fi

# NEON: every kernel swept, between guard pages, and the goldens on three CPUs.
emulated arm64 aarch64 . -cpu cortex-a57
emulated arm64 aarch64 "$pinned" -cpu neoverse-n1
emulated arm64 aarch64 "$pinned" -cpu max
emulated 386 i386 "$pinned"
emulated s390x s390x "$pinned"
emulated riscv64 riscv64 "$pinned"
# CPUs that lack instructions: the right kernels are chosen, and none is illegal.
emulated amd64 x86_64 "$pinned" -cpu Nehalem
emulated amd64 x86_64 "$pinned" -cpu Haswell
while [ ${#running[@]} -gt 0 ]; do
	finish
done

if [ ${#missing[@]} -gt 0 ]; then
	step "Not run"
	printf '%s\n' "${missing[@]}"
	[ "${CI:-}" != true ]
fi
