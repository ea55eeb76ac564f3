package deploy

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"limegrove/internal/config"
)

// settings are what a program makes of a command line and an environment.
type settings struct {
	config.Shared
	edge  *config.Edge // nil for a router
	ports map[string]int
	// drain is how long it may take to end: that of sessions, and what follows (docs/operations.md).
	ending time.Duration
}

// What the goodbyes take, and a router that answers requests of the HTTP API.
const (
	goodbyes     = 10 * time.Second
	routerEnding = 30 * time.Second
)

// parse has a program of the image read its command line, whose first word is its path.
func parse(command []string, env map[string]string) (s settings, err error) {
	if len(command) == 0 {
		return s, errors.New("no command")
	}
	getenv := func(name string) string { return env[name] }
	var api config.API
	switch command[0] {
	case "/edge":
		e, err := config.ParseEdge(command[1:], getenv, io.Discard)
		if err != nil {
			return s, err
		}
		s = settings{Shared: e.Shared, edge: &e, ending: e.DrainTimeout + goodbyes}
		api = e.API
	case "/router":
		r, err := config.ParseRouter(command[1:], getenv, io.Discard)
		if err != nil {
			return s, err
		}
		s = settings{Shared: r.Shared, ending: routerEnding}
		api = r.API
	default:
		return s, fmt.Errorf("%s is no program of the image", command[0])
	}
	for name := range env {
		if strings.HasPrefix(name, "LIMEGROVE_") && !variables()[name] {
			return s, fmt.Errorf("%s is no flag's variable", name)
		}
	}
	s.ports = map[string]int{"admin": port(s.Admin), "gossip": port(s.Gossip), "gossip-udp": port(s.Gossip)}
	if api.Listen != "" {
		s.ports["api"] = port(api.Listen)
	}
	if s.edge != nil {
		s.ports["sessions"] = port(s.edge.Listen)
		if s.edge.TCP != "" {
			s.ports["tcp"] = port(s.edge.TCP)
		}
		if s.edge.Files.Listen != "" {
			s.ports["files"] = port(s.edge.Files.Listen)
		}
	}
	return s, nil
}

var nameOfVariable = regexp.MustCompile(`\bLIMEGROVE_[A-Z_]+\b`)

// variables are those of all flags of both programs, as they tell them.
func variables() map[string]bool {
	known := map[string]bool{}
	none := func(string) string { return "" }
	for _, parse := range []func(io.Writer) error{
		func(out io.Writer) error { _, err := config.ParseEdge([]string{"-h"}, none, out); return err },
		func(out io.Writer) error { _, err := config.ParseRouter([]string{"-h"}, none, out); return err },
	} {
		var usage strings.Builder
		if err := parse(&usage); !errors.Is(err, flag.ErrHelp) {
			panic(err) // there is nothing else that it can be
		}
		for _, name := range nameOfVariable.FindAllString(usage.String(), -1) {
			known[name] = true
		}
	}
	return known
}

// port is that of an address; 0 for none.
func port(address string) int {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, err := net.LookupPort("tcp", text)
	if err != nil {
		return 0
	}
	return n
}
