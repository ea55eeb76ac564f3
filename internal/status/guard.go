package status

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Refusal is an error that is for who has asked.
type Refusal struct {
	Status int    // of HTTP
	Text   string // a sentence without a capital and a full stop
}

// Error is the text.
func (r Refusal) Error() string { return r.Text }

// guard lets those in who have the token. Guesses are few for each address: whoever has made too many waits, with the right
// one, too.
type guard struct {
	metrics *metrics

	mu         sync.Mutex
	token      [sha256.Size]byte
	given      bool
	generation int // of the token
	guesses    guesses
}

func newGuard(token string, m *metrics) *guard {
	g := &guard{metrics: m, guesses: guesses{}}
	g.set(token)
	return g
}

func (g *guard) set(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	is := sha256.Sum256([]byte(token))
	if is != g.token {
		g.generation++
	}
	g.token, g.given = is, token != ""
}

// has tells whether there is a token.
func (g *guard) has() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.given
}

// number is the token's: one that is put in force later has another one.
func (g *guard) number() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.generation
}

// check returns why a request is refused, or nil.
func (g *guard) check(r *http.Request) error {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(text)))
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.given:
		return Refusal{http.StatusForbidden, "there is no admin token: give this process one with -admin-token"}
	case !strings.EqualFold(scheme, "Bearer"):
		return Refusal{http.StatusUnauthorized, "this needs the admin token"}
	}
	from, now := origin(r.RemoteAddr), time.Now()
	if g.guesses.tooMany(from, now) {
		g.metrics.refused(refusedGuesses)
		return Refusal{http.StatusTooManyRequests, "there were too many wrong tokens; try again later"}
	}
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		return nil
	}
	g.guesses.add(from, now)
	g.metrics.refused(refusedToken)
	return Refusal{http.StatusUnauthorized, "this is not the admin token"}
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	refusal := Refusal{http.StatusInternalServerError, err.Error()}
	if r, ok := err.(Refusal); ok { //nolint:errorlint // whoever refuses says so, and wraps nothing
		refusal = r
	}
	switch refusal.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="limegrove"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(guessTime.Seconds())))
	}
	answer(w, refusal.Status, struct {
		Error string `json:"error"`
	}{refusal.Text})
}

// answer answers with JSON.
func answer(w http.ResponseWriter, status int, of any) {
	b, err := json.Marshal(of)
	if err != nil {
		http.Error(w, fmt.Sprintf("the answer cannot be written: %v", err), http.StatusInternalServerError)
		return
	}
	secure(w.Header())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // who went away needs nothing
}
