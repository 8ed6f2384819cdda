package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const applyNotes = `
IN is a feature map, a .npy of float16, float32 or float64 (-dtype bfloat16: of
V2 or u2), and OUT has its shape, dtype and order of bytes. Its dimensions are
(H,W), (C,H,W), (N,C,H,W) or (N,C,D,H,W), or those of -layout, of which N, or N
and C, may be missing. The mask has these dimensions, 1 where -share has
elements share it. Or IN is a picture, a feature map of 1x1xHxW (gray) or
1x3xHxW (colour) with the values 0 to 255 (65535), and OUT is a picture, rounded
and clipped, its alpha kept. With a mask for every channel, the default, blocks
of a colour picture take one colour away; -share channels makes them black. OUT
may be IN. A file is read and written in little more memory than it has bytes,
with -time in twice as much.
`

const dilateNotes = `
SEEDS has the shape of the mask and any integer, float or bool dtype. A seed
marks the centre of its block (see -even). With -region valid its block has to
lie in the map, with full it is clipped. SEEDS has one channel with -share
channels, one sample with batch, one of both with all. MASK is 1 where the block
of no seed is. The flags of drawing, -p, -gamma and the key, have no effect on
it. MASK may be SEEDS.
`

const showNotes = `
The figure is that of the mask that a layer with these flags draws for a map of
one channel: green where a seed may fall, a red cross for each seed, dark what
is dropped. With -layout ncw or nwc the map is a row, with ncdhw or ndhwc one
plane.
`

const fileNotes = `
Flags may come before or after the files. A file is a regular one, or a link to
one. - is standard input or output, which may be a pipe: IN has the format that
its first bytes tell, OUT that of IN, and the report goes to standard error.
`

const reportNotes = `
The report: seeds, dropped and kept count elements of the mask; expected_drop is
the drop rate to be expected of such masks; ns_per_element, with -time, is the
median of repeated calls of the library, drawing the mask and applying it
(dilate: growing it; show: drawing it), for an element of the shape; seconds is
the whole command, files included. With -json it has all that it takes to write
the same files again, and scales, a list, unless there are more than 1024.
`

func help(args []string, w io.Writer) error {
	if len(args) > 1 {
		return usagef("help takes one command, got %s", strings.Join(args, " "))
	}
	var b strings.Builder
	if len(args) == 0 {
		overview(&b)
	} else {
		v, err := findVerb(args[0])
		if err != nil {
			return err
		}
		v.help(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func overview(b *strings.Builder) {
	b.WriteString("dropblock puts files through DropBlock (Ghiasi, Lin, Le 2018).\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(b, "  %s\n        %s\n", v.usage(), v.brief)
	}
	b.WriteString("\nFlags of apply, dilate and show, with their defaults:\n\n")
	writeFlags(b, commonFlags, []switchSpec{timeSwitch, jsonSwitch})
	b.WriteString(fileNotes)
	b.WriteString(reportNotes)
	b.WriteString("\nErrors are one line; exit status 2 for usage, 1 for the rest. No file is written\nthen, as files are written under another name and renamed, unless it is the report\nthat could not be printed.\n")
}

func (v *verb) usage() string {
	flags := "[flags]"
	if v.bare {
		flags = "[-json]"
	}
	return strings.TrimSpace("dropblock " + v.name + " " + flags + " " + v.args)
}

func (v *verb) help(b *strings.Builder) {
	fmt.Fprintf(b, "usage: %s\n\n%s\n%s\n", v.usage(), v.brief, v.notes)
	specs, switches := v.specs()
	b.WriteString("Flags, with their defaults:\n\n")
	writeFlags(b, specs, switches)
	if !v.bare {
		b.WriteString(fileNotes)
		b.WriteString(reportNotes)
	}
}

// writeFlags writes each flag with its default beside it.
func writeFlags(b *strings.Builder, specs []flagSpec, switches []switchSpec) {
	for _, f := range specs {
		writeFlag(b, f.name+" "+cmp.Or(f.value, f.hint), f.meaning)
	}
	for _, f := range switches {
		writeFlag(b, f.name, f.meaning)
	}
}

func writeFlag(b *strings.Builder, flag, meaning string) {
	writeColumns(b, fmt.Sprintf("  -%-20s", flag), strings.Fields(meaning))
}

// writeColumns writes words beside a column, wrapped at 79 characters.
func writeColumns(b *strings.Builder, line string, words []string) {
	indent := len(line)
	for _, word := range words {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > 79 {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", indent)
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}
