package config

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// required are the flags that a router cannot do without, with what they look like.
var required = map[string]string{"nats": "nats://localhost:4222", "redis": "redis://localhost:6379"}

// exampleID stands for the name of the host, which is the default and another one on each.
const exampleID = "edge-1"

// EdgeTemplate is a file for an edge's -config that has all settings, with what they mean, as comments: each with its default,
// which it takes a # away to change.
func EdgeTemplate() (string, error) {
	var e Edge
	_, s, err := ReadEdge([]string{"-id", exampleID}, noEnvironment, io.Discard)
	if err != nil {
		return "", err
	}
	return s.template(e.bind(), nil), nil
}

// RouterTemplate is EdgeTemplate for a router. What a router needs is no comment.
func RouterTemplate() (string, error) {
	var r Router
	args := []string{"-id", strings.Replace(exampleID, "edge", "router", 1)}
	for name, value := range required {
		args = append(args, "-"+name, value)
	}
	_, s, err := ReadRouter(args, noEnvironment, io.Discard)
	if err != nil {
		return "", err
	}
	return s.template(r.bind(), required), nil
}

func noEnvironment(string) string { return "" }

// template writes all settings as comments, but for those in needed.
func (s *Settings) template(of *binder, needed map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# A configuration of a Limegrove %s, for -config.\n#\n", s.command)
	b.WriteString("# What begins with # and no space is a setting with its default: take the # away to change it. A flag beats the\n" +
		"# environment, which beats this file. `lime config check` checks it.\n")
	for _, g := range of.groups {
		fmt.Fprintf(&b, "\n# %s\n# %s\n", g.title, strings.Repeat("-", len(g.title)))
		for _, name := range g.flags {
			one, is := s.all[name]
			if !is {
				continue
			}
			b.WriteByte('\n')
			b.WriteString(about(of.fs.Lookup(name)))
			if _, must := needed[name]; !must {
				b.WriteByte('#')
			}
			b.WriteString(one.plain(name) + "\n")
		}
	}
	return b.String()
}

// about are the comments above a setting.
func about(f *flag.Flag) string {
	unit, text := flag.UnquoteUsage(f)
	value := typeOf(f)
	if unit != "" && unit != value {
		value += " (" + unit + ")"
	}
	changes := "after a restart"
	if effect := effects[f.Name]; effect != AfterRestart {
		changes = "for " + string(effect)
		if effect == AtOnce {
			changes = string(effect)
		}
		if slices.Contains(switches, f.Name) {
			changes += "; not that there is any"
		}
	}
	lines := []string{text, fmt.Sprintf("%s; %s; SIGHUP changes it %s", value, envName(f.Name), changes)}
	if effects[f.Name] == AfterRestart {
		lines[1] = fmt.Sprintf("%s; %s; changes after a restart", value, envName(f.Name))
	}
	if slices.Contains(secrets, f.Name) {
		lines = append(lines, "secret: have the environment or a file that is for its owner alone say it")
	}
	return "# " + strings.Join(lines, "\n# ") + "\n"
}

// plain is a setting as a line of YAML without more.
func (s setting) plain(name string) string {
	text := s.inside
	switch s.kind {
	case kindBare:
	case kindText:
		text = quoted(text)
	case kindList:
		text = listed(text)
	}
	return name + ": " + text
}
