package terminal

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestRowsAreSplitByTheirLook(t *testing.T) {
	var now style
	for _, tc := range []struct {
		row  string
		want []piece
	}{
		{"plain", []piece{{0, "plain", style{}}}},
		{"a\x1b[1mb\x1b[32mc", []piece{{0, "a", style{}}, {1, "b", style{bold: true}}, {2, "c", style{bold: true, colour: 2}}}},
		{"on\x1b[mly", []piece{{0, "on", style{bold: true, colour: 2}}, {2, "ly", style{}}}}, // a look goes on in the next row
		{"\x1b[7;2mx\x1b[27my\x1b[0mz", []piece{{0, "x", style{reverse: true, dim: true}}, {1, "y", style{dim: true}}, {2, "z", style{}}}},
		{"a漢b│c", []piece{{0, "a", style{}}, {1, "漢", style{}}, {3, "b", style{}}, {4, "│", style{}}, {5, "c", style{}}}},
	} {
		got, err := split(tc.row, &now)
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%q is %v, %v, want %v", tc.row, got, err, tc.want)
		}
	}
	for _, row := range []string{"\x1b[2J", "\x1b[", "\x1b[99m", "\x1b[xm", "\x1b]0;x\a", "\a"} {
		if got, err := split(row, &now); err == nil {
			t.Errorf("%q is %v", row, got)
		}
	}
}

func TestAPictureIsXML(t *testing.T) {
	made, err := SVG("a < b & \"c\"\n\x1b[7m two  \x1b[0m\nx\nbelow the last row\n", "what <it> is", 12, 3)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for d := xml.NewDecoder(strings.NewReader(made)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, made)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			texts = append(texts, string(text))
		}
	}
	if want := []string{"what <it> is", "a < b & \"c\"", "two", "x"}; !reflect.DeepEqual(append(texts[:1:1], texts[2:]...), want) { // between them is the style
		t.Errorf("it has %q, want %q", texts, want)
	}
	if _, err := SVG("\x1b[99m", "", 1, 1); err == nil {
		t.Error("what cannot be drawn is drawn")
	}
}
