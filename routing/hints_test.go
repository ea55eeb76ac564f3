package routing

import (
	"slices"
	"testing"
	"time"
)

// wantAgain checks what is to be published again.
func (l *hints) wantAgain(t *testing.T, why string, now time.Time, more bool, subjects ...string) {
	t.Helper()
	all, over := l.again(now)
	var got []string
	for _, one := range all {
		got = append(got, one.subject)
	}
	slices.Sort(got)
	if !slices.Equal(got, subjects) || over != more {
		t.Errorf("%s: %q are published again, want %q; there were more: %v, want %v", why, got, subjects, over, more)
	}
}

func TestHintsAreKeptWhileTheyMayBeLost(t *testing.T) {
	made, is := uint64(0), true
	l := &hints{most: 100, connection: func() (uint64, bool) { return made, is }}
	now := time.Unix(1e9, 0)
	tell := func(s string) { l.add(hint{subject: s}, now) }

	tell("a")
	now = now.Add(hintFor - 1)
	tell("b")
	now = now.Add(1)
	tell("c")
	now = now.Add(hintFor - 1)
	tell("d")
	tell("d")
	is = false // it has taken nothing since "b"
	l.wantAgain(t, "they may have been swallowed", now, false, "a", "b", "c", "d")

	for range 10 {
		now = now.Add(hintFor)
		tell("e")
	}
	is, made = true, 1
	now = now.Add(hintFor)
	tell("f") // before anybody has seen that it is back
	l.wantAgain(t, "a connection may be broken for as long as it likes", now, false, "a", "b", "c", "d", "e", "f")

	now = now.Add(hintFor)
	tell("g")
	l.wantAgain(t, "what was published again may be lost again", now, false, "a", "b", "c", "d", "e", "f", "g")
	for range 2 {
		now = now.Add(hintFor)
		tell("h")
	}
	l.wantAgain(t, "what is old has arrived", now, false, "h")
}

func TestHintsAreBounded(t *testing.T) {
	l := &hints{most: 2, connection: func() (uint64, bool) { return 0, true }}
	now := time.Unix(1e9, 0)
	for _, s := range []string{"a", "b", "b", "a"} {
		l.add(hint{subject: s}, now)
	}
	l.wantAgain(t, "there is room", now, false, "a", "b")
	l.add(hint{subject: "c"}, now)
	l.wantAgain(t, "there is none", now, true, "a", "b")
	l.wantAgain(t, "likewise, if it breaks anew", now, true, "a", "b")
	for range 2 {
		now = now.Add(hintFor)
		l.add(hint{subject: "d"}, now)
	}
	l.wantAgain(t, "there is room once more", now, false, "d")
}
