package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// The help is short: it fits a terminal of 80 columns and 24 lines. What takes longer to
// tell is in the manual, which generate makes from the same descriptions.

// helpWidth leaves a terminal's last column free.
const helpWidth = 79

// An option is a flag as people see it.
type option struct {
	Name  string // with its dashes
	Value string // what it takes; "" for nothing
	Means string
}

// A verb is a command as people see it.
type verb struct {
	Name    string // as in "remote add", after the program's
	Means   string
	Args    string // as in "[REMOTE…]"
	More    string // sentences
	Options []option
	Verbs   []verb // the commands that it is made of, if it does nothing by itself
}

var helpOption = option{Name: "-h", Means: "show this help"}

// verbOf describes a command that is called by that name.
func verbOf(name string, c *cli.Command) verb {
	v := verb{
		Name: name, Means: c.Usage, Args: c.ArgsUsage,
		More:    strings.Join(strings.Fields(c.Description), " "),
		Options: options(c.VisibleFlags()),
	}
	v.Verbs = verbsOf(name+" ", c.Subcommands)
	return v
}

// verbsOf describes the commands that are shown to people.
func verbsOf(prefix string, commands []*cli.Command) []verb {
	var verbs []verb
	for _, c := range commands {
		if !c.Hidden {
			verbs = append(verbs, verbOf(prefix+c.Name, c))
		}
	}
	return verbs
}

func options(flags []cli.Flag) []option {
	var all []option
	for _, f := range flags {
		flag, ok := f.(cli.DocGenerationFlag)
		if !ok || f.Names()[0] == "help" {
			continue
		}
		o := option{Name: "--" + f.Names()[0]}
		if len(f.Names()[0]) == 1 {
			o.Name = o.Name[1:]
		}
		// What a flag takes is the word that its text has in backquotes.
		o.Means = strings.ReplaceAll(flag.GetUsage(), "`", "")
		if quoted := strings.Split(flag.GetUsage(), "`"); len(quoted) > 1 && flag.TakesValue() {
			o.Value = quoted[1]
		}
		all = append(all, o)
	}
	return all
}

func init() { cli.HelpPrinter = showHelp } // the library has one for all

// showHelp prints the help of an app or a command. It is made when somebody asks.
func showHelp(w io.Writer, _ string, of any) {
	switch of := of.(type) {
	case *cli.App:
		_, _ = io.WriteString(w, topOf(of).help())
	case *cli.Command:
		_, name, _ := strings.Cut(of.HelpName, " ")
		_, _ = io.WriteString(w, verbOf(name, of).help())
	}
}

// topOf describes the program.
func topOf(app *cli.App) verb {
	return verb{
		Means: app.Usage, Args: "COMMAND …", More: "The manual: git push-mirror --help, man push-mirror.toml",
		Options: options(app.Flags), Verbs: verbsOf("", app.Commands),
	}
}

// help is what -h shows.
func (v verb) help() string {
	var b strings.Builder
	name := strings.TrimSpace("git push-mirror " + v.Name)
	fmt.Fprintln(&b, wrapped(name+" - "+v.Means, ""))

	call := name
	if v.Name == "" {
		call += " [-C DIR]"
	} else if len(v.Options) > 0 {
		call += " [OPTION…]"
	}
	fmt.Fprintf(&b, "\nUSAGE: %s\n", strings.TrimSpace(call+" "+v.Args))
	if v.Name != "" && v.More != "" {
		fmt.Fprintf(&b, "\n%s\n", wrapped(v.More, ""))
	}
	if len(v.Verbs) > 0 {
		fmt.Fprintf(&b, "\nCOMMANDS:\n")
		var rows [][2]string
		for _, each := range v.Verbs {
			rows = append(rows, [2]string{strings.TrimPrefix(each.Name, v.Name+" "), each.Means})
		}
		writeRows(&b, rows)
	}
	fmt.Fprintf(&b, "\nOPTIONS:\n")
	var rows [][2]string
	for _, o := range append(v.Options, helpOption) {
		rows = append(rows, [2]string{strings.TrimSpace(o.Name + " " + o.Value), o.Means})
	}
	writeRows(&b, rows)
	if v.Name == "" {
		fmt.Fprintf(&b, "\n%s\n", v.More)
	}
	return b.String()
}

// writeRows writes names and, beside them, what they mean.
func writeRows(b *strings.Builder, rows [][2]string) {
	longest := 0
	for _, row := range rows {
		longest = max(longest, utf8.RuneCountInString(row[0]))
	}
	indent := strings.Repeat(" ", longest+len("    "))
	for _, row := range rows {
		fmt.Fprintf(b, "  %-*s  %s\n", longest, row[0], strings.TrimLeft(wrapped(row[1], indent), " "))
	}
}

// wrapped breaks a text into lines that all begin with the indent.
func wrapped(text, indent string) string { return wrap(text, indent, helpWidth) }
