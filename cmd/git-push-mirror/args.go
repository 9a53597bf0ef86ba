package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// interspersed brings a command's flags before its other arguments, where the cli
// library wants them: "sync github --dry-run" is as good as "sync --dry-run github". All
// that follows --overwrite, up to the next flag, is refs. "help sync" is "sync -h".
func interspersed(app *cli.App, args []string) []string {
	var before, flags, rest []string
	i := 1
	for ; i < len(args) && strings.HasPrefix(args[i], "-"); i++ {
		before = append(before, args[i])
		if args[i] == "-C" && i+1 < len(args) {
			i++
			before = append(before, args[i])
		}
	}
	if i == len(args) {
		return args
	}
	if args[i] == "help" {
		args = append(slices.Delete(slices.Clone(args), i, i+1), "-h")
	}
	command := args[i : i+1]
	if c := app.Command(args[i]); c != nil && len(c.Subcommands) > 0 && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
		i++
		command = args[i-1 : i+1]
	}
	overwriting := false
	for i++; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			rest = append(rest, args[i+1:]...)
			i = len(args)
		case arg == "--overwrite" || arg == "-overwrite":
			overwriting = true
			if i+1 == len(args) {
				flags = append(flags, arg)
			}
		case len(arg) > 1 && arg[0] == '-':
			overwriting = false
			flags = append(flags, arg)
		case overwriting:
			flags = append(flags, "--overwrite", arg)
		default:
			rest = append(rest, arg)
		}
	}
	out := append([]string{args[0]}, before...)
	out = append(out, command...)
	out = append(out, flags...)
	if len(rest) > 0 {
		out = append(append(out, "--"), rest...)
	}
	return out
}
