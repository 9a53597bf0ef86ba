package hook

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzPushOptions has a pusher send options, one a line.
func FuzzPushOptions(f *testing.F) {
	for _, options := range []string{"", "mirror.wait", "ci.skip\nmirror.wait", "\nmirror.wait", "mirror.wait=no", "x=mirror.wait", "\x1b[2J\n--force"} {
		f.Add(options)
	}
	f.Fuzz(func(t *testing.T, text string) {
		options := strings.Split(text, "\n")
		h := Hook{Env: []string{"MIRROR=mirror.wait", fmt.Sprintf("GIT_PUSH_OPTION_COUNT=%d", len(options))}}
		for i, option := range options {
			h.Env = append(h.Env, fmt.Sprintf("GIT_PUSH_OPTION_%d=%s", i, option))
		}
		if got, want := h.asksToWait(), slices.Contains(options, "mirror.wait"); got != want {
			t.Errorf("with the options %q it is %t", options, got)
		}
	})
}
