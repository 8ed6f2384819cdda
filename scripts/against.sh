#!/bin/bash
# scripts/against.sh REVISION [FLAG...] measures the working tree against another
# revision, turn by turn: bench -against, with the flags. Both are built several times
# with their functions in random order, as the place of a loop makes up to 5 % of its
# time. With -check it fails if something is slower.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
builds=${BUILDS:-9}
[ $# -gt 0 ] || { echo 'usage: scripts/against.sh REVISION [FLAG...]' >&2; exit 2; }
revision=$(git rev-parse --short --verify "$1^{commit}")
shift

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/source"
git archive "$revision" | tar -x -C "$tmp/source"

# build NAME REVISION FOLDER prints the programs, separated by commas.
build() {
	local all=
	for ((i = 1; i <= builds; i++)); do
		(cd "$3" && $go build -ldflags="-randlayout=$i -X main.revision=$2" -o "$tmp/$1-$i" ./bench)
		all+=${all:+,}$tmp/$1-$i
	done
	echo "$all"
}
theirs=$(build theirs "$revision" "$tmp/source")
ours=$(build ours "$(git describe --always --dirty)" .)
"${theirs%%,*}" serve </dev/null >/dev/null || { echo "$revision has no bench -against" >&2; exit 2; }
echo "\`scripts/against.sh $revision${*:+ $*}\`, $builds builds of each."
"${ours%%,*}" -against "$theirs" -ours "$ours" "$@"
