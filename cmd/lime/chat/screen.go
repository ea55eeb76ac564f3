package chat

import (
	"fmt"

	"github.com/gdamore/tcell/v3"
)

// screen is a terminal. It is the only place that knows the library which draws on it.
type screen struct {
	tcell.Screen
	title string
	paste *string // what is being pasted; nil while nothing is
	plain bool    // it has no colours
}

// openScreen takes the process's terminal, and opens it for that: the library leaves what it has read from in non-blocking
// mode, which the shell would find on a standard input that they share.
func openScreen() (*screen, error) {
	tty, err := tcell.NewDevTty()
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	return newScreen(tty)
}

func newScreen(tty tcell.Tty) (*screen, error) {
	t, err := tcell.NewTerminfoScreenFromTty(tty)
	if err == nil {
		err = t.Init()
	}
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	t.EnablePaste()
	t.EnableFocus()
	// Where a locale has no such characters.
	for r, instead := range map[rune]string{'●': "*", '○': "-", '◐': "~", '■': "!", '…': ".", '✓': "v", '✗': "x", '↵': "$", '─': "-", '│': "|", '↓': "v", '·': "-"} {
		t.RegisterRuneFallback(r, instead)
	}
	return &screen{Screen: t, plain: t.Colors() == 0}, nil
}

// maxPaste bounds what is pasted while it comes; the editor takes less.
const maxPaste = 2 * maxInput

// event is what happened at the terminal, as the model takes it; nil for nothing of its.
func (s *screen) event(e tcell.Event) any {
	switch e := e.(type) {
	case *tcell.EventResize:
		s.Sync() // which asks the system: what terminals say themselves, tmux 3.3 says the wrong way round
		w, h := s.Size()
		return resized{w, h}
	case *tcell.EventFocus:
		return focused{e.Focused}
	case *tcell.EventPaste:
		if e.Start() {
			s.paste = new(string)
			return nil
		}
		if s.paste != nil {
			text := *s.paste
			s.paste = nil
			return pasted{text}
		}
	case *tcell.EventKey:
		k := keyOf(e)
		if s.paste == nil {
			return k
		}
		switch {
		case len(*s.paste) > maxPaste:
		case k.code == keyText:
			*s.paste += k.text
		case k.code == keyEnter || k.code == keyLineEnd || e.Key() == tcell.KeyCtrlJ:
			*s.paste += "\n"
		case k.code == keyTab:
			*s.paste += " "
		}
	}
	return nil
}

// keyOf is what a key means here.
func keyOf(e *tcell.EventKey) key {
	alt, ctrl := e.Modifiers()&tcell.ModAlt != 0, e.Modifiers()&tcell.ModCtrl != 0
	switch e.Key() {
	case tcell.KeyRune:
		switch {
		case alt && e.Str() == "b":
			return key{code: keyWordLeft}
		case alt && e.Str() == "f":
			return key{code: keyWordRight}
		case alt, ctrl:
			return key{}
		}
		return key{keyText, e.Str()}
	case tcell.KeyEnter:
		if alt {
			return key{code: keyLineEnd}
		}
		return key{code: keyEnter}
	case tcell.KeyLeft:
		if alt || ctrl {
			return key{code: keyWordLeft}
		}
	case tcell.KeyRight:
		if alt || ctrl {
			return key{code: keyWordRight}
		}
	case tcell.KeyUp:
		if alt || ctrl {
			return key{code: keyPrevious}
		}
	case tcell.KeyDown:
		if alt || ctrl {
			return key{code: keyNext}
		}
	case tcell.KeyBackspace:
		if alt || ctrl {
			return key{code: keyKillWord}
		}
	}
	return key{code: keys[e.Key()]}
}

var keys = map[tcell.Key]keyCode{
	tcell.KeyTab: keyTab, tcell.KeyEscape: keyEscape, tcell.KeyBackspace: keyBackspace, tcell.KeyDelete: keyDelete,
	tcell.KeyLeft: keyLeft, tcell.KeyRight: keyRight, tcell.KeyUp: keyUp, tcell.KeyDown: keyDown, tcell.KeyHome: keyHome, tcell.KeyEnd: keyEnd,
	tcell.KeyPgUp: keyPageUp, tcell.KeyPgDn: keyPageDown,
	tcell.KeyCtrlA: keyHome, tcell.KeyCtrlB: keyLeft, tcell.KeyCtrlC: keyQuit, tcell.KeyCtrlD: keyDelete, tcell.KeyCtrlE: keyEnd,
	tcell.KeyCtrlF: keyRight, tcell.KeyCtrlJ: keyLineEnd, tcell.KeyCtrlK: keyKillEnd, tcell.KeyCtrlL: keyList, tcell.KeyCtrlN: keyNext,
	tcell.KeyCtrlP: keyPrevious, tcell.KeyCtrlU: keyKillLine, tcell.KeyCtrlW: keyKillWord,
}

// show shows a frame.
func (s *screen) show(f *frame, title string) {
	for y := range f.height {
		for x := range f.width {
			if c := f.cells[y*f.width+x]; c.text != "" {
				s.Put(x, y, c.text, s.style(c.look))
			}
		}
	}
	s.ShowCursor(f.cursorX, f.cursorY)
	if title != s.title {
		s.SetTitle(title)
		s.title = title
	}
	s.Show()
}

// style is a look with the terminal's means.
func (s *screen) style(l look) tcell.Style {
	style := tcell.StyleDefault
	if c := l.colour(); c != 0 && !s.plain {
		style = style.Foreground(tcell.PaletteColor(c))
	}
	return style.Bold(l&lookBold != 0).Dim(l&lookDim != 0).Reverse(l&lookReverse != 0)
}
