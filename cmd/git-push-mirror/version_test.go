package main

import (
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
)

func TestTheVersionIsTheOneOfTheBuild(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "git-push-mirror")
	build := exec.CommandContext(t.Context(), "make", "-s", "-C", "../..", "build", "binary="+binary, "VERSION=v1.2.3-4-g0123456")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := printed(t, nil, binary, "--version"); got != "git-push-mirror version v1.2.3-4-g0123456\n" {
		t.Errorf("it says %q", got)
	}
}

func TestTheVersionIsElseWhatGoNotedDown(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for want, info := range map[string]debug.BuildInfo{
		"0123456789abcdef0123456789abcdef01234567":       {Settings: []debug.BuildSetting{revision}},
		"0123456789abcdef0123456789abcdef01234567-dirty": {Settings: []debug.BuildSetting{modified, revision}},
		"v1.2.3":  {Main: debug.Module{Version: "v1.2.3"}},
		"unknown": {Main: debug.Module{Version: "(devel)"}},
	} {
		if got := noted(&info); got != want {
			t.Errorf("%q, and should be %q", got, want)
		}
	}
}
