package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/account"
	"limegrove/edge/auth"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/presence"
)

// failing is an Authenticator that fails.
type failing struct{ err error }

func (f failing) Authenticate(context.Context, auth.Request) (auth.Grant, error) {
	return auth.Grant{}, f.err
}

// only are schemes of which one is served, and question a login by that.
func only(by auth.Authenticator) auth.Schemes {
	return auth.Schemes{Domains: []string{"t.org"}, By: map[auth.Scheme]auth.Authenticator{auth.SchemeKey: by}}
}

func question(t *testing.T) []byte {
	t.Helper()
	q, err := json.Marshal(auth.Request{Scheme: auth.SchemeKey, Node: lime.MustParseNode("ana@t.org/1")})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestLoginsSayWhoseFaultItIs(t *testing.T) {
	for _, row := range []struct {
		err      error
		fault    bool
		warnings int // of three
	}{
		{account.ErrCredentials, false, 0},
		{fmt.Errorf("verify: %w", account.ErrBusy), true, 0},
		{errors.New("no JetStream"), true, 1},
	} {
		log, lines := test.NewNullLogger()
		l := newLogins(log, &complaint.Log{Logger: log}, nil, auth.Schemes{}, nil)
		l.use(only(failing{row.err}))
		for range 3 {
			var a auth.Answer
			text := l.answer(t.Context(), question(t))
			if err := json.Unmarshal(text, &a); err != nil || a.Reason == nil || a.Fault != row.fault {
				t.Errorf("%v is answered by %s", row.err, text)
			}
		}
		if n := len(lines.AllEntries()); n != row.warnings {
			t.Errorf("%v: %d lines, want %d", row.err, n, row.warnings)
		}
	}
}

func TestRegistrationsThatNobodyIsToldOfAreOneLine(t *testing.T) {
	log, lines := test.NewNullLogger()
	w := newWorld(t, Config{SweepInterval: time.Hour, Logger: log})
	unspeakable := lime.Node{Identity: lime.Identity{Name: strings.Repeat("x", 1<<16), Domain: "t.org"}, Instance: "1"}
	w.registry.mu.Lock()
	for range 3 {
		w.registry.removed = append(w.registry.removed, presence.Removed{
			Registration: presence.Registration{Node: unspeakable, Edge: "inc-x", Session: "s"}, Version: 7,
		})
	}
	w.registry.mu.Unlock()
	w.router.EdgeDied()
	told := func(level logrus.Level) (n int) {
		for _, line := range lines.AllEntries() {
			if line.Level == level && strings.Contains(line.Message, "remove") {
				n++
			}
		}
		return n
	}
	w.eventually("it has removed them", func() bool { return told(logrus.InfoLevel) == 1 })
	if n := told(logrus.WarnLevel); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
}
