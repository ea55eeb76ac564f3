package aioconnectors

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"limegrove/edge/dialect"
)

// framed writes a frame: a header, data, and a binary part if there is one more.
func framed(header string, parts ...string) []byte {
	rest := binary.LittleEndian.AppendUint16(nil, uint16(len(header)))
	rest = append(rest, header...)
	for _, p := range parts {
		rest = binary.LittleEndian.AppendUint32(rest, uint32(len(p)))
		rest = append(rest, p...)
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(rest))), rest...)
}

// bytesOf are those of hexadecimal digits and, between apostrophes, of text.
func bytesOf(t *testing.T, written string) (b []byte) {
	t.Helper()
	for i, part := range strings.Split(written, "'") {
		if i%2 == 1 {
			b = append(b, part...)
			continue
		}
		digits, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, digits...)
	}
	return b
}

func TestFramesAreReadAsTheyStandInTheBytes(t *testing.T) {
	for _, row := range []struct{ wire, header, data, binary string }{
		{`44 00 00 00 39 00 '{"message_type":"_handshake_no_ssl","source_id":"kiosk7"}' 05 00 00 00 'hello'`, `_handshake_no_ssl`, "hello", ""},
		{`52 00 00 00 3e 00 '{"message_type":"any","source_id":"kiosk7","with_binary":true}' 07 00 00 00 '{"n":1}' 03 00 00 00 01 02 03`, "any", `{"n":1}`, "\x01\x02\x03"},
	} {
		b := bytesOf(t, row.wire)
		for cut := range b {
			if n, err := size(b[:cut]); err != nil || n != 0 && n != len(b) || n == 0 && cut >= sizeLen {
				t.Errorf("of %d bytes the size is %d, %v", cut, n, err)
			}
		}
		if n, err := size(append(bytes.Clone(b), b...)); n != len(b) || err != nil {
			t.Errorf("the size is %d, %v, of %d", n, err, len(b))
		}
		var f frame
		if err := f.parse(b); err != nil {
			t.Fatal(err)
		}
		if got := string(f.header.text("message_type")); got != row.header || string(f.data) != row.data || string(f.binary) != row.binary {
			t.Errorf("it is %q with %q and %q", got, f.data, f.binary)
		}
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	for _, b := range [][]byte{{0, 0, 0, 0}, {7, 0, 0, 0}} {
		if _, err := size(b); !errors.Is(err, errFrame) {
			t.Errorf("%v: %v", b, err)
		}
	}
	for _, text := range []string{"GET / HTTP/1.1\r\n", "\xff\xff\xff\xff"} {
		if n, err := size([]byte(text)); err != nil || n < 500<<20 {
			t.Errorf("%q is the head of %d bytes, %v", text, n, err)
		}
	}
	for name, b := range map[string][]byte{
		"no JSON":                        framed("{]", ""),
		"no object":                      framed("[]", ""),
		"two objects":                    framed("{}{}", ""),
		"no UTF-8":                       framed("{\"a\":\"\xff\"}", ""),
		"no data":                        append(framed("{}"), 0, 0, 0, 0)[:8],
		"a header longer than the frame": {8, 0, 0, 0, 9, 0, '{', '}', 0, 0, 0, 0},
		"data longer than the frame":     {8, 0, 0, 0, 2, 0, '{', '}', 1, 0, 0, 0},
		"data shorter than the frame":    {9, 0, 0, 0, 2, 0, '{', '}', 0, 0, 0, 0, 'x'},
		"no binary part":                 framed(`{"with_binary":true}`, ""),
		"one that is not announced":      framed(`{"with_binary":1}`, "", ""),
	} {
		if err := new(frame).parse(b); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMembersAreFoundWithoutBeingDecoded(t *testing.T) {
	var m members
	text := ` { "a" : 1 , "b":"x\"}\\" ,"c": {"a":[1,{"}":"]"}]}, "d":[ ] ,"e":-1.5e3,"a":true, "\u0066" : null } `
	if !m.parse([]byte(text)) {
		t.Fatal("it is an object")
	}
	for name, want := range map[string]string{
		"a": "true", "b": `"x\"}\\"`, "c": `{"a":[1,{"}":"]"}]}`, "d": "[ ]", "e": "-1.5e3", "f": "null", "g": "",
	} {
		if got := string(m.get(name)); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if got := string(m.text("b")); got != `x"}\` {
		t.Errorf("b is %q", got)
	}
	if len(m) != 7 {
		t.Errorf("there are %d", len(m))
	}
}

func TestMetadataKeepsWhatAValueIs(t *testing.T) {
	for value, written := range map[string]string{
		`5`: `"5"`, `"5"`: `"\"5\""`, `"a b"`: `"a b"`, `"true"`: `"\"true\""`, `true`: `"true"`, `{"a":"b"}`: `"{\"a\":\"b\"}"`, `""`: `""`,
		`"\"x\""`: `"\"\\\"x\\\"\""`, `"é\n"`: `"é\n"`, `null`: `"null"`, `" 5"`: `"\" 5\""`,
	} {
		got := appendMetadata(nil, []byte(value))
		if string(got) != written {
			t.Errorf("%s becomes %s, want %s", value, got, written)
		}
		if again := string(fromMetadata(got)); again != value {
			t.Errorf("%s becomes %s again, want %s", got, again, value)
		}
	}
}

// FuzzFrame holds what is read of a frame against what is written of that.
func FuzzFrame(f *testing.F) {
	f.Add(framed(`{"message_type":"any","source_id":"k","with_binary":true}`, `{"n":1}`, "\x01"))
	f.Add(framed(`{"message_type":"_pubsub","message_type_publish":"t","transport_id":3,"tag":"a","x":{"y":["\u00e9"]}}`, "\xff"))
	f.Add(framed(`{"message_type":"any","request_id":"5","with_file":{"dst_name":"a","chunked":["a__aioconnectors_chunk",1,12]}}`, "text"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := size(b)
		if err != nil || n == 0 || n > len(b) {
			return
		}
		b = b[:n]
		var one frame
		if one.parse(b) != nil {
			return
		}
		there := one.binary != nil
		if there != one.header.isTrue("with_binary") {
			t.Errorf("the binary part is there: %t", there)
		}
		c := newClient(Config{}, "k")
		said := c.FromClient(b, true)
		if said.Envelope == nil {
			return
		}
		back, ok := newClient(Config{}, "l").ToClient(nil, said.Envelope)
		if !ok { // what is published, to a room
			return
		}
		var other frame
		if n, err := size(back); n != len(back) || err != nil || other.parse(back) != nil {
			t.Fatalf("%q is no frame, of %q", back, b)
		}
		if !bytes.Equal(one.data, other.data) || !bytes.Equal(one.binary, other.binary) || there != (other.binary != nil) {
			t.Errorf("the parts are %q and %q, of %q", other.data, other.binary, b)
		}
	})
}

// FuzzEnvelope holds what becomes of any envelope against what a connector can read.
func FuzzEnvelope(f *testing.F) {
	f.Add(`{"id":"1","from":"hub@t.org/x","type":"text/plain","content":"x","metadata":{"aioconnectors.message_type":"t","aioconnectors.request_id":"5","aioconnectors.await_response":"true"}}`)
	f.Add(`{"id":"1","from":"a@b/c","type":"` + MediaMessage + `","content":{"data64":"/w==","binary":"AQID"},"metadata":{"aioconnectors.with_file":"{\"chunked\":[\"a\",1,12],\"dst_name\":1}","aioconnectors.":"","aioconnectors.\"":"{"}}`)
	f.Add(`{"from":"a@b/c","type":"application/json","content":{"a":"\u00e9"},"metadata":{"aioconnectors.response_id":"\"a\\u0020\"","aioconnectors.message_type":5}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := newClient(Config{}, "k")
		c.awaits("any")
		for name, become := range map[string]func() ([]byte, bool){
			"for it":        func() ([]byte, bool) { return c.ToClient(nil, []byte(text)) },
			"of its topics": func() ([]byte, bool) { return c.Publication(nil, dialect.Subscription{Request: "t"}, []byte(text)) },
		} {
			b, ok := become()
			if !ok || len(b) == 0 {
				continue
			}
			var one frame
			if n, err := size(b); err != nil || n != len(b) || one.parse(b) != nil {
				t.Errorf("%s: %q becomes %q, which is no frame", name, text, b)
			}
			var decoded map[string]any // as a connector reads it
			if n := int(binary.LittleEndian.Uint16(b[sizeLen:])); json.Unmarshal(b[sizeLen+headerLen:][:n], &decoded) != nil || decoded["destination_id"] != "k" || decoded["transport_id"] != nil {
				t.Errorf("%s: %q becomes %q", name, text, b)
			}
			for _, id := range []string{"request_id", "response_id"} {
				if v := one.header.get(id); v != nil && idOf(v) == nil {
					t.Errorf("%s: %s is %s", name, id, v)
				}
			}
		}
	})
}
