#!/bin/bash
# gofmt, go vet for every kind of build, and whether the committed assembly is
# what gen/ writes: make vet.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}

unformatted=$(gofmt -l $(git ls-files -co --exclude-standard '*.go'))
if [ -n "$unformatted" ]; then
	printf 'gofmt would change:\n%s\n' "$unformatted"
	exit 1
fi
for module in . bench; do
	for arch in amd64 arm64 386 s390x riscv64; do
		CGO_ENABLED=0 GOARCH=$arch $go vet -C $module ./...
	done
	for os in darwin windows; do
		CGO_ENABLED=0 GOOS=$os GOARCH=amd64 $go vet -C $module ./...
		CGO_ENABLED=0 GOOS=$os GOARCH=arm64 $go vet -C $module ./...
	done
	$go vet -C $module -tags purego ./...
done
$go vet -C gen ./...
$go vet -C asm ./...
$go vet -C cmd/dropblock ./...

generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
mkdir "$generated/bench"
$go run ./gen -dir "$generated"
for f in $(cd "$generated" && find . -type f); do
	diff -u "$f" "$generated/$f"
done
