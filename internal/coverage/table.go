package coverage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Protocol is one that has a checklist.
type Protocol struct {
	Name string
	mark string // what its numbers begin with
}

// Protocols returns those that there are, in the order in which they are printed.
func Protocols() []Protocol {
	return []Protocol{{"LIME", "L-"}, {"bachata", "B-"}, {"high-templar", "H-"}, {"aioconnectors", "A-"}}
}

// Row is one line of a table.
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

// Rows are those of one table, or of several.
type Rows []Row

// Of returns the rows of a protocol.
func (rows Rows) Of(p Protocol) (own Rows) {
	for i := range rows {
		if strings.HasPrefix(rows[i].Number, p.mark) {
			own = append(own, rows[i])
		}
	}
	return own
}

// Count is how many rows have a verdict.
func (rows Rows) Count(verdict string) (n int) {
	for i := range rows {
		if rows[i].Verdict() == verdict {
			n++
		}
	}
	return n
}

// Untested are the numbers of rows that no test cites.
func (rows Rows) Untested() (numbers []string) {
	for i := range rows {
		if len(rows[i].Tests) == 0 {
			numbers = append(numbers, rows[i].Number)
		}
	}
	return numbers
}

// page is a page with the tables in it.
type page struct {
	lines []string
	rows  Rows
}

// group is what comes before a number's last part: the numbers of each are counted.
const group = `(L-[A-Z]{3}|[ABH])`

var (
	begins = regexp.MustCompile(`^\| [LABH]-`)
	number = regexp.MustCompile(`^` + group + `-([0-9]{2})$`)
	served = regexp.MustCompile(`^(yes|(no|partly): .+)$`)
)

// parsePage reads the rows of a page. Those of a group are numbered from 1 without a gap,
// so that none can be lost.
func parsePage(text string) (p page, err error) {
	p.lines = strings.Split(text, "\n")
	at := map[string]int{} // the last number of each group
	for i, line := range p.lines {
		if !begins.MatchString(line) {
			continue
		}
		row, err := parseRow(line)
		if err != nil {
			return page{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		group := number.FindStringSubmatch(row.Number)[1]
		at[group]++
		if want := fmt.Sprintf("%s-%02d", group, at[group]); row.Number != want {
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
