package config

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// usage writes the flags by their concern, with default and environment
// variable.
func (b *binder) usage(out io.Writer) {
	var s strings.Builder
	fmt.Fprintf(&s, "Usage: %s [flags]\n\n%s\n", b.fs.Name(), b.about)
	s.WriteString("Every flag is also an environment variable and a key of the YAML file given by -config.\n")
	s.WriteString("-version alone prints the version.\n")
	for _, g := range b.groups {
		fmt.Fprintf(&s, "\n%s\n", g.title)
		for _, name := range g.flags {
			writeFlag(&s, b.fs.Lookup(name))
		}
	}
	_, _ = io.WriteString(out, s.String()) // nobody is left to tell
}

func writeFlag(s *strings.Builder, f *flag.Flag) {
	arg, text := flag.UnquoteUsage(f)
	fmt.Fprintf(s, "  -%s", f.Name)
	if arg != "" {
		fmt.Fprintf(s, " %s", arg)
	}
	fmt.Fprintf(s, "\n        %s", text)
	if f.DefValue != "" {
		fmt.Fprintf(s, " (default %s)", f.DefValue)
	}
	fmt.Fprintf(s, "\n        %s\n", envName(f.Name))
}
