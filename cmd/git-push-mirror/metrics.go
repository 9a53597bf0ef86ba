package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/state"
)

// The metrics are in Prometheus' text format, for the textfile collector of node_exporter:
// https://prometheus.io/docs/instrumenting/exposition_formats/. Moments are given, not ages:
// the file is read again until the next one is written. What never happened is left out, except
// a success, so that an alert on its age is raised for a mirror that never had one.

// sample is a value of a metric, with labels besides the repository and the remote.
type sample struct {
	label, of string
	value     float64
}

// metric is what is measured of each remote.
type metric struct {
	name, help string
	samples    func(s pushmirror.Status) []sample
}

var metrics = []metric{
	{"status", "How the remote stands: 1 for its status, 0 for all others.", func(s pushmirror.Status) []sample {
		var samples []sample
		for _, each := range states {
			samples = append(samples, sample{"status", each, truth(each == stateOf(s))})
		}
		return samples
	}},
	{"last_success_timestamp_seconds", "When the mirror was last brought up to date; 0 if never.", func(s pushmirror.Status) []sample {
		return []sample{{value: max(0, seconds(s.SucceededAt))}}
	}},
	{"last_attempt_timestamp_seconds", "When the last update began.", func(s pushmirror.Status) []sample { return moment(s.StartedAt) }},
	{"last_update_duration_seconds", "How long the last update that has ended took.", func(s pushmirror.Status) []sample {
		if s.UpdatedAt.IsZero() || s.UpdatedAt.Before(s.StartedAt.Time) {
			return nil
		}
		return []sample{{value: s.UpdatedAt.Sub(s.StartedAt.Time).Seconds()}}
	}},
	{"attempts", "Updates in a row that failed for a temporary reason.", func(s pushmirror.Status) []sample { return number(s.Attempts) }},
	{"pending_refs", "Branches and tags that wait to be mirrored.", func(s pushmirror.Status) []sample { return number(len(s.Pending)) }},
	{"divergent_refs", "Branches and tags that have diverged and are not mirrored.", func(s pushmirror.Status) []sample { return number(len(s.Divergent)) }},
	{"rejected_refs", "Branches and tags that the mirror refuses.", func(s pushmirror.Status) []sample { return number(len(s.Rejected)) }},
	{"behind_since_timestamp_seconds", "Since when the mirror lacks something.", func(s pushmirror.Status) []sample { return moment(s.BehindSince()) }},
}

func number(n int) []sample { return []sample{{value: float64(n)}} }

func moment(t state.Time) []sample {
	if t.IsZero() {
		return nil
	}
	return []sample{{value: seconds(t)}}
}

func seconds(t state.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// printMetrics writes the metrics of the remotes.
func printMetrics(w io.Writer, statuses []pushmirror.Status) error {
	var b strings.Builder
	for _, m := range metrics {
		name := "git_push_mirror_" + m.name
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s gauge\n", name, m.help, name)
		for _, s := range statuses {
			if !s.Enabled && m.name != "status" {
				continue // or it would be in every alert
			}
			for _, each := range m.samples(s) {
				labels := label("repository", s.Repository) + "," + label("remote", s.Name)
				if each.label != "" {
					labels += "," + label(each.label, each.of)
				}
				fmt.Fprintf(&b, "%s{%s} %s\n", name, labels, strconv.FormatFloat(each.value, 'f', -1, 64))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// label is one as it is written. A value has to be UTF-8, which a path need not be.
func label(name, value string) string {
	if !utf8.ValidString(value) {
		value = strconv.QuoteToASCII(value)
	}
	return name + `="` + labelEscapes.Replace(value) + `"`
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
