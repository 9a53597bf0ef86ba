package git

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Setting is a value in git's configuration, and where it stands.
type Setting struct {
	Key    string // in lower case, but for the middle of three parts
	Value  string
	Scope  string // system, global, local, worktree or command
	Origin string // "file:PATH", where PATH may be relative to the repository
}

// IsTrue reports whether the value means true by git-config(1): one of the words for it, or a number
// but 0.
func (s Setting) IsTrue() bool {
	if n, err := strconv.Atoi(s.Value); err == nil {
		return n != 0
	}
	return slices.Contains([]string{"true", "yes", "on"}, strings.ToLower(s.Value))
}

// Settings are those in the system's, the user's and the repository's own configuration
// whose keys match an extended regular expression, by
//
//	git config --null --show-scope --show-origin --get-regexp
//
// Of one key the last one counts.
func (r *Repository) Settings(ctx context.Context, keys string) ([]Setting, error) {
	return r.git.settings(ctx, r.dir, nil, keys)
}

// Settings are those of the system and the user alone, which apply to all repositories.
func (g *Git) Settings(ctx context.Context, keys string) ([]Setting, error) {
	// No repository is at /dev/null, and none is looked for.
	return g.settings(ctx, "", []string{"GIT_DIR=/dev/null"}, keys)
}

func (g *Git) settings(ctx context.Context, dir string, env []string, keys string) ([]Setting, error) {
	var stdout strings.Builder
	_, err := g.run(ctx, command{
		dir: dir, env: env, stdout: &stdout,
		args: []string{"config", "--null", "--show-scope", "--show-origin", "--get-regexp", keys},
	})
	if exitCode(err) == 1 { // there is none
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseSettings(stdout.String())
}

// parseSettings reads SCOPE NUL ORIGIN NUL KEY LF VALUE NUL, repeated. A key without "=", which
// means true, has neither LF nor VALUE.
func parseSettings(out string) ([]Setting, error) {
	fields := strings.Split(out, "\x00")
	if len(fields)%3 != 1 {
		return nil, fmt.Errorf("reading 'git config': %d fields", len(fields)-1)
	}
	var settings []Setting
	for ; len(fields) > 1; fields = fields[3:] {
		key, value, assigned := strings.Cut(fields[2], "\n")
		if !assigned {
			value = "true"
		}
		settings = append(settings, Setting{Key: key, Value: value, Scope: fields[0], Origin: fields[1]})
	}
	return settings, nil
}

// IsSafe reports whether safe.directory in the system's or the user's configuration names the
// repository. By git-config(1), "*" names all repositories, DIR/* those below DIR and ~/ the user's
// home, and an empty value forgets those before it.
func (r *Repository) IsSafe(ctx context.Context) (bool, error) {
	settings, err := r.git.Settings(ctx, `^safe\.directory$`)
	safe := false
	for _, s := range settings {
		safe = s.Value != "" && (safe || r.isNamed(s.Value))
	}
	return safe, err
}

// isNamed reports whether a value of safe.directory names the repository.
func (r *Repository) isNamed(value string) bool {
	if value == "*" {
		return true
	}
	if rest, ok := strings.CutPrefix(value, "~/"); ok {
		value = filepath.Join(Getenv(r.git.env, "HOME"), rest)
	}
	dir, below := strings.CutSuffix(value, "/*")
	if dir != "" {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || !filepath.IsAbs(dir) {
			return false
		}
		dir = real
	}
	if below {
		return strings.HasPrefix(r.dir, strings.TrimSuffix(dir, "/")+"/")
	}
	return r.dir == dir
}
