package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

const applyNotes = `
IN is a feature map of float32 with 2, 3 or 4 dimensions, (H,W), (C,H,W) or
(N,C,H,W), and OUT has its shape and dtype; or IN is a picture, a feature map of
1x1xHxW (gray) or 1x3xHxW (colour) with the values 0 to 255 (65535), and OUT is
a picture, rounded and clipped, its alpha kept. With a mask for every channel,
the default, blocks of a colour picture take one colour away; -share channels
makes them black. OUT may be IN.
`

const dilateNotes = `
SEEDS has the shape of the mask, (H,W), (C,H,W) or (N,C,H,W), and any integer,
float or bool dtype. A seed marks the centre of its block (see -even). With
-region valid its block has to lie in the map, with full it is clipped. With
-share channels SEEDS has one channel. MASK is 1 where the block of no seed is.
The flags of drawing, -p, -gamma and the key, have no effect. MASK may be SEEDS.
`

const showNotes = `
The figure is that of the mask that a layer with these flags draws for a map of
one channel: green where a seed may fall, a red cross for each seed, dark what
is dropped.
`

const reportNotes = `
The report: seeds, dropped and kept count elements of the mask; ns_per_element
is the median of repeated calls of the library, drawing the mask and applying it
(dilate: growing it; show: drawing it), for an element of the shape; seconds is
the whole command, files included.
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
	writeFlags(b, commonFlags)
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
	if v.bare {
		writeFlag(b, "json", "print one JSON object")
		return
	}
	b.WriteString("Flags, with their defaults:\n\n")
	writeFlags(b, slices.Concat(v.extra, commonFlags))
	b.WriteString(reportNotes)
}

// writeFlags writes each flag with its default beside it.
func writeFlags(b *strings.Builder, specs []flagSpec) {
	for _, f := range specs {
		value := f.value
		if value == "" {
			value = "FILE"
		}
		writeFlag(b, f.name+" "+value, f.meaning)
	}
	writeFlag(b, "json", jsonMeaning)
}

func writeFlag(b *strings.Builder, flag, meaning string) {
	fmt.Fprintf(b, "  -%-16s %s\n", flag, meaning)
}
