package lfs

import (
	"errors"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/git"
)

// Whoever has the URL that a server signs may write there.
func TestTheURLOfAnUploadIsShownWithoutWhatSignsIt(t *testing.T) {
	for _, said := range []string{
		`Put "https://store.example.com/o/1?X-Amz-Signature=SIGNED&X-Amz-Date=1": dial tcp: refused`,
		`LFS: Client error: https://ada:SIGNED@store.example.com/o/1?sig=SIGNED from HTTP 403`,
		`error: Put "http://store.example.com/o/1#SIGNED": EOF`,
	} {
		f, _ := classify(&git.Error{Kind: git.KindNetwork, Err: errors.New("exit status 2")}, said)
		if strings.Contains(f.Reason, "SIGNED") || !strings.Contains(f.Reason, "store.example.com/o/1?…") {
			t.Errorf("%q shows as %q", said, f.Reason)
		}
	}
}
