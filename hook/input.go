package hook

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"git-push-mirror/pushmirror/git"
)

// change is a ref as a push left it.
type change struct {
	name     git.RefName
	old, new git.OID // zero: the ref did not, or does no longer, exist
}

// readChanges reads the standard input of post-receive to its end: a line
//
//	OLD SP NEW SP REF
//
// for each ref that was changed, as githooks(5) says. Anything else is an error, and
// is still read to the end: git would otherwise see the pipe break.
func readChanges(r io.Reader) ([]change, error) {
	var changes []change
	var firstErr error
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line != "" && firstErr == nil {
			c, parseErr := parseChange(strings.TrimSuffix(line, "\n"))
			changes = append(changes, c)
			firstErr = parseErr
		}
		if err == io.EOF {
			return changes, firstErr
		}
		if err != nil {
			return changes, fmt.Errorf("reading what was pushed: %w", err)
		}
	}
}

func parseChange(line string) (change, error) {
	fields := strings.SplitN(line, " ", 3)
	if len(fields) != 3 || !strings.HasPrefix(fields[2], "refs/") {
		return change{}, fmt.Errorf("reading what was pushed: %.100q is not OLD NEW REF, as git gives to post-receive", line)
	}
	var c change
	for i, to := range []*git.OID{&c.old, &c.new} {
		oid, err := git.ParseOID(fields[i])
		if err != nil {
			return change{}, fmt.Errorf("reading what was pushed: %w", err)
		}
		*to = oid
	}
	c.name = git.RefName(fields[2])
	return c, nil
}
