package status

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
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

	mu      sync.Mutex
	token   [sha256.Size]byte
	given   bool
	guesses map[string]*rate.Limiter // by the address of who guesses
}

const (
	guessesAtOnce = 5
	guessTime     = 10 * time.Second // for each guess more
	maxGuessers   = 1024             // that are remembered; of more, all are one
)

func newGuard(token string, m *metrics) *guard {
	g := &guard{metrics: m, guesses: map[string]*rate.Limiter{}}
	g.set(token)
	return g
}

func (g *guard) set(token string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.token, g.given = sha256.Sum256([]byte(token)), token != ""
}

// has tells whether there is a token.
func (g *guard) has() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.given
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
	limit, now := g.limit(r), time.Now()
	if limit.TokensAt(now) < 1 {
		g.metrics.refused(refusedGuesses)
		return Refusal{http.StatusTooManyRequests, "there were too many wrong tokens; try again later"}
	}
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		return nil
	}
	limit.AllowN(now, 1)
	g.metrics.refused(refusedToken)
	return Refusal{http.StatusUnauthorized, "this is not the admin token"}
}

// limit is that of guesses from the address of a request.
func (g *guard) limit(r *http.Request) *rate.Limiter {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	if g.guesses[from] == nil && len(g.guesses) >= maxGuessers {
		from = ""
	}
	if g.guesses[from] == nil {
		g.guesses[from] = rate.NewLimiter(rate.Every(guessTime), guessesAtOnce)
	}
	return g.guesses[from]
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
