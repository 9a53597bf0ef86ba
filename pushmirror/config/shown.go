package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Shown has the settings of a remote, defaults included, for the JSON of a status, except for those
// that are elsewhere in it. It has no password, and nothing of a url. Lists are never null; of the
// others, null stands for what is not set.
type Shown struct {
	Tags            Tags     `json:"tags"`
	Prune           Prune    `json:"prune"`
	PruneLimit      int      `json:"prune_limit"`
	FollowRewrites  bool     `json:"follow_rewrites"`
	RefsPerPush     int      `json:"refs_per_push"`
	PushOptions     []string `json:"push_options"`
	LFS             LFS      `json:"lfs"`
	LFSURL          *string  `json:"lfs_url"`
	Timeout         string   `json:"timeout"`
	StallTimeout    string   `json:"stall_timeout"`
	RetryMin        string   `json:"retry_min"`
	RetryMax        string   `json:"retry_max"`
	FailAfter       string   `json:"fail_after"`
	MinInterval     string   `json:"min_interval"`
	Username        *string  `json:"username"`
	PasswordFile    *string  `json:"password_file"`
	PasswordCommand []string `json:"password_command"`
	SSHKey          *string  `json:"ssh_key"`
	KnownHosts      *string  `json:"known_hosts"`
	CAFile          *string  `json:"ca_file"`
	ClientCert      *string  `json:"client_cert"`
	ClientKey       *string  `json:"client_key"`
}

// Shown gives what may be shown of a remote.
func (r Remote) Shown() Shown {
	shown := Shown{
		Tags: r.Tags, Prune: r.Prune, PruneLimit: r.PruneLimit, FollowRewrites: r.FollowRewrites, RefsPerPush: r.RefsPerPush,
		PushOptions: append([]string{}, r.PushOptions...), LFS: r.LFS, LFSURL: given(r.LFSURL.String()),
		Timeout: short(r.Timeout), StallTimeout: short(r.StallTimeout), RetryMin: short(r.RetryMin), RetryMax: short(r.RetryMax),
		FailAfter: short(r.FailAfter), MinInterval: short(r.MinInterval),
		PasswordFile: given(r.Login.PasswordFile), PasswordCommand: append([]string{}, r.Login.PasswordCommand...),
		SSHKey: given(r.SSHKey), KnownHosts: given(r.KnownHosts), CAFile: given(r.CAFile), ClientCert: given(r.ClientCert), ClientKey: given(r.ClientKey),
	}
	if !r.URL.HasUserinfo() { // where the user may be a token
		shown.Username = given(r.Login.Username)
	}
	return shown
}

// given is a text, or nil for none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// short writes a length of time as people do: "3h", not "3h0m0s".
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// asTOML writes a default; "" for none.
func asTOML(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case bool, int:
		return fmt.Sprint(value)
	case time.Duration:
		return strconv.Quote(short(value))
	default:
		return fmt.Sprintf("%q", value)
	}
}
