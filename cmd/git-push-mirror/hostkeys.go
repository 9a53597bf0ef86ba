package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

func (inv invocation) hostKeysCommand() *cli.Command {
	return &cli.Command{
		Name:      "host-keys",
		Usage:     "show an ssh host's keys and the line that pins them",
		ArgsUsage: "URL",
		Description: "Asks the host for its keys. Compare the fingerprints with those that its owner publishes\n" +
			"before you trust them. In a repository whose config pins keys of that host, exits with 1 if\n" +
			"the host has none of them.",
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.Args().Len() != 1 {
				return usageError{errors.New("host-keys takes one ssh url"), "for example: git push-mirror host-keys ssh://git@example.com/w.git"}
			}
			u, err := config.ParseURL(c.Args().First())
			if err != nil {
				return err
			}
			if u.Scheme() != "ssh" {
				return usageError{errors.New("only ssh hosts have keys"), "an https host shows a certificate: see ca_file"}
			}
			return inv.runHostKeys(c, u)
		},
	}
}

func (inv invocation) runHostKeys(c *cli.Context, u config.URL) error {
	keys, err := scanHostKeys(c.Context, u)
	var prints []string
	if err == nil {
		prints, err = fingerprints(c.Context, keys)
	}
	if err != nil {
		inv.complain(err)
		return errTrouble
	}
	for _, line := range prints {
		inv.say("key", strings.Replace(line, " no comment", "", 1))
	}
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = fmt.Sprintf("%q", key)
	}
	if _, err := fmt.Fprintf(inv.stdout, "host_keys = [%s]\n", strings.Join(quoted, ", ")); err != nil {
		return err
	}
	return inv.comparePinned(c, u, keys)
}

const pinKeys = "if its owner publishes these fingerprints, write the line into the config, below the url"

// comparePinned compares a host's keys with those that the repository's config pins, if we
// are in one.
func (inv invocation) comparePinned(c *cli.Context, u config.URL, keys []string) error {
	repositories, err := inv.repositories(c)
	if err != nil {
		inv.say("hint", pinKeys)
		return nil //nolint:nilerr // Elsewhere there is nothing to compare with.
	}
	remotes, err := repositories[0].upstream.Select(nil)
	if err != nil {
		return err
	}
	pinned, changed := false, false
	for _, remote := range remotes {
		if remote.URL.Host() != u.Host() || remote.HostKeys == nil {
			continue
		}
		pinned = true
		if slices.ContainsFunc(remote.HostKeys, func(key string) bool { return slices.Contains(keys, key) }) {
			inv.say("note", remote.Name+": the host has the key that is pinned")
			continue
		}
		if slices.ContainsFunc(remote.HostKeys, func(key string) bool { return strings.HasPrefix(key, "@") }) {
			inv.say("note", remote.Name+": the key of an authority is pinned, which cannot be compared with the host's")
			inv.say("hint", inv.commandFor(repositories[0].upstream.Dir(), "check "+remote.Name)+" tells whether the authority signed them")
			continue
		}
		changed = true
		inv.say("error", remote.Name+": the host has none of the keys that are pinned")
		inv.say("hint", "ask the host's owner whether they were changed; if not, somebody is in between")
	}
	if !pinned {
		inv.say("hint", pinKeys)
	}
	if changed {
		return errTrouble
	}
	return nil
}

// scanHostKeys asks a host for its keys, by
//
//	ssh-keyscan -p PORT HOST
//
// and gives them as "TYPE BASE64".
func scanHostKeys(ctx context.Context, u config.URL) ([]string, error) {
	host, port := u.HostPort()
	out, err := sshTool(ctx, nil, "ssh-keyscan", "-T", "15", "-p", port, "--", host)
	if err != nil {
		return nil, err
	}
	var keys []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") {
			keys = append(keys, fields[1]+" "+fields[2])
		}
	}
	if len(keys) == 0 {
		return nil, &git.Error{
			Kind: git.KindNetwork, Err: fmt.Errorf("%s showed no key", u.Host()),
			Hint: "see whether an ssh server listens there: ssh-keyscan -v -p " + port + " " + host,
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// fingerprints are the keys as people compare them.
func fingerprints(ctx context.Context, keys []string) ([]string, error) {
	out, err := sshTool(ctx, []byte(strings.Join(keys, "\n")+"\n"), "ssh-keygen", "-l", "-f", "-")
	return strings.Split(strings.TrimSpace(string(out)), "\n"), err
}

// sshTool runs a program that comes with ssh.
func sshTool(ctx context.Context, stdin []byte, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); failed && name == "ssh-keyscan" {
		return out, nil // it fails where the host shows no key of one of the types
	}
	if errors.Is(err, exec.ErrNotFound) {
		return nil, &git.Error{Kind: git.KindLocal, Err: fmt.Errorf("there is no %s in the PATH", name), Hint: "install OpenSSH's client"}
	}
	if err != nil {
		return nil, fmt.Errorf("running %s: %w: %s", name, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
