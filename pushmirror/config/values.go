package config

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// parser turns a decoded TOML value into the value of the key of that name. A
// complaint without a hint gets one from the schema.
type parser func(name string, value any) (any, *Error)

// wrongType complains about a value that is not of the expected form.
func wrongType(name, form string, value any) *Error {
	return complaint(fmt.Sprintf("%s must be %s, not %s", name, form, typeOf(value)), "")
}

func typeOf(value any) string {
	switch value := value.(type) {
	case string:
		return "a string"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return strconv.FormatBool(value)
	case time.Time:
		return "a date or time of day"
	case []any:
		return "a list"
	default:
		return "a table"
	}
}

func truth(name string, value any) (any, *Error) {
	v, ok := value.(bool)
	if !ok {
		return nil, wrongType(name, "true or false without quotes", value)
	}
	return v, nil
}

// count takes a number from least on.
func count(least int64) parser {
	return func(name string, value any) (any, *Error) {
		v, ok := value.(int64)
		if !ok {
			return nil, wrongType(name, "a whole number without quotes", value)
		}
		if v < least || v > math.MaxInt32 {
			return nil, complaint(fmt.Sprintf("%s is %d, but must be from %d to %d", name, v, least, math.MaxInt32), "")
		}
		return int(v), nil
	}
}

func duration(name string, value any) (any, *Error) {
	d, err := durationOrNone(name, value)
	if err == nil && d == time.Duration(0) {
		return nil, complaint(fmt.Sprintf("%s is %s, but must be longer than nothing", name, quote(value.(string))), "")
	}
	return d, err
}

// durationOrNone takes a length of time that may be nothing.
func durationOrNone(name string, value any) (any, *Error) {
	text, ok := value.(string)
	if !ok {
		return nil, wrongType(name, "a length of time in quotes", value)
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil && lengthOfTime().MatchString(text):
		return nil, complaint(fmt.Sprintf("%s is %s, which is too long", name, quote(text)), `the longest is "2562047h", 292 years`)
	case err != nil:
		return nil, complaint(fmt.Sprintf("%s is %s, which is no length of time", name, quote(text)),
			`write numbers with h, m or s, such as "3h", "90s" or "1h30m"`)
	case d < 0:
		return nil, complaint(fmt.Sprintf("%s is %s, but cannot be less than nothing", name, quote(text)), "")
	}
	return d, nil
}

// lengthOfTime is how one is written, be it longer than a time.Duration can be.
var lengthOfTime = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[-+]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$`)
})

// fromString is the parser of a string that parse turns into a value.
func fromString(parse func(name, text string) (any, *Error)) parser {
	return func(name string, value any) (any, *Error) {
		text, ok := value.(string)
		if !ok {
			return nil, wrongType(name, "a string", value)
		}
		return parse(name, text)
	}
}

// oneLine takes a text that fits into a line of its own.
func oneLine(name, text string) (any, *Error) {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return nil, complaint(name+" has a line end or a control character in it", "write it in one line")
	}
	return text, nil
}

func choice[T ~string](values ...T) parser {
	return fromString(func(name, text string) (any, *Error) {
		quoted, plain := make([]string, len(values)), make([]string, len(values))
		for i, v := range values {
			if string(v) == text {
				return v, nil
			}
			quoted[i], plain[i] = fmt.Sprintf("%q", v), string(v)
		}
		hint := "write one of " + strings.Join(quoted, ", ")
		if meant := Nearest(text, plain); meant != "" {
			hint = fmt.Sprintf("did you mean %q? There are %s", meant, strings.Join(quoted, ", "))
		}
		return nil, complaint(fmt.Sprintf("%s cannot be %s", name, quote(text)), hint)
	})
}

// texts returns the strings of a list.
func texts(name string, value any) ([]string, *Error) {
	items, ok := value.([]any)
	if !ok {
		return nil, wrongType(name, "a list of strings", value)
	}
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.(string); !ok {
			return nil, complaint(fmt.Sprintf("%s must be a list of strings, but has %s in it", name, typeOf(item)), "")
		}
	}
	return list, nil
}

// patterns returns the patterns of a list.
func patterns(name string, value any) ([]string, *Error) {
	list, err := texts(name, value)
	if err == nil && slices.Contains(list, "") {
		err = complaint(name+" has an empty string in it, which matches nothing", `"*" matches everything`)
	}
	return list, err
}

// filter returns the patterns of a list that may not be empty: it would match
// nothing, but look like no limit at all.
func filter(name string, value any) ([]string, *Error) {
	list, err := patterns(name, value)
	if err == nil && len(list) == 0 {
		err = complaint(name+" is an empty list, which matches nothing",
			`write ["*"] if you mean all, or take the key out`)
	}
	return list, err
}

func branchPatterns(name string, value any) (any, *Error) {
	list, err := filter(name, value)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, noBranch); i >= 0 {
		return nil, complaint(fmt.Sprintf("%s has %s in it, and no branch can have such a name", name, quote(list[i])),
			`* is the only character with a meaning of its own, as in "release/*"; all others stand for themselves`)
	}
	return list, nil
}

func repositoryPatterns(name string, value any) (any, *Error) {
	if list, ok := value.([]any); ok && len(list) == 0 {
		return nil, complaint(name+" is an empty list, which matches nothing", `write ["*"] for all below root, or take the remote out`)
	}
	return pathPatterns(name, value)
}

func pathPatterns(name string, value any) (any, *Error) {
	list, err := patterns(name, value)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if strings.HasPrefix(p, "/") {
			return nil, complaint(
				fmt.Sprintf("%s has %s in it, but paths below root begin without a /", name, quote(p)),
				"take root and the / after it out of the pattern")
		}
	}
	return list, nil
}

func regex(name, text string) (any, *Error) {
	if text == "" {
		return nil, complaint(name+" is empty, which matches no branch",
			`write ".*" if you mean all, or take the key out`)
	}
	r, err := parseBranchRegex(text)
	if err != nil {
		return nil, complaint(name+" is no regular expression: "+regexProblem(err),
			"the syntax is RE2's, which has no look-ahead, look-behind or back-references: "+
				"https://github.com/google/re2/wiki/Syntax")
	}
	return r, nil
}

// regexProblem leaves out the part of the expression that err quotes, since
// that may be anything.
func regexProblem(err error) string {
	if s, ok := errors.AsType[*syntax.Error](err); ok {
		return s.Code.String()
	}
	return "it cannot be read"
}

func pushOptions(name string, value any) (any, *Error) {
	list, err := texts(name, value)
	if err != nil {
		return nil, err
	}
	for _, option := range list {
		if strings.ContainsAny(option, "\n\x00") {
			return nil, complaint(name+" has a line end or a NUL in it, which git cannot send",
				"write each option as a string of its own")
		}
	}
	return list, nil
}

// command takes a program by its absolute path, with its arguments: whose PATH would find
// it depends on who runs us.
func command(name string, value any) (any, *Error) {
	argv, err := texts(name, value)
	if err != nil {
		return nil, err
	}
	if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
		return nil, complaint(name+" does not begin with the absolute path of a program", `write for example ["/bin/sh", "-c", "…"]`)
	}
	for _, arg := range argv {
		if strings.Contains(arg, "\x00") {
			return nil, complaint(name+" has a NUL in it, which no program can be given", "take it out")
		}
	}
	return argv, nil
}

// logOutput takes a file, or one of the names for what is none.
func logOutput(name string, value any) (any, *Error) {
	if value == OutputStderr || value == OutputJournal {
		return value, nil
	}
	path, err := fromString(absolutePath)(name, value)
	if err != nil {
		return nil, complaint(name+" is neither stderr nor journal nor the absolute path of a file", "write one of them, in quotes")
	}
	return path, nil
}

func absolutePath(name, text string) (any, *Error) {
	if !filepath.IsAbs(text) || strings.Contains(text, "\x00") {
		return nil, complaint(fmt.Sprintf("%s is %s, which is not an absolute path", name, quote(text)), "")
	}
	return filepath.Clean(text), nil
}

const longestName = 64

// remoteName keeps to names that can be a file, a git remote and an argument,
// and that cannot be mistaken for an option or a way out of a folder.
func remoteName(name, text string) (any, *Error) {
	const hint = "names have letters, digits, ., _ and -, and begin with a letter or digit"
	if text == "" {
		return nil, complaint(name+" is empty", hint)
	}
	problem := ""
	switch {
	case len(text) > longestName:
		problem = fmt.Sprintf("is longer than %d characters", longestName)
	case strings.ContainsFunc(text, notInName):
		problem = "has a character in it that is no letter, digit, ., _ or -"
	case strings.ContainsAny(text[:1], "._-"):
		problem = "begins with neither a letter nor a digit"
	case strings.Contains(text, ".."):
		problem = "has .. in it"
	case strings.HasSuffix(text, "."), strings.HasSuffix(text, ".lock"):
		problem = "ends in . or .lock"
	default:
		return text, nil
	}
	return nil, complaint(fmt.Sprintf("%s %s %s", name, quote(text), problem), hint)
}

func notInName(r rune) bool {
	return r >= utf8.RuneSelf || !isBare(byte(r)) && r != '.'
}

func remoteURL(_, text string) (any, *Error) {
	u, err := parseURL(text)
	if err != nil {
		return nil, err
	}
	return u, nil
}

// lfsURL takes where git-lfs can upload to. Who logs in there is said elsewhere.
func lfsURL(name, text string) (any, *Error) {
	u, err := parseURL(text)
	switch {
	case err != nil:
		err.Message = name + ": " + err.Message
		return nil, err
	case u.HasUserinfo():
		return nil, complaint(name+" has a user in it", "take it out: on the host of url the same user logs in, elsewhere whom git's credential helpers know")
	case u.Scheme() == "git":
		return nil, complaint(name+" begins with git://, which carries no large files", "write https://HOST/PATH, as the server's manual has it")
	}
	return u, nil
}

// hostPatterns takes patterns of hosts, which are in lower-case letters.
func hostPatterns(name string, value any) (any, *Error) {
	list, err := texts(name, value)
	if err != nil {
		return nil, err
	}
	for i, host := range list {
		if host == "" || strings.ContainsAny(host, "/@ ") || strings.ContainsFunc(host, unicode.IsControl) {
			return nil, complaint(fmt.Sprintf("%s has %s in it, which is no host", name, quote(host)), "")
		}
		list[i] = strings.ToLower(host)
	}
	return list, nil
}
