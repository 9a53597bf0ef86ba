package lfs

import (
	"context"

	"git-push-mirror/pushmirror/git"
)

// Object is a large file that refs need.
type Object struct {
	Pointer
	Path string // one of those that the file has
}

// Find looks for the objects that the tips need and the known commits do not, each once for each
// size that pointers give it. Of history it reads what lies between them.
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
