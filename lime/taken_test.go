package lime

import "testing"

func TestWhatIsNoTakenTakesEverything(t *testing.T) {
	for _, b := range []string{"", "\x00", "\x00\x00", "\x02\x00", "\x00\x02abcd", "\x00\x01abcde", "\x00\x80", "\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"} {
		if got := ParseTaken([]byte(b)); got != nil {
			t.Errorf("%q is %+v", b, got)
		}
	}
}
