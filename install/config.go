package install

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"git-push-mirror/pushmirror/config"
)

// ConfigName is the name of a repository's own configuration, in its folder.
const ConfigName = "push-mirror.toml"

// ErrConfigExists says that there is a configuration already, which is never touched.
var ErrConfigExists = errors.New("there is a " + ConfigName + " already")

// WriteConfig writes the first configuration of the repository of a GIT_DIR, with the remote
// of that name and url, or with an example of one if both are empty, and gives its path.
// Nobody but its owner can ever read it. The error is a config.Errors if the name or the url
// is wrong, and wraps ErrConfigExists if there is a configuration.
func WriteConfig(ctx context.Context, dir, name, url string) (path string, err error) {
	path = filepath.Join(dir, ConfigName)
	t, err := openTree(ctx, dir, lockPatience, func() {})
	if err != nil {
		return path, explain(dir, err)
	}
	defer t.close()
	return path, explain(dir, t.writeConfig(name, url))
}

// writeConfig has the file read, as any other, before it gets its name.
func (t *tree) writeConfig(name, url string) error {
	if _, err := t.root.Lstat(ConfigName); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrConfigExists, err)
	}
	if err := t.sweep("."); err != nil {
		return err
	}
	folder := newPrefix + rand.Text()
	if err := t.root.Mkdir(folder, 0o700); err != nil {
		return err
	}
	written, err := t.write(folder, []byte(configText(name, url)), 0o600)
	if err == nil {
		draft := filepath.Join(folder, ConfigName)
		if err = t.rename(written, draft); err == nil {
			err = check(filepath.Join(t.dir, folder))
		}
		if err == nil {
			if err = t.create(draft, ConfigName); errors.Is(err, errChanged) {
				err = ErrConfigExists
			}
		}
	}
	return errors.Join(err, t.root.RemoveAll(folder))
}

// check loads the draft. Where it stands is nothing that its reader knows.
func check(folder string) error {
	_, err := config.Load(config.Sources{Repository: folder, Own: true})
	var faults config.Errors
	if !errors.As(err, &faults) {
		return err
	}
	for _, fault := range faults {
		fault.File, fault.Line = "", 0
	}
	return faults
}

// configText is a configuration with the settings that are wanted first, as comments that
// need only lose their #.
func configText(name, url string) string {
	mark := ""
	if name == "" && url == "" {
		mark, name, url = "#", "backup", "ssh://git@backup.example.com/srv/git/widgets.git"
	}
	return fmt.Sprintf(`# The mirrors of this repository: git-push-mirror reads this file at every push. Where a # has no
# space after it, there is a setting: take the # away to make it count.

# Mirror these branches alone, and the tags that they contain. "*" is any run of characters.
# Without this line, all branches and tags are mirrored.
#protected_branches = ["main", "release/*"]

# How long who pushes may be kept waiting for the outcome, and what they are shown of it:
# "all", "problems" or "nothing".
#[hook]
#wait = "3s"
#show = "all"

# A mirror. There can be many, each below a [[remote]] of its own. The url is
# https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or the absolute path of a folder.
%[1]s[[remote]]
%[1]sname = %[2]s
%[1]surl = %[3]s
# Overwrite what somebody else changed on the mirror. Else it is left alone, and reported.
#keep_divergent_refs = false
# Delete on the mirror what is gone here: "never", "merged" (what the default branch holds
# all the same) or, if what the mirror alone has is overwritten anyway, "all".
#prune = "merged"
`, mark, strconv.Quote(name), strconv.Quote(url))
}
