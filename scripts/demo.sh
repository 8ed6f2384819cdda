#!/bin/sh
# The command on a photograph and on a real feature map: make demo.
# Results go to out/.
set -eu
cd "$(dirname "$0")/.."
data=cmd/dropblock/testdata/demo
mkdir -p out
go -C cmd/dropblock build -o ../../out/dropblock .

title() { printf '\n== %s\n' "$1"; }

# run prints a command and runs it.
run() {
	printf '\n$ dropblock %s\n' "$*"
	out/dropblock "$@"
}

# pipe IN OUT: run with standard input and output; the report goes to standard error.
pipe() {
	in=$1 out=$2
	shift 2
	printf '\n$ dropblock %s - - <%s >%s\n' "$*" "$in" "$out"
	out/dropblock "$@" - - <"$in" 2>&1 >"$out"
}

title "This machine"
run info

title "A photograph, one mask for its three channels"
run apply -p 0.2 -block 31 -share channels -seed 1 $data/photo.png out/photo.png

title "The same, a mask for every channel"
run apply -p 0.2 -block 31 -seed 1 $data/photo.png out/photo-channels.png

title "A feature map: 64 channels of 56x56 that a convolution makes of the photograph"
run apply -p 0.1 -block 7 -seed 1 -mask out/featuremap-mask.npy $data/featuremap.npy out/featuremap.npy
run apply -p 0.1 -block 7 -seed 1 -json $data/featuremap.npy out/featuremap.npy

title "The same with the rules of timm, half of the way to p, through a pipe"
pipe $data/featuremap.npy out/featuremap-timm.npy apply -preset timm -ramp 0:1000 -step 500 -seed 1

title "Rules of others"
run presets

title "The figure of the paper"
run show -size 28 -block 5 -seed 47 out/show-28.png
run show -size 56 -block 7 -seed 1 out/show-56.png
run show -size 224 -block 7 -seed 1 out/show-224.png

cat <<'END'

The pictures:
  out/photo.png            the photograph, dropped blocks black
  out/photo-channels.png   a mask for every channel: a dropped block lacks one colour
  out/show-28.png          valid region, seeds and blocks on a map of 28x28
  out/show-56.png          on 56x56
  out/show-224.png         on 224x224
The feature map and its mask: out/featuremap.npy, out/featuremap-mask.npy; with timm's
rules: out/featuremap-timm.npy
END
