package mqttws

import (
	"strings"
	"testing"
	"time"

	"limegrove/loadtest/protocol"
)

var _ protocol.Rooms = MQTT{}

const (
	connected  = "\x20\x02\x00\x00"
	subscribed = "\x90\x03\x00\x01\x00"
)

func TestClientsConnectAndSubscribeAtOnce(t *testing.T) {
	const want = "\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x0212" + "\x82\x09\x00\x01\x00\x04c/12\x00"
	out, _, done, err := MQTT{}.AppendLogin(nil, 12, 0, nil)
	if err != nil || done || string(out) != want {
		t.Errorf("it says %q: %t, %v", out, done, err)
	}
	for in, want := range map[string]struct {
		taken int
		done  bool
		fails bool
	}{
		connected + subscribed: {taken: 4},
		subscribed:             {taken: 5, done: true},
		connected[:3]:          {},
		"\x20\x02\x00\x05":     {taken: 4, fails: true}, // not authorized
		"\x90\x03\x00\x01\x80": {taken: 5, fails: true}, // no subscription
	} {
		_, taken, done, err := MQTT{}.AppendLogin(nil, 12, 1, []byte(in))
		if taken != want.taken || done != want.done || err != nil != want.fails {
			t.Errorf("of %q it has taken %d, in session: %t, %v", in, taken, done, err)
		}
	}
}

func TestStampsComeBack(t *testing.T) {
	for _, size := range []int{0, 4, 80, 16_300, 20_000} { // where lengths take another byte
		m := protocol.Message{Stamp: protocol.Stamp{Stream: 7, Number: 9, Due: time.Second}, Text: strings.Repeat("x", size)}
		for _, said := range [][]byte{MQTT{}.AppendMessage(nil, 3, &m), MQTT{}.AppendPublish(nil, 3, &m)} {
			e, taken, err := MQTT{}.Read(append(said, connected...))
			if err != nil || e.Kind != protocol.Delivered || e.Stamp != m.Stamp || taken != len(said) {
				t.Errorf("%d bytes: it has taken %d: %+v, %v", size, taken, e, err)
			}
			for _, n := range []int{0, 1, 2, 3, len(said) - 1} {
				if e, taken, err := (MQTT{}).Read(said[:n]); taken != 0 || err != nil || e.Kind != protocol.Nothing {
					t.Errorf("of the first %d bytes of %d it has taken %d: %+v, %v", n, len(said), taken, e, err)
				}
			}
		}
	}
}

func TestWhatElseComesIsTold(t *testing.T) {
	if e, taken, err := (MQTT{}).Read([]byte(subscribed)); err != nil || e.Kind != protocol.Joined || taken != len(subscribed) {
		t.Errorf("who joins is told %+v: %v", e, err)
	}
	for _, in := range []string{
		"\x90\x03\x00\x01\x80",             // no subscription
		"\x30\x03\x00\x01c",                // no stamp
		"\x30\x03\x00\xffc",                // a topic beyond the packet
		"\xd0\x00",                         // the answer to a ping, which nobody sent
		"\x30\xff\xff\xff\xff\x01\x00\x01", // a length that is none
	} {
		if e, _, err := (MQTT{}).Read([]byte(in)); err == nil {
			t.Errorf("%q is %+v", in, e)
		}
	}
}
