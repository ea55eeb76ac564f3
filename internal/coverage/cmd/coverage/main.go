// Command coverage prints what of the protocols' conformance checklists is served and
// tested. It ends with 1 when the tables in docs/coverage.md and the tests differ; with -w it
// first writes the tests' column.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"limegrove/internal/coverage"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd
	}
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("coverage", flag.ContinueOnError)
	write := flags.Bool("w", false, "write the tests' column of "+coverage.Page)
	root := flags.String("root", ".", "the module's root")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := coverage.Read(os.DirFS(*root))
	if err != nil {
		return err
	}
	if *write {
		// The page is there, and keeps its mode.
		if err := os.WriteFile(filepath.Join(*root, coverage.Page), []byte(c.Text()), 0o600); err != nil {
			return err
		}
		if c, err = coverage.Read(os.DirFS(*root)); err != nil {
			return err
		}
	}
	if err := c.Print(stdout); err != nil {
		return err
	}
	return c.Err()
}
