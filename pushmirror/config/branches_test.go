package config

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"main", "main", true},
		{"main", "Main", false},
		{"main", "main2", false},
		{"main", "a/main", false},
		{"*", "", true},
		{"*", "a/b/c", true},
		{"release/*", "release/1/2", true},
		{"release/*", "release/", true},
		{"release/*", "release", false},
		{"*/fix", "a/b/fix", true},
		{"*/fix", "fix", false},
		{"*/fix", "a/fix/b", false},
		{"a*b*c", "abc", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "acb", false},
		{"ab*ba", "aba", false},
		{"**", "x", true},
		{"a.c", "abc", false},
		{"a?c", "abc", false},
		{"caf\xe9*", "caf\xe9-1", true},
		{"", "", true},
		{"", "x", false},
	} {
		if got := pattern(test.pattern).match(test.name); got != test.want {
			t.Errorf("%q matches %q: %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

const protectedList = "protected_branches = ['main', 'release/*']\n"

var branchFilters = []struct {
	name, top, keys string
	through, back   []string
	only, all       bool
	tags            Tags
}{
	{
		name:    "without any filter all branches go",
		through: []string{"main", "x/y", "caf\xe9"}, all: true, tags: TagsAll,
	},
	{
		name: "protected branches are a filter", top: protectedList,
		through: []string{"main", "release/1"}, back: []string{"mainline", "feature", "Main"},
		only: true, tags: TagsReachable,
	},
	{
		name: "a filter can be asked for", top: protectedList, keys: "only_protected_branches = true",
		through: []string{"main"}, back: []string{"feature"}, only: true, tags: TagsReachable,
	},
	{
		name: "a filter can be declined", top: protectedList, keys: "only_protected_branches = false",
		through: []string{"main", "feature"}, all: true, tags: TagsAll,
	},
	{
		name: "a filter can be declined without a list", keys: "only_protected_branches = false",
		through: []string{"feature"}, all: true, tags: TagsAll,
	},
	{
		name: "a regex is a filter instead of the list",
		top:  protectedList, keys: "mirror_branch_regex = 'feature/.|x'",
		through: []string{"feature/1", "x"}, back: []string{"feature/12", "main", "xx", "afeature/1"},
		tags: TagsReachable,
	},
	{
		name:    "a regex with only_protected_branches off",
		keys:    "mirror_branch_regex = 'x'\nonly_protected_branches = false",
		through: []string{"x"}, back: []string{"y"}, tags: TagsReachable,
	},
	{
		name: "a regex has the whole of RE2", keys: `mirror_branch_regex = '(?i)^MAIN$|a.c|v[0-9]+(\.x)?'`,
		through: []string{"main", "a\xe9c", "a\nc", "v10.x"}, back: []string{"main\n", "v10."}, tags: TagsReachable,
	},
	{
		name: "tags can be had with a filter", top: protectedList, keys: "tags = 'all'",
		through: []string{"main"}, back: []string{"x"}, only: true, tags: TagsAll,
	},
}

func TestBranchFilters(t *testing.T) {
	for _, test := range branchFilters {
		t.Run(test.name, func(t *testing.T) {
			r := loadOwn(t, test.top+remote("one", "/1")+test.keys).Remotes[0]
			if r.OnlyProtectedBranches != test.only || r.Branches.All() != test.all || r.Tags != test.tags {
				t.Errorf("only %v, all %v, tags %s", r.OnlyProtectedBranches, r.Branches.All(), r.Tags)
			}
			for _, branch := range test.through {
				if !r.Branches.Match(branch) {
					t.Errorf("%q is kept back", branch)
				}
			}
			for _, branch := range test.back {
				if r.Branches.Match(branch) {
					t.Errorf("%q is let through", branch)
				}
			}
		})
	}
}

func TestAForgottenFilterLetsNothingThrough(t *testing.T) {
	if f := (BranchFilter{}); f.All() || f.Match("main") || f.Match("") {
		t.Error("the zero filter lets something through")
	}
}

func TestAnUnbalancedRegexIsRefused(t *testing.T) {
	for _, text := range []string{"a)|(b", "(", `\Qa`, "x(?=y)", "["} {
		if r, err := parseBranchRegex(text); err == nil {
			t.Errorf("%q is taken as %v", text, r.whole)
		}
	}
}

func TestAPatternThatNoBranchCanMatchIsRefused(t *testing.T) {
	for _, pattern := range []string{
		"release/", "*/", "/main", "a//b", ".*", "release/.*", "main.", "*.", "main..", "main.lock", "*.lock", "a.lock/*", "x@{1}", "ma?n", "a\x7f",
	} {
		if !noBranch(pattern) {
			t.Errorf("%q is taken", pattern)
		}
	}
	for _, pattern := range []string{
		"*", "release/*", "*/fix", "a.b", "a./*", "main.*", "main.lock*", "main.locks", "@", "a@b", "-x", "refs/heads/main", "a{b", "caf\u00e9", "a*/*b",
	} {
		if noBranch(pattern) {
			t.Errorf("%q is refused", pattern)
		}
	}
}

func TestPrune(t *testing.T) {
	for keys, want := range map[string]Prune{
		"":                            PruneNever,
		"keep_divergent_refs = false": PruneMerged,
		"prune = 'merged'":            PruneMerged,
		"keep_divergent_refs = false\nprune = 'never'": PruneNever,
		"keep_divergent_refs = false\nprune = 'all'":   PruneAll,
	} {
		if got := loadOwn(t, remote("one", "/1")+keys).Remotes[0].Prune; got != want {
			t.Errorf("with %q, prune is %s, want %s", keys, got, want)
		}
	}
}

// slowMatch is what a pattern means, as plainly as it can be said.
func slowMatch(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	if pattern[0] == '*' {
		return slowMatch(pattern[1:], name) || name != "" && slowMatch(pattern, name[1:])
	}
	return name != "" && pattern[0] == name[0] && slowMatch(pattern[1:], name[1:])
}

func FuzzPattern(f *testing.F) {
	f.Add("release/*", "release/1")
	f.Add("a*b*c", "aXbYbZc")
	f.Add("**a", "aa")
	f.Fuzz(func(t *testing.T, p, name string) {
		if len(name) > 40 || strings.Count(p, "*") > 4 {
			return // the plain way takes too long
		}
		if got, want := pattern(p).match(name), slowMatch(p, name); got != want {
			t.Errorf("%q matches %q: %v, want %v", p, name, got, want)
		}
	})
}
