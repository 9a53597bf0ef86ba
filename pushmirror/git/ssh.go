package git

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// SSH says how ssh logs in at a mirror and whom it trusts to be the host.
type SSH struct {
	// Key is the path of the private key, and then the only one; "": those that ssh finds.
	Key string
	// KnownHosts is the path of the file with the hosts' keys, in place of the user's and
	// the system's; "": those.
	KnownHosts string
	// HostKeys are this host's keys, as "[MARKER] TYPE BASE64"; nil: those of the files.
	HostKeys []string
}

// sshOptions are for every ssh: there is nobody to ask, and a host that is silent or gone must not
// hold up an update.
var sshOptions = []string{"BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=4"}

// initSSH decides how ssh is run. Where the config says nothing of ssh, a core.sshCommand of
// the user's stays in force.
func (s *Scratch) initSSH(ctx context.Context) error {
	ssh := s.to.SSH
	if ssh.Key == "" && ssh.KnownHosts == "" && ssh.HostKeys == nil {
		settings, err := s.git.Settings(ctx, `^core\.sshcommand$`)
		if err != nil || len(settings) > 0 {
			return err
		}
	}
	file := ssh.KnownHosts
	if ssh.HostKeys != nil {
		var lines strings.Builder
		for _, key := range ssh.HostKeys {
			fmt.Fprintln(&lines, hostKeyLine(key))
		}
		if err := s.write("known_hosts", lines.String()); err != nil {
			return err
		}
		file = filepath.Join(s.dir, "known_hosts")
	}
	s.ssh = ssh.command(file)
	return nil
}

// hostKeyLine writes a key for a known_hosts file that is used for one host only: it is the host's
// key by any name, whatever the user's config makes of that. HostKeyAlias would not do: a
// certificate has to bear the name that ssh uses.
func hostKeyLine(key string) string {
	if marker, rest, _ := strings.Cut(key, " "); strings.HasPrefix(marker, "@") {
		return marker + " * " + rest
	}
	return "* " + key
}

// literal quotes a path for an option of ssh: as one word, and without expanding its % tokens.
func literal(path string) string { return `"` + strings.ReplaceAll(path, "%", "%%") + `"` }

// command is the ssh to run, with the file of known hosts, as a shell reads it.
func (ssh *SSH) command(knownHosts string) string {
	options := sshOptions
	command := "ssh"
	if ssh.Key != "" {
		// Keys and certificates of the user's config would be tried as well.
		command += " -F none"
		options = append(options, "IdentityFile="+literal(ssh.Key), "IdentitiesOnly=yes", "IdentityAgent=none", "PreferredAuthentications=publickey")
	}
	if ssh.Key != "" || knownHosts != "" {
		options = append(options, "StrictHostKeyChecking=yes", "UpdateHostKeys=no")
	}
	if knownHosts != "" {
		options = append(options, "UserKnownHostsFile="+literal(knownHosts), "GlobalKnownHostsFile=/dev/null")
	}
	for _, option := range options {
		command += " -o " + ShellQuote(option)
	}
	return command
}
