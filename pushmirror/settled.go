package pushmirror

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/state"
)

// settled is a fingerprint of all that decides which refs are pending: upstream's refs (by the
// fingerprint of them that is given), the filter, and what was last seen. An update that leaves
// nothing pending records it. For as long as it stays the same, nothing is pending, and `status`
// and the worker need not ask git about each of many repositories. "" when it cannot be told.
func (u *Upstream) settled(remote config.Remote, dir *state.Dir, fingerprint string) string {
	seen := dir.SeenFingerprint()
	if fingerprint == "" || seen == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n", fingerprint, u.filter(remote), seen))
	return hex.EncodeToString(sum[:])
}

// filter is a text that differs for two configurations that have other refs pushed or deleted.
func (u *Upstream) filter(remote config.Remote) string {
	return fmt.Sprintf("%q %t %q %s %s",
		u.config.ProtectedBranches, remote.OnlyProtectedBranches, remote.MirrorBranchRegex, remote.Tags, remote.Prune)
}
