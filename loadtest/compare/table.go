package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"limegrove/loadtest/table"
)

// subject is the server that the ratios are about, when it is there: its median beside that of each
// other one.
const subject = "limegrove"

// compared are the servers beside the subject; none when it is not there.
func (r *result) compared() []string {
	if !slices.Contains(r.Servers, subject) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Servers), func(s string) bool { return s == subject })
}

// cells are the table, with a line for each figure.
func (r *result) cells() (c table.Cells) {
	c.Head = append([]string{""}, r.Servers...)
	for _, other := range r.compared() {
		c.Head = append(c.Head, subject+" : "+other)
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		line := []string{f.Name}
		for _, s := range r.Servers {
			line = append(line, f.Unit.Text(f.median(s)))
		}
		for _, other := range r.compared() {
			line = append(line, table.Plain.Text(f.median(subject)/f.median(other)))
		}
		c.Lines = append(c.Lines, line)
	}
	return c
}

// print prints a table for a terminal.
func (r *result) print(to io.Writer) error {
	if err := r.cells().Print(to); err != nil {
		return err
	}
	_, err := io.WriteString(to, r.notes(""))
	return err
}

// notes are what was wrong with messages, a line each.
func (r *result) notes(bullet string) string {
	var b strings.Builder
	for _, server := range slices.Sorted(maps.Keys(r.Notes)) {
		for _, note := range slices.Compact(slices.Sorted(slices.Values(r.Notes[server]))) {
			fmt.Fprintf(&b, "%s%s: %s\n", bullet, server, note)
		}
	}
	return b.String()
}

// markdown is the table as a page has it.
func (r *result) markdown() string {
	var b strings.Builder
	rounds := 0
	for _, f := range r.Figures {
		for _, all := range f.Rounds {
			rounds = max(rounds, len(all))
		}
	}
	fmt.Fprintf(&b, "**%s** (%s): `%s`\n\n%s", r.Title, medians(rounds), r.Command, r.cells().Markdown())
	fmt.Fprintf(&b, "\n%s%s, commit %s, %s.\n", r.notes("- "), r.Machine, r.Commit, r.Date.Format("2006-01-02 15:04"))
	return b.String()
}

func medians(rounds int) string {
	if rounds == 1 {
		return "one round"
	}
	return fmt.Sprintf("medians of %d rounds", rounds)
}

// tables are those of all results.
func tables(all []*result) string {
	var each []string
	for _, r := range all {
		each = append(each, r.markdown())
	}
	return strings.Join(each, "\n")
}
