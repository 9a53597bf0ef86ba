package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ChainedName is the name, in the folder of hooks, of the post-receive that was there
// before us. It runs on the same input.
const ChainedName = "post-receive.before-push-mirror"

// chain runs the hook that was there before us, if any, and returns its exit code. It may
// do with its input what it likes.
func (h Hook) chain(ctx context.Context, repository string, input []byte) (int, error) {
	path := filepath.Join(repository, "hooks", ChainedName)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o111 == 0 {
		return 0, nil //nolint:nilerr // git, too, leaves alone what is not there or cannot be run
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Dir, cmd.Env = h.Dir, h.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), h.Stderr, h.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, fmt.Errorf("running %s: %w", path, err)
	}
	return 0, nil
}
