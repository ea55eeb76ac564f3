package coverage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Row is one line of the table.
type Row struct {
	Number    string
	Statement string
	Served    string   // "yes", or "no: " or "partly: " and why
	Tests     []string // that prove it, as package.Name, in order

	line int // in the page, from 0
}

// Verdict is the first word of Served.
func (r *Row) Verdict() string {
	verdict, _, _ := strings.Cut(r.Served, ":")
	return verdict
}

// page is a page with the table in it.
type page struct {
	lines []string
	rows  []Row
}

var (
	number = regexp.MustCompile(`^L-([A-Z]{3})-([0-9]{2})$`)
	served = regexp.MustCompile(`^(yes|(no|partly): .+)$`)
)

// parsePage reads the rows of a page. Rows of a group are numbered from 1 and follow
// each other, so that none can be lost.
func parsePage(text string) (p page, err error) {
	p.lines = strings.Split(text, "\n")
	last, at := "", 0
	for i, line := range p.lines {
		if !strings.HasPrefix(line, "| L-") {
			continue
		}
		row, err := parseRow(line)
		if err != nil {
			return page{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		group := row.Number[:len("L-ADR")]
		if group != last {
			last, at = group, 0
		}
		at++
		if want := fmt.Sprintf("%s-%02d", group, at); row.Number != want {
			return page{}, fmt.Errorf("line %d: %s stands where %s belongs", i+1, row.Number, want)
		}
		row.line = i
		p.rows = append(p.rows, row)
	}
	if len(p.rows) == 0 {
		return page{}, fmt.Errorf("no rows")
	}
	return p, nil
}

func parseRow(line string) (r Row, err error) {
	cells := strings.Split(line, "|")
	if len(cells) != 6 {
		return Row{}, fmt.Errorf("%d columns, not 4: %s", len(cells)-2, line)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	r = Row{Number: cells[1], Statement: cells[2], Served: cells[3]}
	switch {
	case !number.MatchString(r.Number):
		return Row{}, fmt.Errorf("%q is no number", r.Number)
	case r.Statement == "":
		return Row{}, fmt.Errorf("%s states nothing", r.Number)
	case !served.MatchString(r.Served):
		return Row{}, fmt.Errorf("%s is served %q, which is neither yes nor no or partly with a colon and a reason", r.Number, r.Served)
	}
	for name := range strings.SplitSeq(cells[4], ",") {
		if name = strings.Trim(name, " `"); name != "" {
			r.Tests = append(r.Tests, name)
		}
	}
	return r, nil
}

// String is the row as the page has it.
func (r *Row) String() string {
	names := make([]string, len(r.Tests))
	for i, name := range r.Tests {
		names[i] = "`" + name + "`"
	}
	return strings.TrimSpace(fmt.Sprintf("| %s | %s | %s | %s", r.Number, r.Statement, r.Served, strings.Join(names, ", "))) + " |"
}

// String is the text of the page, with its rows as they are now.
func (p *page) String() string {
	lines := slices.Clone(p.lines)
	for i := range p.rows {
		lines[p.rows[i].line] = p.rows[i].String()
	}
	return strings.Join(lines, "\n")
}
