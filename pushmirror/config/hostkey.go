package config

import (
	"encoding/base64"
	"strings"
	"unicode"
)

// hostKey is a key of an ssh host, as it stands in a known_hosts file or alone.
type hostKey struct {
	marker string // "@cert-authority" or ""
	hosts  string // as known_hosts has them; "" if not given
	key    string // "TYPE BASE64"
}

func (k hostKey) isFor(u URL) bool {
	host, port := splitPort(u.Host())
	names := []string{host, "[" + host + "]:" + port}
	for glob := range strings.SplitSeq(k.hosts, ",") {
		if matchAny([]string{glob}, names...) {
			return true
		}
	}
	return false
}

// setHostKeys keeps of each host key what is the same for all hosts.
func (r *Remote) setHostKeys(t *table) {
	for _, key := range get[[]hostKey](settings{t}, "host_keys") {
		if key.hosts != "" && !strings.HasPrefix(key.hosts, "|") && !key.isFor(r.URL) {
			t.fault("host_keys", complaint("host_keys has a line for another host than the url's", "give the keys of "+r.URL.Host()))
			return
		}
		r.HostKeys = append(r.HostKeys, strings.TrimSpace(key.marker+" "+key.key))
	}
}

// splitPort splits HOST[:PORT], where an IPv6 address stands in brackets.
func splitPort(address string) (host, port string) {
	host, port = address, "22"
	if i := strings.LastIndexByte(address, ':'); i > strings.LastIndexByte(address, ']') {
		host, port = address[:i], address[i+1:]
	}
	return strings.Trim(host, "[]"), port
}

// hostKeys takes keys of ssh hosts, alone or as lines of a known_hosts file (sshd(8)).
func hostKeys(name string, value any) (any, *Error) {
	list, err := texts(name, value)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, complaint(name+" is empty, so no host would be trusted", "")
	}
	keys := make([]hostKey, 0, len(list))
	for _, text := range list {
		key, ok := parseHostKey(text)
		if !ok {
			return nil, complaint(name+" has a line in it that is no key of a host", "")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseHostKey(text string) (hostKey, bool) {
	var k hostKey
	if strings.ContainsFunc(text, unicode.IsControl) {
		return k, false
	}
	fields := strings.Fields(text)
	if len(fields) > 0 && fields[0] == "@cert-authority" {
		k.marker, fields = fields[0], fields[1:]
	}
	isType := func(s string) bool {
		return strings.HasPrefix(s, "ssh-") || strings.HasPrefix(s, "ecdsa-") || strings.HasPrefix(s, "sk-")
	}
	if len(fields) > 2 && !isType(fields[0]) {
		k.hosts, fields = fields[0], fields[1:]
	}
	if len(fields) < 2 || !isType(fields[0]) {
		return k, false
	}
	if _, err := base64.StdEncoding.DecodeString(fields[1]); err != nil || len(fields[1]) < 40 {
		return k, false
	}
	k.key = fields[0] + " " + fields[1]
	return k, true
}
