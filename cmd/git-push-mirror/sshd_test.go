package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// prepareSSHD makes an OpenSSH sshd, which the user who runs the tests may enter with a key of the
// script. The script's git finds that key, and the host's, through core.sshCommand in its user's
// config; ~/.ssh is neither read nor written.
func prepareSSHD(ts *testscript.TestScript, s *server, base string, port int) {
	me, err := user.Current()
	ts.Check(err)
	if me.Uid == "0" {
		// Where sshd locks itself in. Debian has the service make it, after each start of the
		// machine.
		ts.Check(os.MkdirAll("/run/sshd", 0o755))
	}
	hostKey := s.makeKey(ts, "host_key")
	s.write(ts, "authorized_keys", s.makeKey(ts, "client/id_ed25519"))
	s.makeKey(ts, "client/stranger")
	config := s.write(ts, "sshd_config", fmt.Sprintf(sshdConfig, port, s.dir, quoted(s.environ(ts))))
	sshd := program(ts, "sshd", "openssh-server")
	argv := []string{sshd, "-f", config, "-D", "-e"}
	// From 9.8 on sshd shuts out an address that fails to enter several times, as scripts do on
	// purpose.
	if _, err := output(environ(ts), sshd, "-f", config, "-t", "-o", "PerSourcePenalties=no"); err == nil {
		argv = append(argv, "-o", "PerSourcePenalties=no")
	}
	s.daemons = []daemon{{argv: argv, ready: listensOn(port)}}
	s.url = fmt.Sprintf("ssh://%s@127.0.0.1:%d%s", me.Username, port, base)

	client := filepath.Join(s.dir, "client")
	s.write(ts, "client/known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", port, hostKey))
	clientConfig := s.write(ts, "client/config", fmt.Sprintf(sshConfig, port, me.Username, client))
	_, err = gitIn(ts, ".", "config", "--global", "core.sshCommand", fmt.Sprintf("ssh -F '%s'", clientConfig))
	ts.Check(err)

	s.variables["SSHDHOSTKEY"] = strings.TrimSpace(hostKey)
	s.variables["SSHDPORT"] = strconv.Itoa(port)
	s.variables["SSHDKEY"] = filepath.Join(client, "id_ed25519")
	s.variables["SSHDSTRANGER"] = filepath.Join(client, "stranger")
	s.actions = map[string]func(*testscript.TestScript){"-rekey": s.rekey, "-plain": s.plain, "-ipv6": func(ts *testscript.TestScript) {
		here := fmt.Sprintf("ListenAddress 127.0.0.1:%d\n", port)
		port6 := s.listenOn6(ts, "sshd_config", here, here+"ListenAddress [::1]:%d\n")
		s.variables["SSHD6"] = fmt.Sprintf("ssh://%s@[::1]:%d%s", me.Username, port6, base)
	}}
}

// rekey starts the server again as another one would be: with a new host key, which the script's
// user has not heard of.
func (s *server) rekey(ts *testscript.TestScript) {
	s.stop()
	ts.Check(os.Remove(filepath.Join(s.dir, "host_key")))
	s.variables["SSHDHOSTKEY"] = strings.TrimSpace(s.makeKey(ts, "host_key"))
	s.start(ts)
}

// plain has ssh, under that name, know only what is in the script's own ~/.ssh. By itself it would
// read that of the user whom the password database tells of, whatever HOME is. What its caller says
// goes before all that.
func (s *server) plain(ts *testscript.TestScript) {
	_, err := gitIn(ts, ".", "config", "--global", "--unset", "core.sshCommand")
	ts.Check(err)
	ssh, err := lookPath("ssh", ts.Getenv("PATH"))
	ts.Check(err)
	config := s.write(ts, "client/plain", fmt.Sprintf(plainConfig, filepath.Join(ts.Getenv("HOME"), ".ssh")))
	wrapper := s.write(ts, "client/bin/ssh", fmt.Sprintf("#!/bin/sh\nexec '%s' -F '%s' \"$@\"\n", ssh, config))
	ts.Check(os.Chmod(wrapper, 0o700))
	ts.Setenv("PATH", filepath.Dir(wrapper)+":"+ts.Getenv("PATH"))
}

// plainConfig takes the folder .ssh.
const plainConfig = `Include "%[1]s/config"

Host *
	UserKnownHostsFile "%[1]s/known_hosts"
	GlobalKnownHostsFile /dev/null
`

// sshdConfig takes the port, the server's folder, and the environment of a session. StrictModes
// would refuse keys in a folder of /tmp, where everybody may write.
const sshdConfig = `ListenAddress 127.0.0.1:%[1]d
HostKey "%[2]s/host_key"
AuthorizedKeysFile "%[2]s/authorized_keys"
AuthenticationMethods publickey
StrictModes no
PidFile none
MaxStartups 1000
AcceptEnv GIT_PROTOCOL
SetEnv %[3]s
`

// sshConfig takes the port, the user and the client's folder. The host sshd is for URLs that cannot
// have a port: sshd:PATH.
const sshConfig = `Host sshd
	HostName 127.0.0.1
	Port %[1]d
	User %[2]s

Host *
	IdentityFile "%[3]s/id_ed25519"
	IdentitiesOnly yes
	UserKnownHostsFile "%[3]s/known_hosts"
	GlobalKnownHostsFile /dev/null
	StrictHostKeyChecking yes
	BatchMode yes
`

// makeKey makes a pair of keys in a file of the server and returns the public one.
func (s *server) makeKey(ts *testscript.TestScript, name string) string {
	file := filepath.Join(s.dir, name)
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o700))
	keygen := program(ts, "ssh-keygen", "openssh-client")
	_, err := output(environ(ts), keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file)
	ts.Check(err)
	return ts.ReadFile(file + ".pub")
}

// quoted is a list of words as sshd's config has it.
func quoted(words []string) string {
	quotes := make([]string, len(words))
	for i, word := range words {
		quotes[i] = strconv.Quote(word)
	}
	return strings.Join(quotes, " ")
}
