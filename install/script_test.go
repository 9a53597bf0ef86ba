package install

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestATextIsFoundInWhateverPieces(t *testing.T) {
	const text = "the text"
	for _, before := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 - 3, 64<<10 - len(text), 128<<10 - 5} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(strings.Repeat("x", before) + text + "x"),
			"bytes": iotest.OneByteReader(strings.NewReader(strings.Repeat("x", before) + text)),
		} {
			if !contains(r, text) {
				t.Errorf("behind %d bytes, %s, it is not found", before, name)
			}
		}
		if contains(strings.NewReader(strings.Repeat("x", before)+text[1:]), text) {
			t.Errorf("behind %d bytes something else is found", before)
		}
	}
}

func TestTheProgramIsKnownUnderAnyName(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		program:               true,
		link:                  true,
		write("a copy", text): true,
		write("another version", append(text, "x"...)):     true,
		write("half of it", text[:8<<10]):                  false,
		write("a script", []byte("#!/bin/sh\n"+builtFrom)): false,
		write("empty", nil):                                false,
		"/bin/sh":                                          false,
		dir:                                                false,
		filepath.Join(dir, "nothing"):                      false,
	} {
		for range 2 {
			if got := isProgram(path); got != want {
				t.Errorf("%s is the program: %t", path, got)
			}
		}
	}
}
