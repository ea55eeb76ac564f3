package natsws

import (
	"strings"
	"testing"
	"time"

	"limegrove/loadtest/protocol"
)

var _ protocol.Rooms = NATS{}

var message = protocol.Message{Stamp: protocol.Stamp{Stream: 7, Number: 9, Due: time.Second}, Text: "xxxx"}

func TestClientsSubscribeAndWaitForIt(t *testing.T) {
	out, taken, done, err := NATS{}.AppendLogin([]byte("x"), 12, 0, nil)
	if err != nil || done || taken != 0 || !strings.HasPrefix(string(out), "xCONNECT {") || !strings.HasSuffix(string(out), "}\r\nSUB c.12 1\r\nPING\r\n") {
		t.Errorf("it says %q: %t, %v", out, done, err)
	}
	for in, want := range map[string]struct {
		taken int
		done  bool
		fails bool
	}{
		"INFO {\"server_id\":\"x\"}\r\nPONG\r\n": {taken: 24},
		"PONG\r\n":                               {taken: 6, done: true},
		"PON":                                    {},
		"-ERR 'Authorization Violation'\r\n":     {taken: 32, fails: true},
	} {
		out, taken, done, err := NATS{}.AppendLogin(nil, 12, 1, []byte(in))
		if taken != want.taken || done != want.done || err != nil != want.fails || len(out) > 0 {
			t.Errorf("of %q it has taken %d, in session: %t, says %q, %v", in, taken, done, out, err)
		}
	}
}

func TestStampsComeBack(t *testing.T) {
	for name, said := range map[string][]byte{
		"PUB c.3 ": NATS{}.AppendMessage(nil, 3, &message),
		"PUB r.3 ": NATS{}.AppendPublish(nil, 3, &message),
	} {
		rest, ok := strings.CutPrefix(string(said), name)
		if !ok || !strings.HasPrefix(rest, "36\r\n") {
			t.Fatalf("it says %q", said)
		}
		// As the server hands it on, with what comes behind it.
		whole := "MSG " + name[4:] + "1 " + rest
		in := []byte(whole + "PING\r\n")
		e, taken, err := NATS{}.Read(in)
		if err != nil || e.Kind != protocol.Delivered || e.Stamp != message.Stamp || taken != len(whole) {
			t.Errorf("of %q it has taken %d: %+v, %v", in, taken, e, err)
		}
		for n := range whole {
			if e, taken, err := (NATS{}).Read(in[:n]); taken != 0 || err != nil || e.Kind != protocol.Nothing {
				t.Errorf("of the first %d bytes of %q it has taken %d: %+v, %v", n, in, taken, e, err)
			}
		}
	}
}

func TestWhatElseComesIsTold(t *testing.T) {
	for in, want := range map[string]protocol.Kind{
		"PONG\r\n":                    protocol.Joined,
		"+OK\r\n":                     protocol.Nothing,
		"INFO {}\r\n":                 protocol.Nothing,
		"-ERR 'Stale Connection'\r\n": protocol.Ended,
	} {
		if e, taken, err := (NATS{}).Read([]byte(in)); err != nil || e.Kind != want || taken != len(in) || e.Answer != nil {
			t.Errorf("%q is %+v: %v", in, e, err)
		}
	}
	if e, _, err := (NATS{}).Read([]byte("PING\r\n")); err != nil || string(e.Answer) != "PONG\r\n" {
		t.Errorf("a ping is answered by %q: %v", e.Answer, err)
	}
	for _, in := range []string{"HMSG c.1 1 2 3\r\n", "MSG c.1 1 x\r\n", "MSG c.1 1 -9\r\n", "MSG c.1 1 2\r\nxx\r\n"} {
		if e, _, err := (NATS{}).Read([]byte(in)); err == nil {
			t.Errorf("%q is %+v", in, e)
		}
	}
}
