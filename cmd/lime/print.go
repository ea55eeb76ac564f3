package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"limegrove/cmd/lime/words"
	"limegrove/lime"
)

// print prints one thing: as an object with -o json, or else as a line of text.
func (a *app) print(object any, format string, args ...any) error {
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(object)
	}
	_, err := fmt.Fprintln(a.out, words.Clean(fmt.Sprintf(format, args...)))
	return err
}

// note is what somebody is told beside what a command prints.
type note struct {
	Kind string `json:"kind"` // warning, lost, back
	Text string `json:"text"`
}

// note tells it on the standard error: as an object with -o json. Nobody to tell is no trouble.
func (a *app) note(kind, format string, args ...any) {
	n := note{kind, fmt.Sprintf(format, args...)}
	a.telling.Lock()
	defer a.telling.Unlock()
	if a.output == outputJSON && json.NewEncoder(a.err).Encode(n) == nil {
		return
	}
	_, _ = fmt.Fprintf(a.err, "lime: %s\n", oneLine(n.Text))
}

// oneLine is a text of others in one line of a terminal.
func oneLine(text string) string { return words.Clean(strings.ReplaceAll(text, "\n", "; ")) }

// envelope prints one: as it came with -o json, but in one line, whatever white space its content has. There are no line breaks in JSON but as white
// space: RFC 8259, section 7.
func (a *app) envelope(e interface{ AppendJSON([]byte) []byte }, text string) error {
	if a.output == outputJSON {
		line := e.AppendJSON(nil)
		for i, c := range line {
			if c == '\n' || c == '\r' {
				line[i] = ' '
			}
		}
		_, err := a.out.Write(append(line, '\n'))
		return err
	}
	_, err := fmt.Fprintln(a.out, words.Clean(text))
	return err
}

// table prints rows under heads, or each as an object with -o json.
type table struct {
	a    *app
	w    *tabwriter.Writer
	fail error
}

func (a *app) table(heads ...string) *table {
	t := &table{a: a}
	if a.output != outputJSON {
		t.w = tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		t.line(heads)
	}
	return t
}

func (t *table) line(cells []string) {
	if t.fail == nil {
		_, t.fail = fmt.Fprintln(t.w, words.Clean(strings.Join(cells, "\t")))
	}
}

func (t *table) row(object any, cells ...any) {
	if t.w == nil {
		if t.fail == nil {
			t.fail = json.NewEncoder(t.a.out).Encode(object)
		}
		return
	}
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = strings.NewReplacer("\t", " ", "\n", " ").Replace(fmt.Sprint(c))
	}
	t.line(texts)
}

func (t *table) end() error {
	if t.w != nil && t.fail == nil {
		return t.w.Flush()
	}
	return t.fail
}

// reasonText is a reason as people read it.
func reasonText(why *lime.Reason) string {
	if why == nil {
		return "without a reason"
	}
	return why.Error()
}
