package git

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// connecting reports whether a process of the session waits for a TCP connection to come
// about. None of git, curl and git's own protocol has a time limit for that which could be
// set, so the kernel is asked: proc_pid_stat(5) has the session, proc_net_tcp(5) the
// sockets.
func connecting(session int) bool {
	waiting := socketsInSYNSent()
	if len(waiting) == 0 {
		return false
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		if sessionOf(stat) != session {
			continue
		}
		descriptors, _ := filepath.Glob(filepath.Join(filepath.Dir(stat), "fd/*"))
		for _, descriptor := range descriptors {
			if target, err := os.Readlink(descriptor); err == nil && waiting[target] {
				return true
			}
		}
	}
	return false
}

// sessionOf reads the session from a process's stat file; 0 if the process is gone.
func sessionOf(stat string) int {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0
	}
	// The second field is a name in brackets, which may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 4 {
		return 0
	}
	session, _ := strconv.Atoi(fields[3])
	return session
}

// socketsInSYNSent are the sockets that wait for an answer to their first packet, as links
// to them read.
func socketsInSYNSent() map[string]bool {
	const stateSYNSent, state, inode = "02", 3, 9
	found := map[string]bool{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) > inode && fields[state] == stateSYNSent {
				found["socket:["+fields[inode]+"]"] = true
			}
		}
	}
	return found
}
