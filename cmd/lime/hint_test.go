package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
)

// TestAPortOfAnotherProtocol is none that refuses.
func TestAPortOfAnotherProtocol(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	s := newShell(t)
	s.env["LIMEGROVE_API_KEY"] = "key"
	for line, says := range map[string]string{
		"ping --server ws" + strings.TrimPrefix(server.URL, "http"): "is no LIME port",
		"queues --admin " + server.URL:                              "no port of the kind",
		"sessions a@b --api " + server.URL:                          "no port of the kind",
	} {
		status, _, errs := s.does("", append(strings.Fields(line), "-o", "json")...)
		var f fault
		if err := json.Unmarshal([]byte(errs), &f); err != nil || status != statusAway || f.Kind != "protocol" || !strings.Contains(f.Text, says) {
			t.Errorf("%s: status %d, %s, %v", line, status, errs, err)
		}
	}

	ends, err := net.Listen("tcp", "127.0.0.1:0") // like LIME over TCP, which takes an upgrade for garbage
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ends.Close() })
	go func() {
		for {
			nc, err := ends.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Read(make([]byte, 4096))
			_ = nc.Close()
		}
	}()
	if status, _, errs := s.does("", "ping", "--server", "ws://"+ends.Addr().String()); status != statusAway || !strings.Contains(errs, "net.tcp://?") {
		t.Errorf("of TCP: status %d, %s", status, errs)
	}
}

func TestTooManyWrongTokensSayForHowLong(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":"there were too many wrong tokens; try again later"}`)
	}))
	t.Cleanup(server.Close)
	if status, _, errs := newShell(t).does("", "rebalance", "--admin", server.URL); status != statusRefused || !strings.Contains(errs, "another try in 10s") {
		t.Errorf("status %d, %s", status, errs)
	}
}

func TestANewLevelIsShownLater(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"done":"all log from debug on"}`)
	}))
	t.Cleanup(server.Close)
	if status, out, errs := newShell(t).does("", "loglevel", "all", "debug", "--admin", server.URL); status != statusDone || out != "all log from debug on\n" || !strings.Contains(errs, "shows the level before") {
		t.Errorf("status %d, %s%s", status, out, errs)
	}
	if status, _, errs := newShell(t).does("", "loglevel", "all", "debug", "-o", "json", "--admin", server.URL); status != statusDone || errs != "" {
		t.Errorf("as JSON: status %d, %s", status, errs)
	}
}

func TestHints(t *testing.T) {
	code := func(c lime.Code) error { return fmt.Errorf("it: %w", lime.NewReason(c, "No")) }
	for name, tc := range map[string]struct {
		got   error
		after error
		says  string
	}{
		"a room not to enter":      {roomHint(code(66)), code(66), "#lobby"},
		"a room not to publish to": {roomHint(code(32)), code(32), "lime grants add"},
		"another refusal":          {roomHint(code(34)), code(34), ""},
		"a name that exists":       {mayExist(code(13)), code(13), "may exist already: log in without --register"},
		"a name that is new":       {mayExist(code(1)), code(1), ""},
		"a key":                    {(&profile{Key: "k"}).keyOffered(client.ErrNotOffered), client.ErrNotOffered, "-auth guest,plain,key"},
		"a password":               {(&profile{Password: "p"}).keyOffered(client.ErrNotOffered), client.ErrNotOffered, ""},
	} {
		if hint := strings.TrimPrefix(tc.got.Error(), tc.after.Error()); tc.says == "" && hint != "" || !strings.Contains(hint, tc.says) {
			t.Errorf("%s: %q", name, hint)
		}
		if faultOf(tc.got).Kind != faultOf(tc.after).Kind || faultOf(tc.got).Code != faultOf(tc.after).Code {
			t.Errorf("%s: the hint changes what it is", name)
		}
	}
}

func TestRoomsAreNamedAsInChat(t *testing.T) {
	for text, want := range map[string]string{"#Lobby": "/chat/lobby", "/Ride/42": "/Ride/42", "#": "", "#a b": "", "lobby": "", "": ""} {
		if got, err := roomPath(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
	if named, err := roomNamed("#Lobby"); err != nil || string(named) != `"/chat/lobby"` {
		t.Errorf("as grants have it: %s, %v", named, err)
	}
}

func TestALineThatIsTooLong(t *testing.T) {
	a := &app{streams: streams{in: strings.NewReader("x\r\n" + strings.Repeat("y", maxLine) + "\r\n" + strings.Repeat("z", maxLine+1) + "\n")}}
	var seen []int
	err := a.lines(t.Context(), func(line string) error {
		seen = append(seen, len(line))
		return nil
	})
	if fmt.Sprint(seen) != fmt.Sprint([]int{1, maxLine}) || err == nil || err.Error() != fmt.Sprintf("line 3 has more than %d bytes", maxLine) || errors.As(err, new(usageError)) {
		t.Errorf("after lines of %v bytes: %v", seen, err)
	}
	a.in = strings.NewReader(strings.Repeat("z", 2*maxLine))
	if err := a.lines(t.Context(), func(string) error { return nil }); err == nil || !strings.HasPrefix(err.Error(), "line 1 has more than") {
		t.Error(err)
	}
}

func TestSizesAreForPeopleAndExactInJSON(t *testing.T) {
	answer := &lime.Command{Resource: json.RawMessage(`{"total":1,"items":[{"name":"a","size":3145728}]}`)}
	for output, want := range map[string]string{outputText: "3.0 MiB", outputJSON: `"size":3145728`} {
		var out strings.Builder
		a := &app{streams: streams{out: &out}, output: output}
		if err := a.lists(answer, "name", "size"); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s, %v", out.String(), err)
		}
	}
}
