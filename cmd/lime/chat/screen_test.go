package chat

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/vt"

	"limegrove/lime"
	"limegrove/lime/client/clienttest"
)

// terminal is one in memory, which remembers what it was sent.
type terminal struct {
	vt.MockTerm
	mu   sync.Mutex
	sent strings.Builder
}

// Write is that of io.Writer.
func (t *terminal) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.sent.Write(b)
	t.mu.Unlock()
	return t.MockTerm.Write(b)
}

func (t *terminal) was() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent.String()
}

const (
	otherScreen = "\x1b[?1049h"
	firstScreen = "\x1b[?1049l"
)

// running starts a program at a terminal in memory.
func running(ctx context.Context, t *testing.T) (p *program, at *terminal, ends func() (panicked any, err error)) {
	t.Helper()
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("LANG", "C.UTF-8")
	server := clienttest.Start(t)
	s, left := opened(t, server.URL(), "ana@localhost/desk", "")
	at = &terminal{MockTerm: vt.NewMockTerm(vt.MockOptSize{X: 80, Y: 20})}
	screen, err := newScreen(at)
	if err != nil {
		t.Fatal(err)
	}
	p = &program{session: s, screen: screen, model: newModel(lime.MustParseIdentity("ana@localhost"), true, nil)}
	type end struct {
		err      error
		panicked any
	}
	ended := make(chan end, 1)
	go func() {
		var e end
		defer func() {
			e.panicked = recover()
			ended <- e
		}()
		e.err = p.run(ctx, left)
	}()
	return p, at, func() (any, error) {
		t.Helper()
		select {
		case e := <-ended:
			if sent := at.was(); strings.LastIndex(sent, firstScreen) < strings.LastIndex(sent, otherScreen) || !strings.Contains(sent, otherScreen) {
				t.Error("the terminal is not what it was")
			}
			return e.panicked, e.err
		case <-time.After(patience):
			t.Fatal("it does not end")
			return nil, nil
		}
	}
}

func TestCtrlCEndsAChat(t *testing.T) {
	p, _, ends := running(t.Context(), t)
	p.screen.EventQ() <- tcell.NewEventKey(tcell.KeyCtrlC, "c", tcell.ModCtrl)
	if panicked, err := ends(); err != nil || panicked != nil {
		t.Errorf("it ends with %v, %v", err, panicked)
	}
}

func TestASignalEndsAChat(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, _, ends := running(ctx, t)
	cancel()
	if panicked, err := ends(); err != nil || panicked != nil {
		t.Errorf("it ends with %v, %v", err, panicked)
	}
}

func TestTheTerminalIsRestoredAfterAPanic(t *testing.T) {
	for name, broken := range map[string]func(*program){
		"in the loop":      func(p *program) { p.session.events <- "no event at all" },
		"in the session's": func(p *program) { p.session.start(func() { panic("broken") }) },
	} {
		t.Run(name, func(t *testing.T) {
			p, _, ends := running(t.Context(), t)
			broken(p)
			if panicked, _ := ends(); panicked == nil || !strings.Contains(panicked.(string), "chat") {
				t.Errorf("the panic is %v", panicked)
			}
		})
	}
}

func TestATerminalThatIsGoneEndsAChat(t *testing.T) {
	p, _, ends := running(t.Context(), t)
	p.screen.EventQ() <- tcell.NewEventError(context.Canceled)
	if _, err := ends(); err == nil || !strings.Contains(err.Error(), "read the terminal") {
		t.Errorf("it ends with %v", err)
	}
}

func TestKeysAreToldApart(t *testing.T) {
	s := &screen{}
	for _, tc := range []struct {
		event tcell.Event
		want  any
	}{
		{tcell.NewEventKey(tcell.KeyRune, "é", 0), key{keyText, "é"}},
		{tcell.NewEventKey(tcell.KeyRune, "x", tcell.ModAlt), key{}},
		{tcell.NewEventKey(tcell.KeyRune, "b", tcell.ModAlt), key{code: keyWordLeft}},
		{tcell.NewEventKey(tcell.KeyEnter, "", 0), key{code: keyEnter}},
		{tcell.NewEventKey(tcell.KeyEnter, "", tcell.ModAlt), key{code: keyLineEnd}},
		{tcell.NewEventKey(tcell.KeyCtrlC, "c", tcell.ModCtrl), key{code: keyQuit}},
		{tcell.NewEventKey(tcell.KeyUp, "", 0), key{code: keyUp}},
		{tcell.NewEventKey(tcell.KeyUp, "", tcell.ModCtrl), key{code: keyPrevious}},
		{tcell.NewEventKey(tcell.KeyBackspace, "", tcell.ModAlt), key{code: keyKillWord}},
		{tcell.NewEventKey(tcell.KeyF5, "", 0), key{}},
		{tcell.NewEventFocus(false), focused{false}},
		{tcell.NewEventInterrupt(nil), nil},
		{tcell.NewEventPaste(true), nil},
		{tcell.NewEventKey(tcell.KeyRune, "!", 0), nil},
		{tcell.NewEventKey(tcell.KeyEnter, "", 0), nil},
		{tcell.NewEventKey(tcell.KeyTab, "", 0), nil},
		{tcell.NewEventKey(tcell.KeyCtrlC, "c", tcell.ModCtrl), nil}, // what is pasted presses no keys
		{tcell.NewEventPaste(false), pasted{"!\n "}},
		{tcell.NewEventPaste(false), nil},
	} {
		if got := s.event(tc.event); got != tc.want {
			t.Errorf("%#v is %#v, want %#v", tc.event, got, tc.want)
		}
	}
}

// What is shown is shown by the terminal, in its own colours, or in none.
func TestColours(t *testing.T) {
	show := func() string {
		at := &terminal{MockTerm: vt.NewMockTerm(vt.MockOptSize{X: 80, Y: 20})}
		s, err := newScreen(at)
		if err != nil {
			t.Fatal(err)
		}
		d := stocked(t, 80, 20)
		s.show(draw(d.m), d.m.title())
		s.Fini()
		return at.was()
	}
	t.Setenv("TERM", "xterm-256color")
	t.Setenv("LANG", "C.UTF-8")
	colour, another := regexp.MustCompile(`\x1b\[[34]\dm`), regexp.MustCompile(`\x1b\[[34]8[;:]`)
	if sent := show(); !colour.MatchString(sent) || another.MatchString(sent) {
		t.Errorf("there are no colours, or others than the terminal's own: %q", sent)
	}
	t.Setenv("NO_COLOR", "1")
	if sent := show(); colour.MatchString(sent) || another.MatchString(sent) || !strings.Contains(sent, "morning!") {
		t.Errorf("NO_COLOR gives %q", sent)
	}
	t.Setenv("LANG", "C")
	if sent := show(); strings.ContainsFunc(sent, func(r rune) bool { return r > '~' }) || !strings.Contains(sent, "* rui") {
		t.Errorf("a locale without these characters gives %q", sent)
	}
}
