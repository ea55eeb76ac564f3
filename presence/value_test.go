package presence

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"limegrove/lime"
)

const uuid = "52d59849-19a8-4b2d-86b7-3fa563cdb616"

func TestValueOfAUsualRegistrationKeepsAHashCompact(t *testing.T) {
	b, _, err := encodeValue(&Registration{
		Node: lime.MustParseNode("ana@example.org/home"), Edge: "limegrove-edge-7d9f8b6c5-x2x4z-4f1b9a", Session: uuid,
		Presence: lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
	})
	if err != nil || len(b) > 64 {
		t.Errorf("%d bytes, %v; want at most 64, redis's hash-max-listpack-value", len(b), err)
	}
}

func TestValueRoundTrip(t *testing.T) {
	text := rapid.StringN(0, 20, 40)
	rapid.Check(t, func(t *rapid.T) {
		r := Registration{
			Node: lime.Node{
				Identity: lime.Identity{Name: text.Draw(t, "name"), Domain: text.Draw(t, "domain")},
				Instance: text.Draw(t, "instance"),
			},
			Edge: EdgeID(rapid.StringMatching(`[A-Za-z0-9-]{1,127}`).Draw(t, "edge")),
			Session: rapid.OneOf(
				rapid.Just(uuid), rapid.Just(strings.ToUpper(uuid)), rapid.StringN(1, 20, 127),
			).Draw(t, "session"),
			Guest: rapid.Bool().Draw(t, "guest"),
			Since: rapid.Uint64().Draw(t, "since"),
			Takes: rapid.SampledFrom([]*lime.Taken{
				nil, {NoCommands: true}, {Contents: []uint32{1, 7 << 24}}, {Resources: []uint32{2}}, {Contents: []uint32{3}, Resources: []uint32{4, 5}},
			}).Draw(t, "takes"),
			Presence: lime.Presence{
				Status: rapid.SampledFrom([]lime.Status{"", lime.StatusUnavailable, lime.StatusInvisible, "new"}).Draw(t, "status"),
				RoutingRule: rapid.SampledFrom([]lime.RoutingRule{
					"", lime.RouteInstance, lime.RouteRootDomain, "another",
				}).Draw(t, "rule"),
				Message:          text.Draw(t, "message"),
				Priority:         rapid.Int().Draw(t, "priority"),
				FilterByDistance: rapid.Bool().Draw(t, "filter"),
				RoundRobin:       rapid.Bool().Draw(t, "robin"),
				Echo:             rapid.Bool().Draw(t, "echo"),
				Promiscuous:      rapid.Bool().Draw(t, "promiscuous"),
			},
		}
		b, holder, err := encodeValue(&r)
		if err != nil {
			t.Fatal(err)
		}
		later := string(b) + "\xee\x03new" // a field of a later version
		for _, v := range []string{string(b), later} {
			got, err := decodeValue(v, r.Node.Fold())
			// Folded text that was announced in another case keeps its spelling,
			// but for an empty part, which has none.
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Fatalf("%q gives %+v, %v\nwant %+v", v, got, err, r)
			}
		}
		for n := range b[:holder] {
			if _, err := decodeValue(string(b[:n]), lime.Node{}); !errors.Is(err, errMalformed) {
				t.Fatalf("%q gives %v, want errMalformed", b[:n], err)
			}
		}
	})
}

func TestOnlyTheUsualSpellingOfAUUIDIsPacked(t *testing.T) {
	for s, want := range map[string]bool{
		uuid:                              true,
		strings.ToUpper(uuid):             false,
		strings.ReplaceAll(uuid, "-", ""): false,
		uuid[:35] + "g":                   false,
		uuid[:35] + "-":                   false,
	} {
		if id, ok := packUUID(s); ok != want || ok && unpackUUID(string(id[:])) != s {
			t.Errorf("%s is packed: %v, want %v", s, ok, want)
		}
	}
}

func FuzzDecodeValue(f *testing.F) {
	b, _, _ := encodeValue(&Registration{
		Node: lime.MustParseNode("Ana@x/1"), Edge: "e1", Session: uuid, Guest: true,
		Presence: lime.Presence{Status: "available", Message: "m", Priority: 3, Echo: true},
	})
	f.Add(string(b))
	f.Add("\x02e1\x02s1")
	f.Add("\x02e1\x90")
	f.Fuzz(func(t *testing.T, v string) {
		r, err := decodeValue(v, lime.MustParseNode("ana@x/1"))
		if err != nil {
			return
		}
		b, _, err := encodeValue(&r)
		if err != nil {
			return // an edge or a session that no writer makes
		}
		again, err := decodeValue(string(b), r.Node.Fold())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%q gives %+v, then %+v, %v", v, r, again, err)
		}
	})
}
