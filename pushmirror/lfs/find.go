package lfs

import (
	"context"

	"git-push-mirror/pushmirror/git"
)

// Object is a large file that refs need.
type Object struct {
	Pointer
	Path string // one of the paths that the file has in the repository
}

// Find returns the objects that the tips need and the known commits do not, each once (or once for
// each size, should pointers differ). It reads only the history between known and tips.
func Find(ctx context.Context, s *git.Scratch, tips, known []git.OID) ([]Object, error) {
	var objects []Object
	seen := map[Pointer]bool{}
	err := s.SmallBlobs(ctx, tips, known, leastPointer, mostPointer, func(path string, content []byte) {
		if p, ok := parsePointer(content); ok && !seen[p] {
			seen[p] = true
			objects = append(objects, Object{p, path})
		}
	})
	return objects, err
}
