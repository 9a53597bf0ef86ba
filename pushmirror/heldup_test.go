package pushmirror

import (
	"strings"
	"testing"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

func TestWhatIsWaitedForIsToldByHowItFails(t *testing.T) {
	url, err := config.ParseURL("https://host.example.com/m.git")
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[git.Kind]struct {
		does   string
		status state.Status
	}{
		git.KindNetwork: {"cannot be reached", state.ToRetry},
		git.KindTimeout: {"does not answer in time", state.ToRetry},
		git.KindAuth:    {"does not accept the login", state.Failed},
		git.KindHostKey: {"does not show the key or certificate that is known", state.Failed},
	} {
		o := heldUpBy(config.Remote{URL: url}, kind)
		if !strings.HasPrefix(o.trouble, "waits for https://host.example.com, which "+want.does) || o.status != want.status || o.kind != kind {
			t.Errorf("%s is told as %+v", kind, o)
		}
	}
}
