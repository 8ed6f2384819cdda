package preset_test

import (
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/dropblock-go/dropblock"
	"github.com/dropblock-go/dropblock/preset"
	"github.com/stretchr/testify/require"
)

// Every preset makes a layer, at the ends of p as well, and its masks in one, two and three
// dimensions.
func TestPresets(t *testing.T) {
	for _, entry := range preset.All() {
		for _, p := range []float64{0, 0.1, 1} {
			for _, block := range []int{1, 4, 7} {
				layer, err := dropblock.New(entry.Config(p, block))
				require.NoError(t, err, entry.Name)
				require.Equal(t, p, layer.Config().DropProb, entry.Name)
				for _, s := range []dropblock.Shape{
					dropblock.NCW(2, 3, 11), dropblock.NHWC(2, 6, 5, 3), dropblock.NCDHW(2, 3, 3, 5, 6),
				} {
					var m dropblock.Mask
					layer.Sample(&m, s, 1)
					if p == 0 {
						require.Zero(t, m.Dropped(), "%s on %v", entry.Name, s)
					}
				}
			}
		}
	}
}

// Names are unique and those of the functions; rules are a line.
func TestByName(t *testing.T) {
	functions := []any{
		preset.Paper, preset.TorchVision, preset.Timm, preset.TPU, preset.Miguelvr, preset.Tutorial, preset.MMDetection,
		preset.PaddleDetection, preset.KerasCV, preset.GluonCV, preset.Darknet, preset.GoMLX,
		preset.Dropout, preset.SpatialDropout, preset.DropPath,
	}
	require.Len(t, preset.All(), len(functions))
	for i, entry := range preset.All() {
		f := reflect.ValueOf(functions[i])
		name := runtime.FuncForPC(f.Pointer()).Name()
		require.Equal(t, strings.ToLower(name[strings.LastIndexByte(name, '.')+1:]), entry.Name)
		require.NotEmpty(t, entry.Rule)
		require.NotContains(t, entry.Rule, "\n")

		args := []reflect.Value{reflect.ValueOf(0.25), reflect.ValueOf(5)}[:f.Type().NumIn()]
		want := f.Call(args)[0].Interface()
		config, err := preset.ByName(entry.Name)
		require.NoError(t, err)
		require.Equal(t, want, config(0.25, 5), entry.Name)
		require.Equal(t, want, entry.Config(0.25, 5), entry.Name)
		if len(args) == 1 {
			require.Equal(t, want, config(0.25, 0), entry.Name)
		}
	}

	_, err := preset.ByName("Timm")
	require.EqualError(t, err, `preset: name is "Timm", want one of paper, torchvision, timm, tpu, miguelvr, tutorial, mmdetection, `+
		`paddledetection, kerascv, gluoncv, darknet, gomlx, dropout, spatialdropout, droppath`)
}
