package hook

import (
	"slices"
	"testing"
)

func TestAWorkerHasNothingOfThePushers(t *testing.T) {
	got := workerEnv([]string{
		"HOME=/home/git", "PATH=/bin", "GIT_DIR=.", "SSH_AUTH_SOCK=/tmp/agent", "REMOTE_USER=ada", "GL_USER=ada", "LANG=de_DE",
		"GIT_PUSH_OPTION_COUNT=1", "PUSH_MIRROR_CONFIG=/etc/x.toml", "HTTP_PROXY=http://attacker", "https_proxy=http://proxy",
	})
	want := []string{"HOME=/home/git", "PATH=/bin", "PUSH_MIRROR_CONFIG=/etc/x.toml", "https_proxy=http://proxy"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
