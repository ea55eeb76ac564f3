package status

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestGuessesAreFew(t *testing.T) {
	w := newWorld(t)
	one := w.start("e1", Edge)
	codes := map[int]int{}
	for range guessesAtOnce + 3 {
		code, _ := one.request("POST", "/status/token", "wrong", `{}`)
		codes[code]++
	}
	if codes[401] != guessesAtOnce || codes[429] != 3 {
		t.Errorf("they are answered by %v", codes)
	}
	if code, _ := one.request("POST", "/status/token", right, `{}`); code != 429 {
		t.Errorf("the right one is told after too many wrong ones: %d", code)
	}
	g := newGuard(right, one.metrics)
	ask := func(from, token string) error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "bearer "+token)
		return g.check(r)
	}
	for i := range 2 * maxGuessers {
		_ = ask(fmt.Sprintf("10.1.%d.%d:5", i/256, i%256), right)
	}
	if len(g.guesses) != 0 {
		t.Errorf("%d are remembered who never guessed", len(g.guesses))
	}
	for range guessesAtOnce + 1 {
		_ = ask("10.9.9.9:5", "wrong")
	}
	for i := range 2 * maxGuessers {
		_ = ask(fmt.Sprintf("10.1.%d.%d:5", i/256, i%256), "wrong")
	}
	if len(g.guesses) > maxGuessers {
		t.Errorf("%d guessers are remembered", len(g.guesses))
	}
	if err := ask("10.1.0.1:9", right); err != nil {
		t.Errorf("one wrong guess keeps out: %v", err)
	}
	if err := ask("10.200.0.1:9", right); err != nil {
		t.Errorf("guesses of others keep out: %v", err)
	}
	if err := ask("10.9.9.9:6", right); err == nil {
		t.Error("who has guessed most is forgotten for others")
	}
	for i := range guessesAtOnce {
		_ = ask(fmt.Sprintf("[2001:db8:0:7::%d]:5", i), "wrong")
	}
	if err := ask("[2001:db8:0:7::99]:5", right); err == nil {
		t.Error("a host of IPv6 may guess from each of its addresses")
	}
	if err := ask("[2001:db8:0:8::1]:5", right); err != nil {
		t.Errorf("guesses of another network keep out: %v", err)
	}
}

func TestGuessersAreForgottenInTime(t *testing.T) {
	g, now := guesses{}, time.Now()
	for i := range maxGuessers {
		g.add(origin(fmt.Sprintf("10.1.%d.%d:5", i/256, i%256)), now)
	}
	g.add(origin("10.9.9.9:5"), now.Add(guessTime))
	if len(g) != 1 {
		t.Errorf("%d are remembered", len(g))
	}
}
