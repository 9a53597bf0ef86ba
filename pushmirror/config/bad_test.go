package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is told now into testdata/bad.txtar")

const badFiles = "testdata/bad.txtar"

// section is one file in a txtar archive.
type section struct {
	name, text string
}

var sectionHeader = regexp.MustCompile(`(?m)^-- (.+) --\n`)

// sections returns what stands above the first section of an archive, and the
// sections.
func sections(archive string) (string, []section) {
	headers := sectionHeader.FindAllStringSubmatchIndex(archive, -1)
	var all []section
	for i, h := range headers {
		end := len(archive)
		if i+1 < len(headers) {
			end = headers[i+1][0]
		}
		all = append(all, section{archive[h[2]:h[3]], archive[h[1]:end]})
	}
	return archive[:headers[0][0]], all
}

// TestBadConfigs compares every word that is told of a bad config, hints
// included, with what stands beside it.
func TestBadConfigs(t *testing.T) {
	archive, err := os.ReadFile(badFiles)
	if err != nil {
		t.Fatal(err)
	}
	intro, files := sections(string(archive))
	want := map[string]string{}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.name, ".want"); ok {
			want[name] = f.text
		}
	}
	fresh := intro
	for _, f := range files {
		name, isConfig := strings.CutSuffix(f.name, ".toml")
		if !isConfig {
			continue
		}
		name, system := strings.CutSuffix(name, ".system")
		t.Run(name, func(t *testing.T) {
			told := tell(t, f.text, system)
			fresh += fmt.Sprintf("-- %s --\n%s-- %s.want --\n%s", f.name, f.text, name, told)
			if told != want[name] && !*update {
				t.Errorf("told:\n%s\nwant:\n%s", told, want[name])
			}
			if strings.Contains(told, "s3cret") {
				t.Errorf("a secret shows:\n%s", told)
			}
		})
	}
	if *update && !t.Failed() {
		write(t, badFiles, fresh)
	}
}

// tell loads a config that must be bad and returns what a user would be told.
func tell(t *testing.T, text string, system bool) string {
	t.Helper()
	dir := t.TempDir()
	s := Sources{Repository: dir}
	name := filepath.Join(dir, "push-mirror.toml")
	if system {
		name = filepath.Join(dir, "config.toml")
		s = Sources{Repository: dir, System: name}
	}
	write(t, name, text)
	c, err := Load(s)
	faults, ok := errors.AsType[Errors](err)
	if !ok || len(faults) == 0 || c != nil {
		t.Fatalf("Load = %v, %v; want errors alone", c, err)
	}
	var b strings.Builder
	for _, e := range faults {
		fmt.Fprintf(&b, "%v\nhint: %s\n", e, e.Hint)
	}
	return strings.ReplaceAll(b.String(), dir+"/", "")
}

// write writes a file and the folders it is in.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
