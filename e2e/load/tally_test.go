package load

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTallyTellsWhatIsWrong(t *testing.T) {
	y := newTally(4, 1000)
	y.start = time.Unix(1, 0)
	y.sent.Store(4)
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

// TestWhatWasNeverSentIsNotLost: somebody ends a run in its middle.
func TestWhatWasNeverSentIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		defer interrupt()
		client, edge := net.Pipe()
		y := newTally(1000, 10)
		y.start = time.Now()
		p := newPairs(1, 100, Pongs, y)
		p.all[0] = &pair{sender: &guest{socket: &socket{conn: client}}}
		var sending sync.WaitGroup
		sending.Go(func() {
			defer client.Close()
			p.pace(ctx)
		})
		came := 0
		for frame := make([]byte, 1024); ; {
			if _, err := edge.Read(frame); err != nil {
				break
			}
			for _, e := range y.kinds() {
				e.note(y, came, time.Now())
			}
			if came++; came == 10 {
				interrupt()
			}
		}
		sending.Wait()
		y.settle(ctx)
		if v := y.verdict(); v.Sent != int64(came) || v.Sent == int64(y.len()) || v.Lost != 0 || v.Err() != nil {
			t.Errorf("of %d messages %d came, and %+v", y.len(), came, v)
		}
	})
}

// TestLastMessagesMayTakeTheirTime: less when somebody wants the run to end.
func TestLastMessagesMayTakeTheirTime(t *testing.T) {
	for _, tc := range []struct {
		name           string
		interruptAfter time.Duration
		want           time.Duration
	}{
		{"nobody ends the run", time.Hour, settleTime},
		{"it is ended before", 0, hurryTime},
		{"it is ended meanwhile", 5 * time.Second, 5*time.Second + hurryTime},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithTimeout(t.Context(), tc.interruptAfter)
				defer interrupt()
				y := newTally(1, 1)
				y.sent.Store(1)
				began := time.Now()
				y.settle(ctx)
				if took := time.Since(began); took != tc.want {
					t.Errorf("a message that does not come is waited for during %s, want %s", took, tc.want)
				}
			})
		})
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
