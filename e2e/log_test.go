package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// TestLogsHaveNoContentAndNoSecrets sends a marker through an edge and a router that log all they can, in messages, commands and
// passwords, right and wrong ones, and as what is no envelope. It is in no line, and all lines are objects as they are to be.
func TestLogsHaveNoContentAndNoSecrets(t *testing.T) {
	t.Parallel()
	const marker, wrong = "Ma4kerOfWhatIsSaid", "Ma4kerOfWhatIsWrong"
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-log-level", "trace", "-log-format", "json"}}
	port := freePorts(t, 1)
	c.gossip = address(port)
	c.start(t, 1, "-max-rate", "200", "-send-queue", "4096")
	e := c.edges[0]

	s := stage{c, place{goLibrary, e}, place{goLibrary, e}}
	account := s.newAccount(t, "ana") // whose password is password
	ana := login(t, goLibrary, e, account+"/home", secret(password))
	rui := guest(t, goLibrary, e, "rui/desk")
	if code := refused(t, goLibrary, e, account+"/other", secret(wrong)).Code; code == 0 {
		t.Error("a wrong password is refused without a code")
	}
	ana.send(text("m-1", rui.node, marker))
	rui.wantText("a message", marker)
	ana.send(Envelope{ID: "n-1", To: "nobody@" + domain, Type: "text/plain", Content: marker})
	ana.call(Envelope{Method: "set", URI: "/presence", Type: "application/vnd.lime.presence+json", Resource: map[string]any{"status": "available", "message": marker}})
	ana.call(Envelope{Method: "set", URI: "/no-such-thing", Type: "application/json", Resource: map[string]any{"x": marker}})
	for i := range 500 { // beyond the rate
		rui.send(text(fmt.Sprintf("f-%d", i), ana.node, marker))
	}
	for _, what := range []string{marker, `{"state":"authenticating","scheme":"plain","authentication":{"password":"` + marker + `"}}`, `{"id":"1","content":"` + marker} {
		raw := dialRaw(t, e)
		// A frame that is masked with zeros.
		_, err := raw.conn.Write(append([]byte{0x81, 0x80 | byte(min(len(what), 125)), 0, 0, 0, 0}, what[:min(len(what), 125)]...))
		must(t, err)
		must(t, raw.conn.SetReadDeadline(time.Now().Add(patience)))
		_, _ = raw.conn.Read(make([]byte, 1024)) // an answer, or the end
	}
	http, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(e.url, "ws:"), "/"))
	must(t, err)
	_, err = fmt.Fprintf(http, "GET /%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", marker, marker)
	must(t, err)
	_, _ = http.Read(make([]byte, 1024))
	must(t, http.Close())
	ana.finish()

	for _, p := range []*process{e.process, c.router} {
		log, _ := p.output.read()
		for _, hidden := range []string{marker, wrong, secret(marker), secret(wrong), password, secret(password)} {
			if bytes.Contains(log, []byte(hidden)) {
				t.Errorf("the log of %s has %q", p.name, hidden)
			}
		}
		wantObjects(t, p.name, log)
	}
}

// wantObjects wants that each line of a log, but for what an edge says to who has started it, is an object with a time, a level
// and a text.
func wantObjects(t *testing.T, name string, log []byte) {
	t.Helper()
	objects := 0
	for line := range bytes.Lines(log[:bytes.LastIndexByte(log, '\n')+1]) {
		if line[0] != '{' {
			continue // of standard output
		}
		objects++
		var o struct {
			Time, Level, Msg string
		}
		if err := json.Unmarshal(line, &o); err != nil {
			t.Errorf("%s: %v in %s", name, err, line)
			continue
		}
		if _, err := time.Parse(time.RFC3339Nano, o.Time); err != nil {
			t.Errorf("%s: %v in %s", name, err, line)
		}
		if _, err := logrus.ParseLevel(o.Level); err != nil || o.Msg == "" {
			t.Errorf("%s: the level %q, the text %q", name, o.Level, o.Msg)
		}
	}
	if objects < 3 {
		t.Errorf("the log of %s has %d objects:\n%s", name, objects, log)
	}
}
