package chat

import (
	"strings"
	"testing"
)

func TestLinesAreEdited(t *testing.T) {
	text := func(s string) key { return key{keyText, s} }
	for _, tc := range []struct {
		name string
		keys []key
		want string // with | for the cursor
	}{
		{"text", []key{text("a"), text("b")}, "ab|"},
		{"in the middle", []key{text("ac"), {code: keyLeft}, text("b")}, "ab|c"},
		{"a mark joins what is before", []key{text("e"), text("x"), {code: keyLeft}, text("\u0301")}, "e\u0301|x"},
		{"left over a whole grapheme", []key{text("a👩\u200d👧b"), {code: keyLeft}, {code: keyLeft}}, "a|👩\u200d👧b"},
		{"right likewise", []key{text("👩\u200d👧b"), {code: keyHome}, {code: keyRight}}, "👩\u200d👧|b"},
		{"backspace likewise", []key{text("a漢e\u0301"), {code: keyBackspace}}, "a漢|"},
		{"backspace at the beginning", []key{text("a"), {code: keyHome}, {code: keyBackspace}}, "|a"},
		{"delete", []key{text("abc"), {code: keyHome}, {code: keyDelete}}, "|bc"},
		{"delete at the end", []key{text("abc"), {code: keyDelete}}, "abc|"},
		{"words", []key{text("one two  three"), {code: keyWordLeft}, {code: keyWordLeft}}, "one |two  three"},
		{"words to the right", []key{text("one two"), {code: keyHome}, {code: keyWordRight}}, "one| two"},
		{"and to the end", []key{text("one two"), {code: keyHome}, {code: keyWordRight}, {code: keyWordRight}, {code: keyWordRight}}, "one two|"},
		{"a word goes", []key{text("one two "), {code: keyKillWord}}, "one |"},
		{"the rest goes", []key{text("one two"), {code: keyWordLeft}, {code: keyKillEnd}}, "one |"},
		{"the beginning goes", []key{text("one two"), {code: keyWordLeft}, {code: keyKillLine}}, "|two"},
		{"control characters are no text", []key{text("a\x1b[2J\x00b\rc\td")}, "a[2Jb\nc d|"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var e editor
			for _, k := range tc.keys {
				if k.code == keyText {
					e.insert(k.text)
				} else if !e.edit(k) {
					t.Errorf("%v is no key", k)
				}
			}
			if got := e.text[:e.cursor] + "|" + e.text[e.cursor:]; got != tc.want {
				t.Errorf("it is %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatWasTypedComesBack(t *testing.T) {
	var e editor
	for range maxTyped + 5 {
		e.insert("one")
		e.take()
		e.insert("two")
		e.take()
		e.insert(" ")
		e.take()
	}
	if len(e.typed) != maxTyped {
		t.Errorf("%d lines are kept", len(e.typed))
	}
	e.insert("draft")
	for _, step := range []struct {
		key  keyCode
		want string
	}{{keyUp, "two"}, {keyUp, "one"}, {keyDown, "two"}, {keyDown, "draft"}, {keyDown, "draft"}} {
		e.edit(key{code: step.key})
		if e.text != step.want || e.cursor != len(step.want) {
			t.Errorf("it is %q, want %q", e.text, step.want)
		}
	}
}

func TestALineIsBounded(t *testing.T) {
	var e editor
	if !e.insert(strings.Repeat("x", maxInput)) || e.insert("y") || len(e.text) != maxInput {
		t.Errorf("%d bytes were taken", len(e.text))
	}
}
