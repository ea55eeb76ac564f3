package config

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Page is the page of all settings of both commands, as Markdown.
func Page() string {
	var e Edge
	var r Router
	edge, router := e.bind(), r.bind()
	var b strings.Builder
	b.WriteString(pageHead)
	for _, g := range merged(edge.groups, router.groups) {
		fmt.Fprintf(&b, "\n## %s\n\n", g.title)
		b.WriteString("| flag, variable, key | of | value | default | `SIGHUP` changes it for | what it means |\n|---|---|---|---|---|---|\n")
		for _, name := range g.flags {
			b.WriteString(row(name, edge.fs.Lookup(name), router.fs.Lookup(name)))
		}
	}
	return b.String()
}

const pageHead = `# Configuration

<!-- Made by "make docs" of internal/config; a test fails when it differs. -->

Every setting of ` + "`edge` and `router`" + ` is a flag, an environment variable, and a key of the YAML file that ` + "`-config`" + ` names. A flag beats
the environment, which beats the file, which beats the default. An empty variable counts as absent. A list may be repeated as a
flag, or has commas; a file may have a YAML list. The strongest source that names a setting gives all of its values.

` + "`-check`" + ` checks the whole configuration, the files that it names and their content too, without connecting anywhere, and
prints it as a file for ` + "`-config`" + ` with the source of each value, and without secrets. It exits with 0, or with 2 after one line
that names the flag. With ` + "`SIGHUP`" + ` a running process reads the file of ` + "`-config`" + `, and the files that the configuration names, again;
"Change the configuration" in ` + "`operations.md`" + ` says how. What has "restart" below keeps its value until then.

Times are written as ` + "`1h30m`, `1.5s` or `250ms`" + `. Numbers of bytes have no unit.
`

// merged are the groups of both commands, those of the first one first.
func merged(first, second []group) (all []group) {
	known := map[string]bool{}
	for _, g := range first {
		for _, name := range g.flags {
			known[name] = true
		}
		all = append(all, group{title: g.title, flags: slices.Clone(g.flags)})
	}
	for _, g := range second {
		at := slices.IndexFunc(all, func(one group) bool { return one.title == g.title })
		for _, name := range g.flags {
			if known[name] {
				continue
			}
			if at < 0 {
				at = len(all)
				all = append(all, group{title: g.title})
			}
			all[at].flags = append(all[at].flags, name)
		}
	}
	return all
}

// row is a setting's row. It is a flag of one command, or of both.
func row(name string, edge, router *flag.Flag) string {
	f, of := edge, "both"
	switch {
	case edge == nil:
		f, of = router, "router"
	case router == nil:
		of = "edge"
	}
	unit, text := flag.UnquoteUsage(f)
	names := fmt.Sprintf("%#q<br>%#q", "-"+name, envName(name))
	if isKey(name) {
		names += fmt.Sprintf("<br>%#q", name+":")
	}
	value := typeOf(f)
	if unit != "" && unit != value {
		value += " (" + unit + ")"
	}
	without := "none"
	before, rest, said := strings.Cut(text, " (default ") // which depends on others
	switch {
	case said:
		text, without = before, strings.TrimSuffix(rest, ")")
	case name == "id":
		without = "the host name"
	case f.DefValue != "":
		without = "`" + f.DefValue + "`"
	}
	effect := string(effects[name])
	switch {
	case !isKey(name):
		effect = "–"
	case effects[name] == AfterRestart:
		effect = "restart"
	case slices.Contains(switches, name):
		effect += "; not that there is any"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", names, of, value, without, effect, strings.ReplaceAll(text, "|", `\|`))
}

// typeOf is the type of a flag's value for people.
func typeOf(f *flag.Flag) string {
	switch kindOf(f) {
	case kindList:
		return "list"
	case kindText:
		return "text"
	default:
	}
	if b, is := f.Value.(interface{ IsBoolFlag() bool }); is && b.IsBoolFlag() {
		return "true or false"
	}
	if _, is := f.Value.(flag.Getter).Get().(time.Duration); is {
		return "duration"
	}
	return "number"
}
