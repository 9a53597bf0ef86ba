package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
)

// ErrConfigExists says that there is a configuration already, which is never touched.
var ErrConfigExists = errors.New("there is a " + config.RepositoryFile + " already")

// WriteConfig writes the first configuration of a repository, with the remote of that name and url,
// or with an example of one if both are empty, and gives its path. Besides its owner, those can
// read it who may push: the hook has to. It is first loaded, with all else that is configured: the
// error is a config.Errors if that fails, and wraps ErrConfigExists if there is a configuration.
func WriteConfig(ctx context.Context, sources config.Sources, name, url string) (path string, err error) {
	dir := sources.Repository
	path = filepath.Join(dir, config.RepositoryFile)
	t, err := openTree(ctx, dir, lockPatience, nil)
	if err != nil {
		return path, explain(dir, err)
	}
	defer t.close()
	if _, err := t.root.Lstat(config.RepositoryFile); !errors.Is(err, fs.ErrNotExist) {
		return path, explain(dir, errors.Join(ErrConfigExists, err))
	}
	text := configText(name, url)
	if err := (&Remotes{sources: sources, tree: t}).checkConfig(text, name); err != nil {
		return path, err
	}
	written, err := t.write(".", []byte(text), 0o600|t.pushers())
	if err == nil {
		err = t.create(written, config.RepositoryFile)
	}
	if errors.Is(err, errChanged) {
		err = ErrConfigExists
	}
	return path, explain(dir, err)
}

// checkConfig loads a first configuration with all else, and has it count. Where it stands is
// nothing that its reader knows.
func (r *Remotes) checkConfig(text, name string) error {
	now, err := config.Load(r.sources)
	if err != nil {
		return err
	}
	for _, remote := range now.Remotes {
		replaced := remote.Name == name && remote.File == r.sources.System
		if strings.EqualFold(remote.Name, name) && !replaced {
			return r.alreadyThere(remote, name)
		}
	}
	path := filepath.Join(r.sources.Repository, config.RepositoryFile)
	with := r.sources
	with.Text = text
	then, err := config.Load(with)
	faults, _ := errors.AsType[config.Errors](err)
	for _, fault := range faults {
		if fault.File == path {
			fault.File, fault.Line = "", 0
		}
	}
	if err != nil {
		return err
	}
	if !slices.Contains(then.Files, path) {
		return notCounting(r.sources)
	}
	if remote, err := find(then, name); err == nil {
		return pushmirror.CheckNotSelf(remote.URL, r.sources.Repository)
	}
	return nil
}

// notCounting tells that what would be written says nothing.
func notCounting(sources config.Sources) error {
	return &RefusedError{
		"no configuration of a repository counts here: the system's has repository_config = false",
		"write the remote into " + sources.System,
	}
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
