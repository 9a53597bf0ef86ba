package lfs

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"git-push-mirror/pushmirror/git"
)

func TestACopyReplacesWhatAnInterruptedOneLeft(t *testing.T) {
	const content = "a large file"
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	for name, there := range map[string]string{"nothing": "", "a part": "a lar", "all": content} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file, to := filepath.Join(dir, "file"), Store{dirs: []string{filepath.Join(dir, "lfs")}}
			path := git.LFSPath(to.dirs[0], oid)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			for path, text := range map[string]string{file: content, path: there} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if there == "" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			if failed, err := Copy(t.Context(), map[string]string{oid: file}, to); len(failed) > 0 || err != nil {
				t.Fatal(failed, err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != content {
				t.Errorf("the mirror has %q: %v", got, err)
			}
			if parts, err := filepath.Glob(filepath.Join(to.dirs[0], "tmp", "*")); err != nil || len(parts) > 0 {
				t.Errorf("%q is left: %v", parts, err)
			}
		})
	}
}
