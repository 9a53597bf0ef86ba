package main

import (
	"io"
	"math"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// What is listed on a terminal: a line for each, in columns that are as wide as what stands in
// them. Nothing is cut: what the terminal is too narrow for stands below its line, indented.

// colour is a terminal's code for one, or "".
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	faint  colour = "2"
)

// cell is what stands in a column, in one line. "-" is nothing.
type cell struct {
	text   string
	colour colour
}

// row is what is listed in a line.
type row struct {
	cells []cell // as many as there are titles
	more  string // stands below the line anyway
}

// table is a list for people. Its last column is for texts: one that is too long for its line
// stands below, and no other makes way for it.
type table struct {
	titles []string
	rows   []row
}

// terminal is what a table is shown on.
type terminal struct {
	width   int // in columns; 0 if it does not say
	colours bool
}

// terminal tells whether the data goes to a terminal, and what that can do: whether colours
// are wanted is asked by https://no-color.org.
func (inv invocation) terminal() (terminal, bool) {
	data, ok := inv.stdout.(*dataWriter)
	if !ok || !isTerminal(data.to) {
		return terminal{}, false
	}
	t := terminal{colours: inv.getenv("NO_COLOR") == "" && inv.getenv("TERM") != "" && inv.getenv("TERM") != "dumb"}
	if f, ok := data.to.(*os.File); ok {
		t.width, _, _ = term.GetSize(int(f.Fd()))
	}
	return t, true
}

const (
	gap    = "  "   // between columns
	indent = "    " // of what stands below a line
)

// print shows the table, or nothing if it has no rows.
func (t table) print(w io.Writer, on terminal) error {
	if len(t.rows) == 0 {
		return nil
	}
	widths := t.widths()
	n, start := beside(widths, on.width)
	text := len(t.titles) - 1
	fits := func(s string) bool { // and the title above it
		return n == text && (on.width == 0 || start+max(runewidth.StringWidth(s), runewidth.StringWidth(t.titles[text])) <= on.width)
	}
	var b strings.Builder
	titles := row{cells: make([]cell, n)}
	for i := range n {
		titles.cells[i].text = t.titles[i]
	}
	for _, r := range t.rows {
		if s := r.cells[text].text; len(titles.cells) == n && isSomething(s) && fits(s) {
			titles.cells = append(titles.cells, cell{text: t.titles[text]})
		}
	}
	writeLine(&b, titles.cells, widths, on)
	for _, r := range t.rows {
		line, below := r.cells[:n:n], r.below(t.titles[:text], n)
		if last := r.cells[text]; isSomething(last.text) && fits(last.text) {
			line = append(line, last)
		} else if isSomething(last.text) {
			below = append(below, last.text)
		}
		if r.more != "" {
			below = append(below, r.more)
		}
		writeLine(&b, line, widths, on)
		for _, s := range below {
			b.WriteString(wrap(s, indent, on.width) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// isSomething reports whether there is anything in a cell.
func isSomething(text string) bool { return text != "" && text != "-" }

// widths are how wide the columns are, but for the last one.
func (t table) widths() []int {
	widths := make([]int, len(t.titles)-1)
	for i := range widths {
		widths[i] = runewidth.StringWidth(t.titles[i])
		for _, r := range t.rows {
			widths[i] = max(widths[i], runewidth.StringWidth(r.cells[i].text))
		}
	}
	return widths
}

// beside tells how many columns have room beside each other, one at least, and where the next
// one would start.
func beside(widths []int, width int) (n, start int) {
	for _, w := range widths {
		if n > 0 && width > 0 && start+w > width {
			return n, start
		}
		n, start = n+1, start+w+len(gap)
	}
	return n, start
}

// below are the cells from the nth one on that have a title, with it.
func (r row) below(titles []string, n int) []string {
	var parts []string
	for i, title := range titles[n:] {
		if text := r.cells[n+i].text; isSomething(text) {
			parts = append(parts, strings.ToLower(title)+": "+text)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []string{strings.Join(parts, "; ")}
}

// writeLine writes cells, of which the one behind the last width is as wide as it is.
func writeLine(b *strings.Builder, cells []cell, widths []int, on terminal) {
	for i, c := range cells {
		text := c.text
		if on.colours && c.colour != "" {
			text = "\x1b[" + string(c.colour) + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(c.text))) + gap)
		}
	}
	b.WriteByte('\n')
}

// wrap breaks a text into lines of at most so many columns that all begin with the indent,
// where it has blanks, and a word that is wider anywhere. 0 is any number.
func wrap(text, indent string, width int) string {
	room := max(2, width-len(indent)) // no character is wider
	if width == 0 {
		room = math.MaxInt
	}
	var lines []string
	line := ""
	end := func(s string) { lines = append(lines, indent+s) }
	for word := range strings.FieldsSeq(text) {
		joined := strings.TrimPrefix(line+" "+word, " ")
		if runewidth.StringWidth(joined) <= room {
			line = joined
			continue
		}
		if line != "" {
			end(line)
		}
		for line = word; runewidth.StringWidth(line) > room; {
			part := runewidth.Truncate(line, room, "")
			if part == "" {
				break
			}
			end(part)
			line = line[len(part):]
		}
	}
	if line != "" {
		end(line)
	}
	return strings.Join(lines, "\n")
}
