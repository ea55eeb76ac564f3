package chat

import (
	"slices"
	"strings"
	"testing"
)

func TestOthersWordsArePlain(t *testing.T) {
	for text, want := range map[string]string{
		"a\x1b]0;title\x07b":                     "a\ufffd]0;title\ufffdb",
		"tab\there\r\nnext":                      "tab here\nnext",
		"\u202etxt.exe":                          "\ufffdtxt.exe",
		"zero\u200b\ufeff\u00adwide":             "zerowide",
		"a" + strings.Repeat("\u0301", 50) + "b": "a" + strings.Repeat("\u0301", maxMarks) + "b",
		"👩\u200d👩\u200d👧":                        "👩\u200d👩\u200d👧",
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
		strings.Repeat("x", maxText+3):                                  strings.Repeat("x", maxText) + "… and 3 more bytes",
		strings.Repeat("x", maxText-1) + "é":                            strings.Repeat("x", maxText-1) + "… and 2 more bytes",
	} {
		if got := plain(text); got != want {
			t.Errorf("%.80q is shown as %.80q, want %.80q", text, got, want)
		}
	}
	if got := oneLine(" a\nb "); got != "a b" {
		t.Errorf("in one line it is %q", got)
	}
}

func TestTextsAreBrokenIntoRows(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one two", 7, []string{"one two"}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two three", 6, []string{"one", "two", "three"}},
		{"abcdefgh", 3, []string{"abc", "def", "gh"}},
		{"ab cdefgh", 4, []string{"ab", "cdef", "gh"}},
		{"a\n\nb", 4, []string{"a", "", "b"}},
		{"漢字漢字", 5, []string{"漢字", "漢字"}},
		{"漢字", 1, []string{"漢", "字"}},
		{"e\u0301e\u0301e\u0301", 2, []string{"e\u0301e\u0301", "e\u0301"}},
		{"👩\u200d👩\u200d👧 x", 2, []string{"👩\u200d👩\u200d👧", "x"}},
		{"a    b", 2, []string{"a", "b"}},
		{"ab", 0, []string{"a", "b"}},
	} {
		if got := wrap(tc.text, tc.width); !slices.Equal(got, tc.want) {
			t.Errorf("%q in %d is %q, want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

func TestSizesForPeople(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 999_949: "999.9 kB", 999_950: "1.0 MB", 5 << 30: "5.4 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}

func TestBarsAreAsLongAsTheyMayBe(t *testing.T) {
	for want, got := range map[string]string{
		"[#####-----] 50%": bar(1, 2, 10), "[----------] 0%": bar(-1, 2, 10), "[##########] 100%": bar(9, 2, 10), "": bar(1, 0, 10),
		"[#] 100%": bar(1<<62, 1<<62, 1),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Whatever others write stays in its cells: no control character comes into a frame, and no row gets longer.
func FuzzOthersWords(f *testing.F) {
	for _, seed := range []string{"hello", "\x1b[2J\x1b]52;c;aGk=\x07", "\u202eabc\u2066", "漢字 👩\u200d👩\u200d👧", "\xff\xfe", "a\u0301\u0301", "\n\n\r\t", strings.Repeat("🏳️‍🌈", 40)} {
		f.Add(seed, uint8(80), uint8(24))
		f.Add(seed, uint8(20), uint8(5))
	}
	f.Fuzz(func(t *testing.T, text string, width, height uint8) {
		d := newDesk(t, int(width), int(height))
		d.comes("mia@localhost", text)
		d.m.talks["mia@localhost"].title = oneLine(text)
		d.m.say("%s", text)
		d.m.open(d.m.talks["mia@localhost"])
		if !d.m.input.insert(text) && len(text) < maxInput {
			t.Error("it cannot be typed")
		}
		checkFrame(t, draw(d.m))
		d.m.notice, d.m.listed = "", true
		checkFrame(t, draw(d.m))
		for range 3 {
			d.press(keyLeft, keyDelete, keyUp, keyWordLeft, keyPageUp)
		}
		checkFrame(t, draw(d.m))
	})
}

// checkFrame looks at a frame's cells.
func checkFrame(t *testing.T, f *frame) {
	t.Helper()
	for y := range f.height {
		for x := 0; x < f.width; {
			c := f.cells[y*f.width+x]
			if plain(c.text) != c.text || strings.Contains(c.text, "\n") {
				t.Fatalf("the cell %d, %d has %q", x, y, c.text)
			}
			w := widthOf(c.text)
			if w < 1 || x+w > f.width {
				t.Fatalf("the cell %d, %d has %q, which takes %d", x, y, c.text, w)
			}
			for i := 1; i < w; i++ {
				if behind := f.cells[y*f.width+x+i].text; behind != "" {
					t.Fatalf("behind the wide %q is %q", c.text, behind)
				}
			}
			x += w
		}
	}
	if f.cursorX >= f.width || f.cursorY >= f.height {
		t.Fatalf("the cursor is at %d, %d of %d, %d", f.cursorX, f.cursorY, f.width, f.height)
	}
}

func TestNothingStaysOfACharacterThatIsHalfWrittenOver(t *testing.T) {
	for _, tc := range []struct {
		at         int
		text, want string
	}{
		{0, "x", "x 字漢"}, {1, "x", " x字漢"}, {2, "x", "漢x 漢"}, {3, "x", "漢 x漢"}, {1, "力", " 力 漢"}, {4, "力", "漢字力"}, {5, "力", "漢字漢"},
	} {
		f := newFrame(6, 1)
		f.put(0, 0, 6, "漢字漢", 0)
		f.put(tc.at, 0, 6, tc.text, 0)
		checkFrame(t, f)
		if got := f.text(); got != tc.want+"\n" {
			t.Errorf("%s at %d gives %q, want %q", tc.text, tc.at, got, tc.want)
		}
	}
}
