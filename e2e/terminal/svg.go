// Package terminal makes pictures of what a terminal shows.
package terminal

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// style is how cells look, as far as a picture has it.
type style struct {
	bold, dim, reverse bool
	colour             int // 1 to 7; 0 for the default
}

// piece is a part of a row that looks the same.
type piece struct {
	column int
	text   string
	style  style
}

// What a picture has, in pixels, and its colours: those of a light terminal, which can be read on it.
const (
	cellWidth, cellHeight = 8.5, 18.0
	fontSize              = 14
	margin                = 12.0
	baseline              = 13.5 // of a row, from its top
)

var colours = [8]string{"#24292f", "#b42318", "#1a7f37", "#7d5700", "#0b57d0", "#8839a8", "#0a7080", "#57606a"}

const paper = "#ffffff"

// SVG makes a picture of a screen, which is rows as `tmux capture-pane -e` prints them: texts, and escape sequences that
// say how they look (ECMA-48, SGR). title is what the picture is of. Texts are set in a font of the reader's, and stretched to
// their cells, so that columns stay columns in each.
func SVG(screen, title string, columns, rows int) (string, error) {
	var boxes, texts strings.Builder
	width, height := float64(columns)*cellWidth+2*margin, float64(rows)*cellHeight+2*margin
	now := style{}
	for y, row := range strings.Split(strings.TrimSuffix(screen, "\n"), "\n") {
		if y >= rows {
			break
		}
		pieces, err := split(row, &now)
		if err != nil {
			return "", fmt.Errorf("row %d: %w", y, err)
		}
		for _, p := range pieces {
			draw(&boxes, &texts, p, margin+float64(y)*cellHeight)
		}
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s" role="img">
<title>%[3]s</title>
<style>text{font:%[4]dpx ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre}.b{font-weight:700}</style>
<rect x=".5" y=".5" width="%[5]s" height="%[6]s" rx="8" fill="%[7]s" stroke="#d0d7de"/>
%[8]s%[9]s</svg>
`, number(width), number(height), html.EscapeString(title), fontSize, number(width-1), number(height-1), paper, boxes.String(), texts.String()), nil
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// at is where a column begins.
func at(column int) float64 { return float64(int(margin*100)+int(cellWidth*100)*column) / 100 }

// draw draws a piece of a row whose top is at y.
func draw(boxes, texts *strings.Builder, p piece, y float64) {
	cells := displaywidth.String(p.text)
	ink := colours[p.style.colour]
	if p.style.reverse {
		fmt.Fprintf(boxes, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\" shape-rendering=\"crispEdges\"/>\n",
			number(at(p.column)), number(y), number(at(p.column+cells)-at(p.column)), number(cellHeight), ink)
		ink = paper
	}
	if text := strings.TrimLeft(p.text, " "); text != p.text {
		p.column += len(p.text) - len(text)
		p.text = text
	}
	p.text = strings.TrimRight(p.text, " ")
	if p.text == "" {
		return
	}
	cells = displaywidth.String(p.text)
	left, right := at(p.column), at(p.column+cells)
	more := ` fill="` + ink + `"`
	if p.style.dim && !p.style.reverse {
		more += ` fill-opacity=".7"`
	}
	if strings.Trim(p.text, "│") == "" { // a line through the whole row, without gaps between rows
		middle := (left + right) / 2
		fmt.Fprintf(texts, "<path d=\"M%s %sv%s\" stroke=\"%s\" stroke-opacity=\".35\"/>\n", number(middle), number(y), number(cellHeight), ink)
		return
	}
	if p.style.bold {
		more += ` class="b"`
	}
	fmt.Fprintf(texts, "<text x=\"%s\" y=\"%s\" textLength=\"%s\" lengthAdjust=\"spacingAndGlyphs\"%s>%s</text>\n",
		number(left), number(y+baseline), strconv.FormatFloat(right-left, 'f', 2, 64), more, html.EscapeString(p.text))
}

// split breaks a row into pieces. What is wider than a cell, and lines, are pieces of their own. now is how what
// follows looks, also in the next row.
func split(row string, now *style) (pieces []piece, err error) {
	column, alone := 0, true
	for row != "" {
		if rest, ok := strings.CutPrefix(row, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 || rest[end] != 'm' {
				return nil, fmt.Errorf("%.10q is not about how a text looks", row)
			}
			if err := now.set(rest[:end]); err != nil {
				return nil, err
			}
			row, alone = rest[end+1:], true
			continue
		}
		g := displaywidth.StringGraphemes(row)
		g.Next()
		one, cells := g.Value(), g.Width()
		if one[0] < ' ' {
			return nil, fmt.Errorf("%.10q is no text", row)
		}
		row = row[len(one):]
		special := cells != 1 || one == "│"
		if last := len(pieces) - 1; last >= 0 && !alone && !special {
			pieces[last].text += one
		} else {
			pieces = append(pieces, piece{column, one, *now})
		}
		alone = special
		column += cells
	}
	return pieces, nil
}

// set changes a style by the parameters of an escape sequence.
func (s *style) set(parameters string) error {
	for one := range strings.SplitSeq(parameters, ";") {
		if one == "" {
			one = "0"
		}
		n, err := strconv.Atoi(one)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no parameter of a style", parameters)
		case n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 2:
			s.dim = true
		case n == 7:
			s.reverse = true
		case n == 22:
			s.bold, s.dim = false, false
		case n == 27:
			s.reverse = false
		case n >= 30 && n <= 37:
			s.colour = n - 30
		case n == 39:
			s.colour = 0
		case n == 49: // the default background, which all have
		default:
			return fmt.Errorf("a picture has no style %d", n)
		}
	}
	return nil
}
