package load

import (
	"testing"
	"time"
)

func TestTallyTellsWhatIsWrong(t *testing.T) {
	y := newTally(4, 1000)
	y.start = time.Unix(1, 0)
	for _, k := range []int{0, 1, 1, 3} {
		y.delivered.note(y, k, y.due(k).Add(time.Duration(k)*time.Millisecond))
		y.accepted.note(y, k, y.due(k))
	}
	y.delivered.note(y, 4, y.start)
	v := y.verdict()
	if v.Lost != 1 || v.Twice != 1 || v.Faults != 1 || v.Accepted != 3 || v.Err() == nil {
		t.Errorf("%+v", v)
	}
	d := y.delivered.between(0, 4)
	if len(d) != 3 || d.at(0) != 0 || d.at(0.5) != time.Millisecond || d.at(1) != 3*time.Millisecond {
		t.Errorf("delays of 0, 1 and 3 ms are %v", d)
	}
}

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	for _, n := range []int{0, 125, 126, 70, 3000} {
		frame := appendFrame(nil, opText, make([]byte, n))
		head := len(frame) - n
		if frame[1]&0x80 == 0 {
			t.Fatal("a client's frame is not masked")
		}
		// As a server would write it: not masked.
		server := append([]byte{frame[0], frame[1] &^ 0x80}, frame[2:head-4]...)
		server = append(server, make([]byte, n)...)
		s := &socket{in: server, to: len(server)}
		for short := range len(server) {
			s.to = short
			if _, _, ok := s.next(); ok {
				t.Fatalf("%d of %d bytes are a frame", short, len(server))
			}
		}
		s.to = len(server)
		if op, payload, ok := s.next(); !ok || op != opText || len(payload) != n {
			t.Errorf("%d bytes become %d", n, len(payload))
		}
	}
}
