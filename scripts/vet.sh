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
for arch in amd64 arm64 386 s390x riscv64; do
	CGO_ENABLED=0 GOARCH=$arch $go vet ./...
done
for os in darwin windows; do
	CGO_ENABLED=0 GOOS=$os GOARCH=amd64 $go vet ./...
	CGO_ENABLED=0 GOOS=$os GOARCH=arm64 $go vet ./...
done
$go vet -tags purego ./...
$go vet -tags noasm ./...
$go vet -C gen ./...
$go vet -C asm ./...
$go vet -C cmd/dropblock ./...
$go vet -C bench ./...

generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
$go run ./gen -dir "$generated"
for f in $(cd "$generated" && find . -type f); do
	diff -u "$f" "$generated/$f"
done
