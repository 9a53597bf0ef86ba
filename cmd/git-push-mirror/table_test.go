package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// TestATableFitsAnyWidthAndCutsNothing shows a table on terminals of all widths.
func TestATableFitsAnyWidthAndCutsNothing(t *testing.T) {
	list := table{titles: []string{"NAME", "HOW", "WHY"}, rows: []row{
		{cells: []cell{{text: "a"}, {"well", green}, {text: "-"}}},
		{cells: []cell{{text: "倉庫"}, {"badly", red}, {text: "この長い説明は二倍の幅の文字でできています and-one-long-word-that-is-wider-than-some"}}, more: "hint: see to it"},
		{cells: []cell{{text: "é"}, {text: "-"}, {text: "x"}}},
	}}
	for width := range 200 {
		var b strings.Builder
		if err := list.print(&b, terminal{width: width}); err != nil {
			t.Fatal(err)
		}
		shown := b.String()
		for line := range strings.Lines(shown) {
			line = strings.TrimSuffix(line, "\n")
			if got := runewidth.StringWidth(line); width >= len(indent)+2 && got > width {
				t.Errorf("on %d columns, a line has %d: %q", width, got, line)
			}
			if line != strings.TrimRight(line, " ") {
				t.Errorf("on %d columns, a line ends in blanks: %q", width, line)
			}
		}
		for _, r := range list.rows {
			for _, c := range append(r.cells, cell{text: r.more}) {
				if !strings.Contains(compact(shown), compact(c.text)) && c.text != "-" {
					t.Errorf("on %d columns, %q is not whole:\n%s", width, c.text, shown)
				}
			}
		}
	}
}

// compact leaves out what lines are broken with.
func compact(text string) string { return strings.Join(strings.Fields(text), "") }

// TestColumnsOfATableAreAligned, with characters of two columns and of none, and with colours.
func TestColumnsOfATableAreAligned(t *testing.T) {
	list := table{titles: []string{"N", "STATUS", "WHY"}, rows: []row{
		{cells: []cell{{text: "倉"}, {"failed", red}, {text: "x"}}},
		{cells: []cell{{text: "e\u0301"}, {text: "ok"}, {text: "y"}}},
	}}
	for colours, want := range map[bool]string{
		false: "N   STATUS  WHY\n倉  failed  x\ne\u0301   ok      y\n",
		true:  "N   STATUS  WHY\n倉  \x1b[31mfailed\x1b[0m  x\ne\u0301   ok      y\n",
	} {
		t.Run(fmt.Sprintf("colours %t", colours), func(t *testing.T) {
			var b strings.Builder
			if err := list.print(&b, terminal{width: 80, colours: colours}); err != nil {
				t.Fatal(err)
			}
			if b.String() != want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}
