package floorws

import (
	"testing"
	"time"

	"limegrove/loadtest/protocol"
)

var _ protocol.Rooms = Floor{}

func TestClientsTellTheirNumbers(t *testing.T) {
	out, _, done, err := Floor{}.AppendLogin(nil, 258, 0, nil)
	if err != nil || done || string(out) != "i\x00\x00\x01\x02" {
		t.Fatalf("it says %q: %t, %v", out, done, err)
	}
	if _, taken, done, err := (Floor{}).AppendLogin(nil, 258, 1, out); err != nil || !done || taken != len(out) {
		t.Errorf("in session: %t, %v", done, err)
	}
	if _, _, done, err := (Floor{}).AppendLogin(nil, 258, 1, []byte("m")); err == nil || done {
		t.Error("another answer is good, too")
	}
}

func TestStampsComeBack(t *testing.T) {
	m := protocol.Message{Stamp: protocol.Stamp{Stream: 7, Number: 9, Due: time.Second}, Text: "xxxx"}
	for name, said := range map[string][]byte{
		"m\x00\x00\x00\x03": Floor{}.AppendMessage(nil, 3, &m),
		"p\x00\x00\x00\x03": Floor{}.AppendPublish(nil, 3, &m),
	} {
		e, taken, err := Floor{}.Read(said)
		if err != nil || e.Kind != protocol.Delivered || e.Stamp != m.Stamp || taken != len(said) || string(said[:headLen]) != name {
			t.Errorf("%q is %+v: %v", said, e, err)
		}
	}
	if e, _, err := (Floor{}).Read(Floor{}.AppendJoin(nil, 3, 9)); err != nil || e.Kind != protocol.Joined {
		t.Errorf("who joins is told %+v: %v", e, err)
	}
	for _, in := range []string{"", "m", "m\x00\x00\x00\x03", "m\x00\x00\x00\x03stamp", "x\x00\x00\x00\x03" + "00000007000000090000000000000000"} {
		if e, _, err := (Floor{}).Read([]byte(in)); err == nil {
			t.Errorf("%q is %+v", in, e)
		}
	}
}
