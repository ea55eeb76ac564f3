package main

import (
	"fmt"
	"strings"

	"limegrove/loadtest/measure"
	"limegrove/loadtest/table"
)

// floorEnd is that of the files of the floor.
const floorEnd = "-floor"

// tables are all rows that have a file, a table for each kind, and where they are from.
func tables(folder string) (string, error) {
	var b strings.Builder
	for _, k := range []*kind{sessions, messages, attacks} {
		cells := table.Cells{Head: []string{""}}
		for _, c := range k.columns {
			cells.Head = append(cells.Head, c.title)
		}
		for _, one := range rows {
			if one.kind != k {
				continue
			}
			lines, err := linesOf(folder, &one)
			if err != nil {
				return "", err
			}
			cells.Lines = append(cells.Lines, lines...)
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n", k.title, cells.Markdown())
	}
	sources, err := commands(folder)
	return b.String() + sources, err
}

// linesOf is one row, and the floor's below it.
func linesOf(folder string, one *row) (all [][]string, err error) {
	for _, line := range []struct{ file, title string }{{one.name, one.title}, {one.name + floorEnd, "the floor"}} {
		r, err := measure.ReadFile[measure.Report](folder, line.file)
		if err != nil {
			return nil, err
		}
		if r == nil {
			continue
		}
		cells := []string{line.title}
		for _, c := range one.kind.columns {
			cells = append(cells, c.of(r))
		}
		all = append(all, cells)
	}
	return all, nil
}

// commands says where, when and by which command each row was measured.
func commands(folder string) (string, error) {
	cells := table.Cells{Head: []string{"", "command", "commit", "date", "load average"}}
	var machine measure.Machine
	for _, one := range rows {
		r, err := measure.ReadFile[measure.Report](folder, one.name)
		if err != nil {
			return "", err
		}
		if r == nil {
			continue
		}
		machine = r.Machine
		cells.Lines = append(cells.Lines, []string{
			one.title, "`" + strings.Join(line(&one), " ") + "`", r.Commit, r.Date.Format("2006-01-02 15:04"), r.LoadAverage,
		})
	}
	if machine.Cores == 0 {
		return "", nil // nothing was measured
	}
	return fmt.Sprintf("### How they were measured\n\n%s\nOn %s; servers and load share them. One run each.\n", cells.Markdown(), machine), nil
}
