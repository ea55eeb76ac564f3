package coverage

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Page is where the tables stand, under the module's root.
const Page = "docs/coverage.md"

// pages are those that may cite numbers.
const pages = "docs/*.md"

// Mend is the command that writes the tests' column.
const Mend = "go run ./internal/coverage/cmd/coverage -w"

// Coverage is the tables beside what the tests cite.
type Coverage struct {
	Rows Rows // with the tests as they are now

	// Problems are the differences between the tables and the tests, a line each.
	Problems []string

	page  page
	moved bool // the tests' column is not what it should be
}

// Read compares the tables with the tests of the module under root.
func Read(root fs.FS) (*Coverage, error) {
	text, err := fs.ReadFile(root, Page)
	if err != nil {
		return nil, err
	}
	page, err := parsePage(string(text))
	if err != nil {
		return nil, fmt.Errorf("read the tables of %s: %w", Page, err)
	}
	s, err := readTree(root)
	if err != nil {
		return nil, fmt.Errorf("read what tests cite: %w", err)
	}
	c := &Coverage{page: page}
	names, err := fs.Glob(root, pages)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		s.mention(name, string(text))
	}
	c.compare(s)
	return c, nil
}

// Text is the page with the tests' column as it should be.
func (c *Coverage) Text() string { return c.page.String() }

// Err is nil when the tables and the tests agree. Otherwise it says where they differ
// and what mends that.
func (c *Coverage) Err() error {
	if len(c.Problems) == 0 {
		return nil
	}
	text := strings.Join(c.Problems, "\n")
	if c.moved {
		text += "\n" + Mend + " writes the tests' column of " + Page
	}
	return errors.New(text)
}

func (c *Coverage) compare(s *sources) {
	names := c.namesOf(s)
	for i := range c.page.rows {
		row := &c.page.rows[i]
		now := slices.Sorted(maps.Keys(names[row.Number]))
		for _, name := range row.Tests {
			if !slices.Contains(now, name) {
				c.moved = true
				c.problem("%s: the table names %s, which is not there or does not cite it", row.Number, name)
			}
		}
		for _, name := range now {
			if !slices.Contains(row.Tests, name) {
				c.moved = true
				c.problem("%s: %s cites it, and the table does not say so", row.Number, name)
			}
		}
		if len(now) == 0 && row.Verdict() != "no" {
			c.problem("%s: it is served (%s), and no test cites it; write a test, or say \"no: \" and why in %s", row.Number, row.Verdict(), Page)
		}
		row.Tests = now
	}
	c.Rows = c.page.rows
	slices.Sort(c.Problems)
}

// namesOf finds the names of what proves each number.
func (c *Coverage) namesOf(s *sources) map[string]map[string]bool {
	names := map[string]map[string]bool{}
	for i := range c.page.rows {
		names[c.page.rows[i].Number] = map[string]bool{}
	}
	proofs := map[*declaration][]string{}
	for _, cite := range s.citations {
		known := names[cite.number]
		if known == nil {
			c.problem("%s: %s is cited, which has no row in %s", cite.where, cite.number, Page)
			continue
		}
		if cite.by == nil {
			if cite.test {
				c.problem("%s: %s is cited outside of what a test could use", cite.where, cite.number)
			}
			continue
		}
		if _, done := proofs[cite.by]; !done {
			proofs[cite.by] = cite.by.proofs()
			if len(proofs[cite.by]) == 0 {
				c.problem("%s: %s cites %s, and no test comes to it", cite.where, cite.by.qualified(), cite.number)
			}
		}
		for _, name := range proofs[cite.by] {
			known[name] = true
		}
	}
	return names
}

func (c *Coverage) problem(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}
