package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/internal/npy"
)

// readArray reads an array and says which axes of a feature map its dimensions are, in the
// letters of a layout.
func (o *options) readArray(in *input, floats bool) (a *npy.Array, axes string, s dropblock.Shape, err error) {
	a, err = npy.Read(in, in.size, func(h *npy.Header) (err error) {
		if err = o.checkDtype(h, floats); err != nil {
			return err
		}
		axes, s, err = o.shapeOf(h.Shape)
		return err
	})
	if err != nil {
		return nil, "", s, fmt.Errorf("%s: %w", in.name, err)
	}
	o.dtype = a.Name
	return a, axes, s, nil
}

// layoutAxes are the axes that an array of a layout may have: all, without N, and without
// N and C.
func layoutAxes(l dropblock.Layout) []string {
	axes := l.String()
	sample := strings.Replace(axes, "N", "", 1)
	return []string{axes, sample, strings.Replace(sample, "C", "", 1)}
}

// guessedAxes are those of an array without -layout.
var guessedAxes = append([]string{"NCDHW"}, layoutAxes(dropblock.LayoutNCHW)...)

// shapeOf returns the axes and the shape of a map with these dimensions; missing axes are 1.
func (o *options) shapeOf(dims []int) (axes string, s dropblock.Shape, err error) {
	allowed, hint, layout := guessedAxes, ", or 1 with -layout ncw or nwc", ""
	if o.layout != nil {
		layout = o.layout.String()
		allowed, hint = layoutAxes(*o.layout), " with -layout "+strings.ToLower(layout)
	}
	var forms []string
	for _, a := range allowed {
		if len(a) == len(dims) {
			axes = a
		}
		forms = append([]string{"(" + strings.Join(strings.Split(a, ""), ",") + ")"}, forms...)
	}
	if axes == "" {
		return "", s, fmt.Errorf("has %d dimensions; want %d to %d: %s%s", len(dims), len(allowed[len(allowed)-1]), len(allowed[0]), orList(forms), hint)
	}
	if layout == "" {
		if layout = "NCHW"; len(axes) == 5 {
			layout = axes
		}
	}
	full := make([]int, len(layout))
	for i, axis := range layout {
		full[i] = 1
		if at := strings.IndexRune(axes, axis); at >= 0 {
			full[i] = dims[at]
		}
	}
	return axes, s, libraryError(s.UnmarshalText([]byte(layout + " " + join(full))))
}

// extents are those of a shape along axes.
func extents(s dropblock.Shape, axes string) (dims []int) {
	for _, axis := range axes {
		dims = append(dims, map[rune]func() int{'N': s.N, 'C': s.C, 'D': s.D, 'H': s.H, 'W': s.W}[axis]())
	}
	return dims
}

// checkDtype refuses arrays that are no floats, if they have to be. It takes words for
// bfloat16 if the flag says so, and nothing else then.
func (o *options) checkDtype(h *npy.Header, floats bool) error {
	asked := *h
	words := asked.AsBFloat16()
	switch {
	case o.bfloat16 && !words:
		return fmt.Errorf("has dtype %s; want V2 or u2 with -dtype bfloat16", h.Type())
	case o.bfloat16:
		*h = asked
		return nil
	}
	if applyTo[h.Name] != nil || !floats && h.Name != "" {
		return nil
	}
	want := "bool, an integer or a float"
	if floats {
		want = "float16, float32 or float64"
	}
	if words {
		want += ", or -dtype bfloat16 if that is what it is"
	}
	return fmt.Errorf("has dtype %s; want %s", h.Type(), want)
}

// join is "2x3x4".
func join(dims []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(dims), "[]"), " ", "x")
}

// libraryError removes the library's name from an error: the line on standard error
// begins with it.
func libraryError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "dropblock: "))
}

// flagNames are the flags that set the fields of a Config which the library's errors name.
var flagNames = map[string]string{
	"DropProb": "-p", "Ramp": "-ramp", "Block": "-block", "Clip": "-clip", "Even": "-even", "Region": "-region", "Gamma": "-gamma",
	"GammaExact": "-gamma exact", "GammaScale": "-gamma-scale", "Share": "-share", "Norm": "-norm",
}

var fieldName = regexp.MustCompile(`\b([A-Z]\w+)(?: is)?\b`)

// newLayer makes the layer of the flags. An error names them instead of the library's
// fields.
func (o *options) newLayer() (*dropblock.Layer, error) {
	layer, err := dropblock.New(o.cfg)
	if err == nil {
		return layer, nil
	}
	text := fieldName.ReplaceAllStringFunc(libraryError(err).Error(), func(field string) string {
		return cmp.Or(flagNames[strings.TrimSuffix(field, " is")], field)
	})
	return nil, usagef("%s", strings.Replace(text, ", want ", "; want ", 1))
}
