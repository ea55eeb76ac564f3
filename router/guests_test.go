package router

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"limegrove/edge/auth"
)

func TestGuestsAreLookedAtTogether(t *testing.T) {
	w := newWorld(t, Config{})
	w.account("ana@t.org")
	lines := strings.Split(string(w.router.logins.answerGuests(t.Context(), []byte("Rui@t.org\nANA@t.org\npostmaster@t.org\nrui@elsewhere\n\nlia@t.org"))), "\n")
	if len(lines) != 6 || lines[0] != auth.LetIn || lines[5] != auth.LetIn {
		t.Fatalf("answered by %q", lines)
	}
	for _, line := range lines[1:5] {
		var a auth.Answer
		if err := json.Unmarshal([]byte(line), &a); err != nil || a.Reason == nil || a.Fault {
			t.Errorf("%s is no refusal (%v)", line, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var a auth.Answer
	if text := w.router.logins.answerGuests(ctx, []byte("rui@t.org")); json.Unmarshal(text, &a) != nil || !a.Fault {
		t.Errorf("while the store is away: %s", text)
	}
}
