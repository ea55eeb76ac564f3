package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"

	"limegrove/cmd/lime/words"
)

// maxText is how many bytes of a message are shown.
const maxText = 20_000

// maxMarks is how many combining marks a character keeps. No language has more, and others' lines are above and below.
const maxMarks = 4

// plain is what others have written, as it may be shown. It has line ends, and no other character without a width of
// its own but what joins others.
func plain(text string) string {
	rest := 0
	if len(text) > maxText {
		end := maxText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text, rest = text[:end], len(text)-end
	}
	marks := 0
	text = strings.Map(func(r rune) rune {
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > maxMarks {
			return -1
		}
		switch {
		case r == '\t':
			return ' '
		case unicode.Is(unicode.Cf, r) && r != zeroWidthJoiner && r != zeroWidthNonJoiner && !isTag(r):
			return -1
		}
		return r
	}, words.Clean(strings.ReplaceAll(text, "\r\n", "\n")))
	if rest > 0 {
		text += fmt.Sprintf("… and %d more bytes", rest)
	}
	return text
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// isTag tells whether a character is of those that make a flag of a region's.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

// oneLine is plain in one line, for names and the like.
func oneLine(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(plain(text), "\n", " "))
}

// widthOf is how many cells a text takes.
func widthOf(text string) int { return displaywidth.String(text) }

// cut is a text in at most so many cells; an ellipsis stands for what is left out.
func cut(text string, width int) string {
	if width <= 0 {
		return ""
	}
	return displaywidth.TruncateString(text, width, "…")
}

// wrap breaks a text into rows of at most so many cells: at line ends, at spaces, and within what is longer than a row.
func wrap(text string, width int) []string {
	width = max(width, 1)
	var rows []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		rows = wrapParagraph(rows, paragraph, width)
	}
	return rows
}

func wrapParagraph(rows []string, text string, width int) []string {
	start, at, used := 0, 0, 0    // of the row, of the grapheme, in cells
	space, usedUpToSpace := -1, 0 // behind the row's last space
	g := displaywidth.StringGraphemes(text)
	for g.Next() {
		one, cells := g.Value(), g.Width()
		for used > 0 && used+cells > width {
			if one == " " { // it hangs over the edge
				break
			}
			if space > start {
				rows = append(rows, strings.TrimRight(text[start:space], " "))
				start, used, space = space, used-usedUpToSpace, -1
				continue
			}
			rows = append(rows, text[start:at])
			start, used = at, 0
		}
		used += cells
		at += len(one)
		if one == " " {
			space, usedUpToSpace = at, used
		}
	}
	return append(rows, strings.TrimRight(text[start:], " "))
}

// skip is a text without so many cells at its beginning, or one more where a wide character stands.
func skip(text string, cells int) string {
	at := 0
	for g := displaywidth.StringGraphemes(text); cells > 0 && g.Next(); {
		at += len(g.Value())
		cells -= g.Width()
	}
	return text[at:]
}

// before is the beginning of the grapheme that ends at or spans a place in a text, after that at or behind it.
func before(text string, place int) int {
	last := 0
	g := displaywidth.StringGraphemes(text)
	for at := 0; g.Next(); {
		if at+len(g.Value()) >= place {
			return at
		}
		at += len(g.Value())
		last = at
	}
	return last
}

func after(text string, place int) int {
	g := displaywidth.StringGraphemes(text)
	for at := 0; g.Next(); {
		if at += len(g.Value()); at > place {
			return at
		}
	}
	return len(text)
}

// size is a number of bytes, for people.
func size(bytes int64) string {
	const units = "kMGTPE"
	if bytes < 1000 {
		return fmt.Sprintf("%d B", bytes)
	}
	value, unit := float64(bytes)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, units[unit])
}
