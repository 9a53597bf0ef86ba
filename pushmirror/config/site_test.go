package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// siteFile is a system file with one remote.
func siteFile(keys string) string {
	return "root = 'ROOT'\n[[remote]]\nname = 'github'\n" + keys + "\n"
}

func TestRemotesOfASiteAreForTheRepositoriesTheyName(t *testing.T) {
	for name, test := range map[string]struct {
		keys string
		want bool
	}{
		"all":                        {`repositories = ["*"]`, true},
		"by its path":                {`repositories = ["team/widgets.git"]`, true},
		"by its path without .git":   {`repositories = ["team/widgets"]`, true},
		"by a pattern of its folder": {`repositories = ["public/*", "team/*"]`, true},
		"by half its path":           {`repositories = ["widgets"]`, false},
		"in other capital letters":   {`repositories = ["Team/*"]`, false},
		"excluded":                   {"repositories = ['*']\nexclude = ['team/*']", false},
		"excluded without .git":      {"repositories = ['*']\nexclude = ['team/widgets']", false},
		"another one is excluded":    {"repositories = ['*']\nexclude = ['team/gadgets']", true},
		"no exclusion at all":        {"repositories = ['*']\nexclude = []", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newGround(t, map[string]string{"system": siteFile("url = '/mnt/{path}'\n" + test.keys)}).load(t)
			if got := len(c.Remotes) == 1; got != test.want {
				t.Errorf("the remote is for this repository: %v, want %v", got, test.want)
			}
		})
	}
}

func TestPlaceholdersAreFilledIn(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/acme/{path_dashed}.git": "https://github.com/acme/team-my%20w%40dgets.git",
		"https://host/{path}.git":                   "https://host/team/my%20w%40dgets.git",
		"ssh://git@host/{path}/{path_dashed}":       "ssh://git@host/team/my%20w%40dgets/team-my%20w%40dgets",
		"git@host:mirror/{path}.git":                "git@host:mirror/team/my w@dgets.git",
		"/mnt/{path}":                               "/mnt/team/my w@dgets",
	} {
		g := newGround(t, map[string]string{"system": siteFile("repositories = ['*']\nurl = '" + url + "'")})
		g.sources.Repository = filepath.Join(g.root, "team/my w@dgets.git")
		write(t, filepath.Join(g.sources.Repository, "HEAD"), "")
		if got := g.load(t).Remotes[0].URL.Raw(); got != want {
			t.Errorf("%s becomes %s, want %s", url, got, want)
		}
	}
}

func TestOneMirrorIsForOneRepository(t *testing.T) {
	for repositories, want := range map[string]bool{
		"['*']": false, "['team/*']": false, "['team/widgets', 'team/gadgets']": false, "['team/widgets']": true, "['team/widgets.git']": true,
		"['team/widgets', 'team/widgets.git']": true,
	} {
		g := newGround(t, map[string]string{"system": siteFile("url = '/mnt/all'\nrepositories = " + repositories)})
		_, err := Load(g.sources)
		if got := err == nil; got != want {
			t.Errorf("for %s: %v", repositories, err)
		}
	}
}

func TestAPathThatNoURLCanHoldIsToldToItsOwnRepository(t *testing.T) {
	g := newGround(t, map[string]string{"system": siteFile("repositories = ['*']\nurl = 'git@host:{path}'")})
	g.load(t)
	g.sources.Repository = filepath.Join(g.root, "-x.git")
	write(t, filepath.Join(g.sources.Repository, "HEAD"), "")
	_, err := Load(g.sources)
	want := `config.toml:5: the url's path begins with a -, so git would read it as an option, ` +
		`once the path of this repository is filled in`
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRepositoriesElsewhereHaveNoRemotesOfASite(t *testing.T) {
	g := newGround(t, map[string]string{"system": siteFile("repositories = ['*']\nurl = '/mnt/{path}'")})
	beside := g.root + "-old/widgets.git"
	write(t, filepath.Join(beside, "HEAD"), "")
	for name, repository := range map[string]string{
		"a folder whose name begins like root's": beside,
		"root itself":                            g.root,
		"the folder above root":                  filepath.Dir(g.root),
		"no repository at all":                   "",
	} {
		g.sources.Repository = repository
		if c := g.load(t); len(c.Remotes) != 0 {
			t.Errorf("%s has remotes", name)
		}
	}
}

func TestLinksDoNotHideThatARepositoryIsBelowRoot(t *testing.T) {
	g := newGround(t, map[string]string{"system": siteFile("repositories = ['team/widgets']\nurl = '/mnt/{path}'")})
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(g.root, link); err != nil {
		t.Fatal(err)
	}
	direct := g.sources.Repository
	g.sources.Repository = filepath.Join(link, "team/widgets.git")
	if c := g.load(t); len(c.Remotes) != 1 {
		t.Error("a repository that is reached through a link has no remote")
	}
	g.sources.Repository = direct
	write(t, g.sources.System, strings.ReplaceAll(siteFile("repositories = ['*']\nurl = '/mnt/{path}'"), "ROOT", link))
	if c := g.load(t); len(c.Remotes) != 1 {
		t.Error("a root that is reached through a link has no repository")
	}
}

func TestARepositoryThatIsGoneIsTold(t *testing.T) {
	g := newGround(t, map[string]string{"system": siteFile("repositories = ['*']\nurl = '/mnt/{path}'")})
	g.sources.Repository = filepath.Join(g.root, "gone.git")
	if _, err := Load(g.sources); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load = %v, want that the repository does not exist", err)
	}
}

func TestABadRemoteForAnotherRepositoryIsTold(t *testing.T) {
	g := newGround(t, map[string]string{"system": siteFile("repositories = ['other']\nurl = 'ext::x'")})
	if _, err := Load(g.sources); err == nil {
		t.Error("a bad url is not told")
	}
}

func TestNamesMayMeetOnlyWhereBothApply(t *testing.T) {
	c := newGround(t, map[string]string{
		"system": siteFile("repositories = ['other']\nurl = '/1'"),
		"own":    remote("GitHub", "/2"),
	}).load(t)
	if len(c.Remotes) != 1 {
		t.Errorf("remotes are %v", c.Remotes)
	}
}
