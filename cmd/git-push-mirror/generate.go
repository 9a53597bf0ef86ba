package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror/config"
)

// manual has the templates of the files that generate writes. What is between << and >> is
// filled in; all else is written by hand.
//
//go:embed manual
var manual embed.FS

// generated tells which template each file is made from.
var generated = []struct{ file, template string }{
	{"man/git-push-mirror.1", "git-push-mirror.1"},
	{"man/push-mirror.toml.5", "push-mirror.toml.5"},
	{"completions/git-push-mirror.bash", "completion.bash"},
	{"completions/_git-push-mirror", "completion.zsh"},
	{"completions/git-push-mirror.fish", "completion.fish"},
}

// generateCommand writes what is installed beside the program and has to agree with it.
func (inv invocation) generateCommand() *cli.Command {
	return &cli.Command{
		Name:         "generate",
		Usage:        "write the man pages and the completions into a directory",
		ArgsUsage:    "DIR",
		Hidden:       true,
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usageError{fmt.Errorf("generate takes one directory"), "git-push-mirror generate DIR"}
			}
			return generate(c.App, inv.path(c.Args().First()))
		},
	}
}

// generate writes the man pages and completions of an app below a directory.
func generate(app *cli.App, dir string) error {
	for _, g := range generated {
		text, err := fillIn(g.template, described{
			Means: app.Usage, Options: options(app.Flags), Verbs: verbsOf("", app.Commands), Tables: describedTables(),
		})
		if err != nil {
			return fmt.Errorf("making %s: %w", g.file, err)
		}
		file := filepath.Join(dir, g.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("writing the manual: %w", err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("writing the manual: %w", err)
		}
	}
	return nil
}

// described is what the templates know.
type described struct {
	Means   string
	Options []option
	Verbs   []verb
	Tables  []describedTable
}

// A describedTable is a table of the configuration with its keys. A key that may stand in
// [defaults] is described where it counts.
type describedTable struct {
	Header string // "" for the top of a file
	System bool   // all its keys are allowed in the system file only
	Keys   []config.Key
}

const defaultsHeader = "[defaults]"

func describedTables() []describedTable {
	var tables []describedTable
	for _, header := range config.Headers() {
		t := describedTable{Header: header, System: true}
		for _, key := range config.Keys() {
			if key.Headers[len(key.Headers)-1] == header {
				t.Keys = append(t.Keys, key)
				t.System = t.System && key.System
			}
		}
		if header != defaultsHeader {
			tables = append(tables, t)
		}
	}
	return tables
}

// fillIn fills in a template.
func fillIn(name string, d described) ([]byte, error) {
	t := template.New(name).Delims("<<", ">>")
	t.Funcs(template.FuncMap{
		"roff": roff, "roffFlag": roffFlag, "roffLine": roffLine, "roffQuoted": roffQuoted, "sentence": sentence, "quoted": singleQuoted,
		"inDefaults": func(k config.Key) bool { return k.Headers[0] == defaultsHeader },
		"names": func(verbs []verb) string {
			var names []string
			for _, v := range verbs {
				names = append(names, lastWord(v.Name))
			}
			return strings.Join(names, " ")
		},
		"flags": func(options []option) string {
			var flags []string
			for _, o := range append(options[:len(options):len(options)], helpOption) {
				flags = append(flags, o.Name)
			}
			return strings.Join(flags, " ")
		},
		"lastWord":   lastWord,
		"trimDashes": func(flag string) string { return strings.TrimLeft(flag, "-") },
		"identifier": func(words string) string { return strings.ReplaceAll(words, " ", "-") },
		"takes":      takes,
		"takesKeys":  takesKeys,
		"beforeKeys": beforeKeys,
		"refFlag":    refFlag,
		"keys":       func() string { return strings.Join(argumentKeys(), " ") },
		// note is the template "note KEY", for what the table of keys does not tell.
		"note": func(key string) (string, error) {
			note := t.Lookup("note " + key)
			if note == nil {
				return "", nil
			}
			var b strings.Builder
			err := note.Execute(&b, nil)
			return strings.TrimLeft(b.String(), "\n"), err
		},
	})
	if _, err := t.ParseFS(manual, "manual/"+name); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, err
	}
	if strings.HasPrefix(b.String(), `.\"`) {
		return []byte(folded(b.String())), nil
	}
	return b.Bytes(), nil
}

// folded breaks the text of a man page into lines of at most 80 columns, with each sentence
// on a line of its own, as mdoc(7) wants it, and leaves empty lines out. Macros and literal
// blocks stay as they are.
func folded(page string) string {
	var b strings.Builder
	literal := false
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		literal = literal && line != ".Ed" || strings.HasPrefix(line, ".Bd -literal")
		if literal || strings.HasPrefix(line, ".") {
			b.WriteString(line + "\n")
			continue
		}
		length := 0
		ended := false
		for word := range strings.FieldsSeq(line) {
			switch {
			case length == 0:
			case ended && word[0] >= 'A' && word[0] <= 'Z', length+len(" ")+len(word) > 80:
				b.WriteByte('\n')
				length = 0
			default:
				b.WriteByte(' ')
				length++
			}
			// In front of these, a line would be one for roff.
			if length == 0 && (word[0] == '.' || word[0] == '\'') {
				word = `\&` + word
			}
			b.WriteString(word)
			length += len(word)
			ended = strings.HasSuffix(word, ".")
		}
		if length > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// takes is what a completion can offer for the arguments of a command.
func takes(v verb) string {
	for _, what := range []string{"REMOTE", "DIR"} {
		if strings.Contains(v.Args, what) {
			return what
		}
	}
	return "NOTHING"
}

// takesKeys reports whether a command takes KEY=VALUE.
func takesKeys(v verb) bool { return strings.Contains(v.Args, "KEY=VALUE") }

// beforeKeys is how many arguments come before the first KEY=VALUE.
func beforeKeys(v verb) int {
	before, _, _ := strings.Cut(v.Args, "KEY=VALUE")
	return len(strings.FieldsFunc(before, func(r rune) bool { return strings.ContainsRune("[] ", r) }))
}

// refFlag is the flag after which a command takes refs in place of its arguments; "" if it has
// none.
func refFlag(v verb) string {
	for _, o := range v.Options {
		if o.Value == "REF" {
			return o.Name
		}
	}
	return ""
}

// argumentKeys are the keys that may be set by an argument, each with the = that follows it.
func argumentKeys() []string {
	var keys []string
	for _, key := range config.Keys() {
		if slices.Contains(key.Headers, remoteHeader) && !key.System && key.Name != "name" && key.Name != "password" {
			keys = append(keys, key.Name+"=")
		}
	}
	return keys
}

func lastWord(words string) string {
	return words[strings.LastIndex(words, " ")+1:]
}

// sentence makes a sentence of the words that a help or a table has.
func sentence(words string) string {
	return strings.ToUpper(words[:1]) + words[1:] + "."
}

// roff is a text that mdoc(7) takes as it is, in a line of its own or as the one argument
// of a macro.
func roff(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\':
			b.WriteString(`\e`)
		case r == '"':
			b.WriteString(`\(dq`)
		case r == '…':
			b.WriteString("...")
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return `\&` + b.String()
}

// roffQuoted is one argument of a macro, with the spaces in it.
func roffQuoted(text string) string { return `"` + roff(text) + `"` }

// roffFlag is a flag with what it takes, as the macro Fl takes them.
func roffFlag(o option) string {
	name := strings.TrimPrefix(o.Name, "-")
	if o.Value != "" {
		name += " Ar " + roff(o.Value)
	}
	return name
}

// roffLine writes what a command takes, as "[NAME URL]", in a line of mdoc(7).
func roffLine(args string) string {
	args = strings.NewReplacer("[", " Oo ", "]", " Oc ", "…", " ... ").Replace(args)
	words := strings.Fields(args)
	for i, word := range words {
		if word != "Oo" && word != "Oc" && word != "..." {
			words[i] = "Ar " + word
		}
	}
	return "." + strings.Join(words, " ")
}

// singleQuoted is one word for a shell; fish reads the text of a completion that way too.
func singleQuoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
