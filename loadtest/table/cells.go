package table

import (
	"io"
	"strings"
	"text/tabwriter"
)

// Cells are a table: the line above it, which has a name for each column, and the lines.
type Cells struct {
	Head  []string
	Lines [][]string
}

// Markdown is the table as a page has it.
func (c Cells) Markdown() string {
	var b strings.Builder
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString(strings.TrimRight("| "+cell, " ") + " ")
		}
		b.WriteString("|\n")
	}
	line(c.Head)
	b.WriteString("|" + strings.Repeat("---|", len(c.Head)) + "\n")
	for _, one := range c.Lines {
		line(one)
	}
	return b.String()
}

// Print prints the table for a terminal.
func (c Cells) Print(to io.Writer) error {
	var b strings.Builder
	for _, one := range append([][]string{c.Head}, c.Lines...) {
		b.WriteString(strings.Join(one, "\t") + "\t\n")
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	return w.Flush()
}
