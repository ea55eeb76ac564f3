package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
	"limegrove/lime/client/files"
)

func TestNoMessageLooksLikeAnothers(t *testing.T) {
	var out strings.Builder
	a := &app{streams: streams{out: &out}}
	m := &lime.Message{From: lime.Node{Identity: lime.Identity{Name: "eve", Domain: "b"}}, Type: lime.MediaText, Content: json.RawMessage(`"hi\nrui@b: pay eve"`)}
	if err := a.heard(t.Context(), nil, m); err != nil {
		t.Fatal(err)
	}
	if out.String() != "eve@b: hi\n    rui@b: pay eve\n" {
		t.Errorf("it says %q", out.String())
	}
}

func TestAnEnvelopeIsOneLine(t *testing.T) {
	var out strings.Builder
	a := &app{streams: streams{out: &out}, output: outputJSON}
	content := "{\"a\":[\n{\"id\":\"1\",\"from\":\"boss@b\",\"type\":\"text/plain\",\"content\":\"pay \\n\"}\r\n]}"
	m := &lime.Message{From: lime.Node{Identity: lime.Identity{Name: "eve", Domain: "b"}}, Type: lime.MediaJSON, Content: json.RawMessage(content)}
	if err := a.heard(t.Context(), nil, m); err != nil {
		t.Fatal(err)
	}
	var got lime.Message
	line, rest, _ := strings.Cut(out.String(), "\n")
	if err := json.Unmarshal([]byte(line), &got); err != nil || rest != "" || strings.Contains(line, "\r") || got.From.Name != "eve" || !strings.Contains(string(got.Content), `pay \n`) {
		t.Errorf("it is %q, %v", out.String(), err)
	}
}

func TestARoomThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := clienttest.Start(t)
	server.Leave(func(c *lime.Command) bool { return c.Method == lime.MethodSubscribe })
	status, out, errs := newShell(t).does("", "subscribe", "/x", "--for", "1h", "--timeout", "2s", "--server", server.URL())
	if status != statusLate || out != "" || !strings.Contains(errs, "no answer in time: enter /x") {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	if status, out, errs := newShell(t).does("", "listen", "--for", "2s", "--server", server.URL()); status != statusDone || out+errs != "" {
		t.Errorf("listening for a while: status %d, %s%s", status, out, errs)
	}
}

func TestALostConnectionIsToldNowAndThen(t *testing.T) {
	for output, want := range map[string]string{
		outputText: "lime: connection lost, trying again: gone\nlime: back at ws://b\n",
		outputJSON: `{"kind":"lost","text":"connection lost, trying again: gone"}` + "\n" + `{"kind":"back","text":"back at ws://b"}` + "\n",
	} {
		var errs strings.Builder
		w := watched{app: &app{streams: streams{err: &errs}, output: output}, pause: time.Hour}
		gone := errors.New("gone")
		for range 3 {
			w.is(client.Status{State: client.StateConnecting, Err: gone}) // the first time nothing is lost yet
			w.is(client.Status{State: client.StateWaiting, Err: gone})
			w.is(client.Status{State: client.StateOnline, Server: "ws://b"})
		}
		w.is(client.Status{State: client.StateEnded})
		if errs.String() != want {
			t.Errorf("it says %s, not %s", errs.String(), want)
		}
	}
}

func TestFetchOfALink(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.txt" {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("new"))
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	status, out, errs := s.does("", "files", "get", "--into", dir, "--link", server.URL+"/a.txt")
	if b, err := os.ReadFile(filepath.Join(dir, "a (2).txt")); status != statusDone || err != nil || string(b) != "new" || !strings.Contains(out, "a (2).txt, 3 bytes") {
		t.Errorf("a name that is taken: status %d, %s%s, %q, %v", status, out, errs, b, err)
	}
	if status, _, errs := s.does("", "files", "get", "--into", dir, "--link", server.URL+"/none"); status != statusFailed || !strings.Contains(errs, "404") {
		t.Errorf("no file: status %d, %s", status, errs)
	}
	server.Close()
	if status, _, errs := s.does("", "files", "get", "--into", dir, "--timeout", "100ms", "--link", server.URL+"/a.txt"); status != statusAway || !strings.Contains(errs, "connection refused") {
		t.Errorf("nobody there: status %d, %s", status, errs)
	}
}

func TestWhichMessagesAreSpent(t *testing.T) {
	for err, want := range map[error]bool{
		&files.StatusError{Status: http.StatusNotFound}:           true,
		&files.StatusError{Status: http.StatusServiceUnavailable}: false,
		&files.StatusError{Status: http.StatusTooManyRequests}:    false,
		&files.StatusError{Status: http.StatusUnauthorized}:       true,
		&files.StatusError{Status: http.StatusProxyAuthRequired}:  false,
		files.ErrNotAllowed: true,
		files.ErrDigest:     true,
		files.ErrInUse:      false,
		os.ErrPermission:    false,
	} {
		if forGood(err) != want {
			t.Errorf("%v is for good: %t", err, !want)
		}
	}
}

func TestAFailedMessageIsToldAsAnObject(t *testing.T) {
	var errs strings.Builder
	a := &app{streams: streams{err: &errs}, output: outputJSON}
	a.messageFailed(&lime.Message{ID: "1", From: lime.Node{Identity: lime.Identity{Name: "eve", Domain: "b"}}}, failedError{&files.StatusError{Status: http.StatusNotFound}, true})
	var told struct{ Kind, Error, ID, From string }
	if err := json.Unmarshal([]byte(errs.String()), &told); err != nil || told.Kind != "failed" || told.ID != "1" || told.From != "eve@b" || told.Error == "" {
		t.Errorf("it is %s, %v", errs.String(), err)
	}
}

func TestAFailedMessageIsToldInOneLine(t *testing.T) {
	var errs strings.Builder
	a := &app{streams: streams{err: &errs}}
	a.messageFailed(&lime.Message{ID: "1\nlime: back", From: lime.Node{Identity: lime.Identity{Name: "eve", Domain: "b"}}}, errors.New("no"))
	if errs.String() != "lime: message 1; lime: back of eve@b: no\n" {
		t.Errorf("it says %q", errs.String())
	}
}
