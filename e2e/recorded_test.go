package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// speaksAsRecorded holds what a client says in a small talk with another one against its
// dialogue in edge/testdata/dialogues, with which the edge's tests check what it bears.
func speaksAsRecorded(t *testing.T, s stage, at platform) {
	t.Parallel()
	file := at.name + ".txt"
	at, p := at.tapped(t)

	who := Login{Identity: s.newAccount(t, "ana") + "@" + domain, Instance: at.instance, Password: secret(password)}
	rui := guest(t, goLibrary, s.there.at, s.name("rui")+"/desk")
	ana := online(t, at, who, nil)

	ana.send(text("m-1", rui.node, "olá \"rui\" 😀"))
	rui.wantText("its message", "olá \"rui\" 😀")
	rui.send(Envelope{ID: "m-2", To: ana.identity(), Type: "application/json", Content: map[string]any{"a": nil}})
	ana.want("an answer", func(e Envelope) bool { return e.ID == "m-2" })
	if at.receipts {
		rui.want("it is consumed", func(e Envelope) bool { return e.ID == "m-2" && e.Event == "consumed" })
	}
	if pong := rui.call(Envelope{Method: methodGet, URI: "/ping", To: ana.node}); pong.Status != "success" {
		t.Errorf("its pong is %s", pong)
	}
	if pong := ana.call(Envelope{Method: methodGet, URI: "/ping"}); pong.Status != "success" {
		t.Errorf("its ping gets %s", pong)
	}
	ana.finish()

	said := anonymous(p.heard(), strings.NewReplacer(
		who.Identity, "ana@example.org", rui.node, "rui@example.org/desk", secret(password), "czNjcmV0", domain, "example.org"))
	if want := recorded(t, file); !slices.Equal(said, want) {
		t.Errorf("it does not say what is recorded in %s, but\nC %s", file, strings.Join(said, "\nC "))
	}
}

var (
	envelopeID = regexp.MustCompile(`"id": ?"([^"]+)"`)
	guid       = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"`)
)

// anonymous is what a client said without what is another in each run. What it answers
// the edge's own pings with is left away.
func anonymous(said []string, names *strings.Replacer) (lines []string) {
	id, guids := "", 0
	for _, line := range said {
		m := envelopeID.FindStringSubmatch(line)
		switch {
		case m == nil:
		case strings.HasPrefix(m[1], "ping-"):
			continue
		case strings.Contains(line, `"authenticating"`):
			id = m[1]
		}
		if id != "" {
			line = strings.ReplaceAll(line, `"`+id+`"`, `"$id"`)
		}
		line = guid.ReplaceAllStringFunc(line, func(string) string { guids++; return fmt.Sprintf(`"guid-%d"`, guids) })
		lines = append(lines, strings.TrimSpace(names.Replace(line)))
	}
	return lines
}

// recorded are a dialogue's lines that the client says.
func recorded(t *testing.T, file string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile("../edge/testdata/dialogues/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if said, ok := strings.CutPrefix(strings.TrimSpace(line), "C "); ok {
			lines = append(lines, said)
		}
	}
	return lines
}
