package main

import (
	"fmt"

	"github.com/dropblock-go/dropblock"
)

// A target is the highest ratio to the fastest copy that an op may have.
type target struct {
	op    string
	limit float64
}

const mib = 1 << 20

// targets are those of a kernel set on a setting. They are for feature maps
// from 3 MiB on with a mask per channel, and for apply only up to 16 MiB, since
// a copy of more may go around the caches with profit.
func (s setting) targets(kernels string) (all []target) {
	bytes := 4 * s.shape.Len()
	if s.share != dropblock.ShareNone || bytes < 3*mib {
		return nil
	}
	forward, ok := map[int]float64{7: 1.35, 5: 1.40, 3: 1.60}[s.block]
	if kernels == "generic" {
		forward = 8
	} else if bytes <= 16*mib {
		all = append(all, target{opApply, 1.06})
	}
	if ok {
		all = append(all, target{opForward, forward})
	}
	return all
}

// missed tells of the targets that the result does not meet, and how many
// there were.
func (res *result) missed(kernels string) (missed []string, n int) {
	all := res.setting.targets(kernels)
	for _, t := range all {
		if r := res.find(t.op, kernels).Ratio.Median; !(r <= t.limit) {
			missed = append(missed, fmt.Sprintf("%s %.3f > %.2f", t.op, r, t.limit))
		}
	}
	return missed, len(all)
}
