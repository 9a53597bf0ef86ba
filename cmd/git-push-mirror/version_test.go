package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// TestInstallShBuildsTheProgramWithItsVersion has install.sh build the program, as it does when it
// is given none.
func TestInstallShBuildsTheProgramWithItsVersion(t *testing.T) {
	path, prefix := "PATH="+os.Getenv("PATH"), t.TempDir()
	caches := strings.Fields(printed(t, os.Environ(), "go", "env", "GOCACHE", "GOMODCACHE"))
	// Nothing but go test's own limit ends it: what go has not built before can take it minutes.
	install := exec.CommandContext(t.Context(), "../../install/install.sh", "--prefix", prefix)
	install.Env = []string{
		path, "HOME=" + t.TempDir(), "GOCACHE=" + caches[0], "GOMODCACHE=" + caches[1], "VERSION=v1.2.3-4-g0123456",
	}
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := printed(t, []string{path}, filepath.Join(prefix, "bin/git-push-mirror"), "--version")
	if got != "git-push-mirror version v1.2.3-4-g0123456\n" {
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
