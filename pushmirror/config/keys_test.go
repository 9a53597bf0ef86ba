package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// loadWith loads the config of a repository that has one remote, with a line more in the remote or,
// under its header, in the system file.
func loadWith(t *testing.T, header, line string) *Config {
	t.Helper()
	dir := t.TempDir()
	system, own := filepath.Join(dir, "system.toml"), filepath.Join(dir, "push-mirror.toml")
	general := header + "\n" + line + "\n"
	remote := "[[remote]]\nname = \"m\"\nurl = \"/srv/m.git\"\n"
	if header == "[[remote]]" {
		general, remote = "", remote+line+"\n"
	}
	for file, text := range map[string]string{system: general, own: remote} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(Sources{System: system, Repository: dir})
	if err != nil {
		t.Fatal(err)
	}
	c.Modified = time.Time{}
	c.Files = nil
	for i := range c.Remotes {
		c.Remotes[i].File = ""
	}
	return c
}

func TestDefaultsAreWhatHoldsWithoutTheKey(t *testing.T) {
	without := loadWith(t, "", "")
	for _, key := range Keys() {
		if key.Default == "" {
			continue
		}
		t.Run(key.Name, func(t *testing.T) {
			header := key.Headers[len(key.Headers)-1]
			if with := loadWith(t, header, key.Name+" = "+key.Default); !reflect.DeepEqual(with, without) {
				t.Errorf("%s is not what holds without it:\n%+v\n%+v", key.Default, with, without)
			}
		})
	}
}

func TestKeysTellWhereEachMayStand(t *testing.T) {
	want := map[string][]string{"root": {""}, "wait": {"[hook]"}, "url": {"[[remote]]"}, "tags": {"[defaults]", "[[remote]]"}}
	for _, key := range Keys() {
		if key.Headers == nil {
			t.Errorf("%s may stand nowhere", key.Name)
		}
		if headers, asked := want[key.Name]; asked && !slices.Equal(key.Headers, headers) {
			t.Errorf("%s stands in %q, want %q", key.Name, key.Headers, headers)
		}
		delete(want, key.Name)
	}
	if len(want) > 0 {
		t.Errorf("these keys are missing: %v", want)
	}
}
