package chat

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// look is how a cell looks: attributes, and in look.colour one of the terminal's own colours, which its owner has
// chosen so that they can be read on its background. No meaning is told by a colour alone.
type look uint16

const (
	lookBold look = 1 << iota
	lookDim
	lookReverse
	lookUnderline
)

const (
	lookRed     = look(1) << 8
	lookGreen   = look(2) << 8
	lookMagenta = look(5) << 8
	lookCyan    = look(6) << 8
)

// colour is the number of the terminal's colour; 0 for its default.
func (l look) colour() int { return int(l >> 8) }

// cell is one place of a frame.
type cell struct {
	text string // a grapheme; "" behind a wide one
	look look
}

// frame is what is shown.
type frame struct {
	width, height int
	cells         []cell
	cursorX       int // -1 for none
	cursorY       int
}

func newFrame(width, height int) *frame {
	f := &frame{width: width, height: height, cells: make([]cell, width*height), cursorX: -1, cursorY: -1}
	for i := range f.cells {
		f.cells[i].text = " "
	}
	return f
}

// put writes a text into a row, from a column up to another, and returns the column behind it. Nothing gets beyond:
// a wide character of which only half would fit is left out, as is what has no width at all. Of one that is half
// written over nothing stays.
func (f *frame) put(x, y, end int, text string, l look) int {
	end = min(end, f.width)
	if y < 0 || y >= f.height || x < 0 {
		return x
	}
	g := displaywidth.StringGraphemes(text)
	for g.Next() {
		cells := g.Width()
		if cells == 0 || g.Value() == "\n" {
			continue
		}
		if x+cells > end {
			break
		}
		row := f.cells[y*f.width : (y+1)*f.width]
		for i := x; i > 0 && row[i].text == ""; i-- {
			row[i-1].text = " "
		}
		for i := x + cells; i < len(row) && row[i].text == ""; i++ {
			row[i].text = " "
		}
		row[x] = cell{g.Value(), l}
		for i := x + 1; i < x+cells; i++ {
			row[i] = cell{"", l}
		}
		x += cells
	}
	return x
}

// fill gives the cells of a row a look.
func (f *frame) fill(x, y, end int, l look) {
	if y < 0 || y >= f.height {
		return
	}
	for ; x < min(end, f.width); x++ {
		f.cells[y*f.width+x] = cell{" ", l}
	}
}

// text is what can be read in the frame, without white space at the ends of its rows.
func (f *frame) text() string {
	var b strings.Builder
	for y := range f.height {
		var row strings.Builder
		for _, c := range f.cells[y*f.width : (y+1)*f.width] {
			row.WriteString(c.text)
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
