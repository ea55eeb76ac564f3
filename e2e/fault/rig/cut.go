package rig

import (
	"fmt"
	"os/exec"
	"strings"
)

// Mode is how a cut harms.
type Mode string

// The modes.
const (
	Both   Mode = "both"    // nothing passes
	OneWay Mode = "one-way" // nothing passes from From to To
	Loss   Mode = "loss"    // three packets of ten are lost, each way
)

// lossPercent is the packets that are lost in a hundred.
const lossPercent = 30

// Cut is a harm between two processes, by their names.
type Cut struct {
	From, To string
	Mode     Mode
}

// String is the cut as histories and logs have it.
func (c Cut) String() string {
	arrow := map[Mode]string{Both: "|", OneWay: "->|", Loss: "~"}[c.Mode]
	return c.From + " " + arrow + " " + c.To
}

// set has the rules of all cuts stand in the namespace of their From.
func (n *namespaces) set(cuts []Cut) error {
	rules := map[string]*ruleset{}
	for process := range n.hosts {
		rules[process] = new(ruleset)
	}
	for _, c := range cuts {
		to := n.hosts[c.To]
		r := rules[c.From]
		if r == nil || to == "" {
			return fmt.Errorf("cut %s: there is no such process", c)
		}
		switch c.Mode {
		case Both:
			r.out(to, "drop")
			r.in(to, "drop")
		case OneWay:
			r.out(to, "drop")
		case Loss:
			lose := fmt.Sprintf("numgen random mod 100 < %d drop", lossPercent)
			r.out(to, lose)
			r.in(to, lose)
		default:
			return fmt.Errorf("cut %s: there is no mode %q", c, c.Mode)
		}
	}
	for process, r := range rules {
		if r.text() == n.rules[process] {
			continue
		}
		cmd := exec.Command("ip", "netns", "exec", n.space(process), "nft", "-f", "-") //nolint:gosec,noctx // as above
		if err := run(cmd, r.text()); err != nil {
			return fmt.Errorf("cut the network of %s: %w", process, err)
		}
		n.rules[process] = r.text()
	}
	return nil
}

// ruleset is the rules of one namespace, in nft's words.
type ruleset struct{ input, output strings.Builder }

func (r *ruleset) in(from, verdict string) {
	fmt.Fprintf(&r.input, "\t\tip saddr %s %s\n", from, verdict)
}

func (r *ruleset) out(to, verdict string) {
	fmt.Fprintf(&r.output, "\t\tip daddr %s %s\n", to, verdict)
}

// text replaces all rules that were there, in one step.
func (r *ruleset) text() string {
	return "table inet fault\ndelete table inet fault\ntable inet fault {\n" +
		"\tchain in {\n\t\ttype filter hook input priority 0;\n" + r.input.String() + "\t}\n" +
		"\tchain out {\n\t\ttype filter hook output priority 0;\n" + r.output.String() + "\t}\n}\n"
}
