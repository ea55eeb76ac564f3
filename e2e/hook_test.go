package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hookSecret signs what the endpoint of a test is told.
const hookSecret = "0123456789abcdef"

// hookEvent is an event as the wire has it: it is not read by the system's own code.
type hookEvent struct {
	ID, Type, Domain, Identity, Node string
	Time                             time.Time
	Data                             map[string]any
}

// hook is an endpoint of the platform, which may be killed and come back.
type hook struct {
	t    *testing.T
	port int

	mu     sync.Mutex
	server *http.Server
	faults string // the type of events that it finds fault with; "" for none
	posts  int
	got    []hookEvent // in the order in which they came
}

// startHook starts an endpoint, and returns a file for -webhooks with it.
func startHook(t *testing.T, more string) (h *hook, file string) {
	t.Helper()
	h = &hook{t: t, port: freePorts(t, 1)}
	h.start()
	t.Cleanup(h.kill)
	file = filepath.Join(t.TempDir(), "webhooks.yaml")
	text := fmt.Sprintf("- name: platform\n  url: http://%s/hook?x=1\n  secret: %s\n%s", address(h.port), hookSecret, more)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h, file
}

func (h *hook) start() {
	h.t.Helper()
	l, err := net.Listen("tcp", address(h.port))
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: patience}
	go func(s *http.Server) { _ = s.Serve(l) }(h.server) // until it is killed
}

// kill ends the endpoint at once. It may be called twice.
func (h *hook) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.server.Close()
}

// ServeHTTP is that of an http.Handler. It checks the signature as docs/webhooks.md says.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it was cut
	}
	at, err := strconv.ParseInt(r.Header.Get("Limegrove-Timestamp"), 10, 64)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(fmt.Appendf(nil, "%d.%s", at, body))
	signature, ok := strings.CutPrefix(r.Header.Get("Limegrove-Signature"), "sha256=")
	sum, decodeErr := hex.DecodeString(signature)
	age := time.Since(time.Unix(at, 0)).Abs()
	if err != nil || !ok || decodeErr != nil || !hmac.Equal(sum, mac.Sum(nil)) || age > time.Minute || r.Method != http.MethodPost || r.URL.String() != "/hook?x=1" {
		h.t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var batch struct{ Events []hookEvent }
	if err := json.Unmarshal(body, &batch); err != nil || len(batch.Events) == 0 {
		h.t.Errorf("posted %s: %v", body, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.posts++
	for _, e := range batch.Events {
		if e.Type == h.faults {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
	}
	h.got = append(h.got, batch.Events...)
}

// taken is how many events have come, those that came again included.
func (h *hook) taken() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

// findFault has the endpoint refuse events of a type, "" for none.
func (h *hook) findFault(kind string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = kind
}

// events are what has come, each once, where it came first, in that order.
func (h *hook) events() (all []hookEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range h.got {
		if !seen[e.ID] {
			seen[e.ID] = true
			all = append(all, e)
		}
	}
	return all
}

// of are those of a type about an identity.
func (h *hook) of(kind, identity string) (all []hookEvent) {
	for _, e := range h.events() {
		if e.Type == kind && strings.EqualFold(e.Identity, identity) {
			all = append(all, e)
		}
	}
	return all
}

// want waits for the first event of a type about an identity.
func (h *hook) want(what, kind, identity string) (e hookEvent) {
	h.t.Helper()
	eventually(h.t, what, patience, func() error {
		all := h.of(kind, identity)
		if len(all) == 0 {
			return fmt.Errorf("no %s of %s among %d events", kind, identity, len(h.events()))
		}
		e = all[0]
		return nil
	})
	return e
}
