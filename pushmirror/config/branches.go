package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// BranchFilter says which branches a remote gets. The zero value lets none
// through, so a filter that was forgotten publishes nothing.
type BranchFilter struct {
	all      bool
	patterns []string
	regex    *regexp.Regexp
}

// AllBranches is the filter that lets every branch through.
func AllBranches() BranchFilter {
	return BranchFilter{all: true}
}

// PatternFilter lets the branches through that match a pattern of protected_branches.
func PatternFilter(pattern string) BranchFilter {
	return BranchFilter{patterns: []string{pattern}}
}

// All reports whether there is nothing to filter.
func (f BranchFilter) All() bool {
	return f.all
}

// Match reports whether the filter lets a branch through. The branch is named
// without refs/heads/, in the bytes that git uses, which need not be UTF-8.
func (f BranchFilter) Match(branch string) bool {
	switch {
	case f.all:
		return true
	case f.regex != nil:
		return f.regex.MatchString(branch)
	default:
		return matchAny(f.patterns, branch)
	}
}

// branchRegex is a mirror_branch_regex.
type branchRegex struct {
	text  string // as it was written
	whole *regexp.Regexp
}

func parseBranchRegex(text string) (branchRegex, error) {
	// The bare expression goes first: what is unbalanced alone must not become
	// balanced by what is put around it.
	if _, err := regexp.Compile(text); err != nil {
		return branchRegex{}, err
	}
	whole, err := regexp.Compile(`(?s)^(?:` + text + `)$`)
	if err != nil {
		return branchRegex{}, err
	}
	return branchRegex{text: text, whole: whole}, nil
}

// noBranch reports whether git allows no branch that a pattern could match, as
// git-check-ref-format(1) says. It mostly finds patterns that were written as folders, globs or
// regular expressions.
func noBranch(pattern string) bool {
	inSlashes := "/" + pattern + "/"
	never := func(part string) bool { return strings.Contains(inSlashes, part) }
	return strings.ContainsAny(pattern, ` ~^:?[\`) || strings.ContainsFunc(pattern, unicode.IsControl) ||
		strings.HasSuffix(pattern, ".") || slices.ContainsFunc([]string{"//", "/.", "..", "@{", ".lock/"}, never)
}
