package config

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	candidates := []string{"name", "url", "tags", "prune", "prune_limit", "keep_divergent_refs"}
	for name, want := range map[string]string{
		"name":                     "name",
		"naem":                     "name",
		"Name":                     "name",
		"ulr":                      "url",
		"tag":                      "tags",
		"prune-limit":              "prune_limit",
		"keep_diverged_refs":       "keep_divergent_refs",
		"user":                     "",
		"password":                 "",
		"":                         "",
		strings.Repeat("u", 1<<20): "",
	} {
		if got := Nearest(name, candidates); got != want {
			t.Errorf("nearest to %.20q is %q, want %q", name, got, want)
		}
	}
}
