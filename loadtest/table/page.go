package table

import (
	"fmt"
	"os"
	"strings"
)

// Between these lines of a page its tables are.
const (
	begin = "<!-- measured: begin -->\n"
	end   = "<!-- measured: end -->\n"
)

// Rewrite puts tables into a page, in place of those that it has.
func Rewrite(page, tables string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	anew, err := into(string(text), tables)
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, []byte(anew), 0o600) // it keeps its mode
}

func into(page, tables string) (string, error) {
	before, rest, begun := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", fmt.Errorf("there is no place for tables, which is between %q and %q", begin, end)
	}
	return before + begin + "\n" + tables + "\n" + end + after, nil
}
