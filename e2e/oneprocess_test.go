package e2e

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestOneProcessIsAClusterThatGrows starts the edge as a newcomer does, in an empty
// folder and with nothing around it, and does what it says.
func TestOneProcessIsAClusterThatGrows(t *testing.T) {
	t.Parallel()
	t.Run("with admin pages", func(t *testing.T) { oneProcessGrows(t, address(freePorts(t, 2))) })
	t.Run("without", func(t *testing.T) { oneProcessGrows(t, "") })
	t.Run("with streams of its own making", func(t *testing.T) {
		oneProcessGrows(t, "", "-duplicate-window", "1m", "-message-lifetime", "48h", "-inbox-limit", "7",
			"-log-bytes", "67108864", "-inbox-bytes", "67108864", "-events", "all", "-events-bytes", "33554432")
	})
}

// wantChatPage looks whether the chat page is where an edge says that it is.
func wantChatPage(t *testing.T, p *process) {
	t.Helper()
	at := p.wantPrinted(t, `chat +http://([^/\s]+)/, in two windows`)[1]
	if text, err := page(t.Context(), at, "/"); err != nil || !bytes.Contains(text, []byte("<title>Limegrove chat</title>")) {
		t.Errorf("the chat page at %s is %q: %v", at, text, err)
	}
}

func oneProcessGrows(t *testing.T, admin string, flags ...string) {
	t.Parallel()
	// A second edge takes the ports behind these.
	listen, gossip := freePorts(t, 2), freePorts(t, 2)
	began := time.Now()
	p := startProcess(t, "edge", t.TempDir(), edgeProgram, append(flags,
		"-listen", net.JoinHostPort("", strconv.Itoa(listen)), "-admin", admin, "-gossip", address(gossip))...)
	first := newEdge(t, p)
	t.Logf("it serves %s after it was started", time.Since(began).Round(time.Millisecond))

	wantChatPage(t, p)

	ana := guest(t, goLibrary, first, "ana/home")
	t.Logf("and has given a session after %s", time.Since(began).Round(time.Millisecond))
	ana.send(text("1", ana.node, "note to self"))
	ana.wantText("a message to oneself", "note to self")

	const program = "go run ./cmd/edge "
	line := p.wantPrinted(t, `Add a second edge[^\n]*\n +(.+)\n`)[1]
	others, found := strings.CutPrefix(line, program)
	if !found {
		t.Fatalf("the line that adds a second edge is %q", line)
	}
	second := newEdge(t, startProcess(t, "second edge", t.TempDir(), "sh", "-c", "exec "+edgeProgram+" "+others))
	wantChatPage(t, second.process)
	rui := guest(t, limeJS(t), second, "rui/desk")
	talk := talk{ana: ana, rui: rui}
	talk.exchange("from one edge to the other")

	// Its account is in the first one's store.
	s := stage{&cluster{}, place{goLibrary, first}, place{limeJS(t), second}}
	account := s.newAccount(t, "zoe")
	login(t, s.there.lib, s.there.at, account+"/home", secret(password))
}
