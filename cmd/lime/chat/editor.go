package chat

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxInput is how many bytes of a line are taken: less than a message may have.
	maxInput = 20_000
	// maxTyped is how many lines can be had back.
	maxTyped = 50
)

// editor is the line in which somebody types. It may have line ends.
type editor struct {
	text   string
	cursor int // in bytes, at the beginning of a grapheme or the end

	typed []string // the latest last
	back  int      // how far back in typed it is; 0 for what is new
	draft string   // what is new, meanwhile
}

// insert puts a text at the cursor. What is no text is left out, and so is what is too much.
func (e *editor) insert(text string) (fits bool) {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError:
			return -1
		}
		return r
	}, strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"))
	if len(e.text)+len(text) > maxInput {
		return false
	}
	e.text = e.text[:e.cursor] + text + e.text[e.cursor:]
	e.cursor += len(text)
	if e.cursor < len(e.text) && e.cursor > 0 { // it may have joined what is behind it
		e.cursor = after(e.text, e.cursor-1)
	}
	return true
}

func (e *editor) remove(from, to int) {
	e.text, e.cursor = e.text[:from]+e.text[to:], from
}

// edit does what a key says, and tells whether it was one for it.
func (e *editor) edit(k key) bool {
	switch k.code {
	case keyLeft:
		e.cursor = before(e.text, e.cursor)
	case keyRight:
		e.cursor = after(e.text, e.cursor)
	case keyWordLeft:
		e.cursor = e.wordLeft()
	case keyWordRight:
		e.cursor = e.wordRight()
	case keyHome:
		e.cursor = 0
	case keyEnd:
		e.cursor = len(e.text)
	case keyBackspace:
		e.remove(before(e.text, e.cursor), e.cursor)
	case keyDelete:
		e.remove(e.cursor, after(e.text, e.cursor))
	case keyKillWord:
		e.remove(e.wordLeft(), e.cursor)
	case keyKillLine:
		e.remove(0, e.cursor)
	case keyKillEnd:
		e.remove(e.cursor, len(e.text))
	case keyUp:
		e.recall(e.back + 1)
	case keyDown:
		e.recall(e.back - 1)
	default:
		return false
	}
	return true
}

func (e *editor) wordLeft() int {
	head := strings.TrimRight(e.text[:e.cursor], " \n")
	return strings.LastIndexAny(head, " \n") + 1
}

func (e *editor) wordRight() int {
	rest := e.text[e.cursor:]
	rest = rest[len(rest)-len(strings.TrimLeft(rest, " \n")):]
	if i := strings.IndexAny(rest, " \n"); i >= 0 {
		return len(e.text) - len(rest) + i
	}
	return len(e.text)
}

// recall shows what was typed before.
func (e *editor) recall(back int) {
	if back < 0 || back > len(e.typed) {
		return
	}
	if e.back == 0 {
		e.draft = e.text
	}
	if e.back = back; back == 0 {
		e.text = e.draft
	} else {
		e.text = e.typed[len(e.typed)-back]
	}
	e.cursor = len(e.text)
}

// take returns what was typed, and begins anew.
func (e *editor) take() string {
	text := e.text
	if strings.TrimSpace(text) != "" && (len(e.typed) == 0 || e.typed[len(e.typed)-1] != text) {
		if e.typed = append(e.typed, text); len(e.typed) > maxTyped {
			e.typed = e.typed[1:]
		}
	}
	e.text, e.cursor, e.back, e.draft = "", 0, 0, ""
	return text
}
