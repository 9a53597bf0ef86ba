package git

import (
	"context"
	"fmt"
	"strings"
)

// Version is a version of git.
type Version struct {
	Text         string // as "2.39.5"
	Major, Minor int
}

// AtLeast reports whether it is that version or a newer one.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// Version is git's version, by
//
//	git version
//
// One that is too old for us comes with an *Error of the kind local.
func (g *Git) Version(ctx context.Context) (Version, error) {
	out, err := g.output(ctx, "", nil, "version")
	if err != nil {
		return Version{}, err
	}
	v, err := parseVersion(out)
	if err == nil && !v.AtLeast(2, 31) {
		err = &Error{
			Kind: KindLocal, Err: fmt.Errorf("git %s is too old", v.Text),
			Hint: "install git 2.31 or newer; this one is " + g.path,
		}
	}
	return v, err
}

// parseVersion reads "git version 2.39.5 (Apple Git-154)".
func parseVersion(out string) (Version, error) {
	fields := strings.Fields(out)
	if len(fields) < 3 {
		return Version{}, fmt.Errorf("reading 'git version': %.200q", out)
	}
	v := Version{Text: fields[2]}
	if _, err := fmt.Sscanf(v.Text, "%d.%d", &v.Major, &v.Minor); err != nil {
		return Version{}, fmt.Errorf("reading 'git version': %.200q: %w", out, err)
	}
	return v, nil
}
