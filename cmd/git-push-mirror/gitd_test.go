package main

import (
	"fmt"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// prepareGitd makes a git daemon, which everybody may fetch from and push to.
func prepareGitd(ts *testscript.TestScript, s *server, base string, port int) {
	s.daemons = []daemon{{
		argv: []string{
			gitProgram(ts, "git-daemon"), "--listen=127.0.0.1", "--port=" + strconv.Itoa(port), "--reuseaddr",
			"--base-path=" + base, "--export-all", "--enable=receive-pack", "--informative-errors", "--max-connections=0",
		},
		ready: listensOn(port),
	}}
	s.url = fmt.Sprintf("git://127.0.0.1:%d", port)
}
