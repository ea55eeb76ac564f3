package command

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// ErrUsage is matched by what a command line is refused with.
var ErrUsage = errors.New("usage")

// Parse reads a command line that is flags alone. An error matches ErrUsage, or flag.ErrHelp when help
// was asked for and printed.
func Parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%w: %q is no flag", ErrUsage, f.Arg(0))
	}
	return nil
}

// AtLeast refuses what a flag was given when it is less than it may be.
func AtLeast(name string, value, least int) error {
	if value < least {
		return fmt.Errorf("%w: %s: less than the %d that there must be", ErrUsage, name, least)
	}
	return nil
}

// List is what stands between commas; nothing for no text.
func List(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
