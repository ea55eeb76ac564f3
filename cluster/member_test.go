package cluster

import (
	"net"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
)

func TestIncarnationIsUniqueAndASubjectToken(t *testing.T) {
	token := regexp.MustCompile(`^[A-Za-z0-9-]{13,53}$`)
	seen := map[string]bool{}
	for _, id := range []string{"edge-0", "edge-0", "", "a.b*c>d e/f@g", "žlutý", strings.Repeat("long", 50)} {
		got := NewIncarnation(id)
		if !token.MatchString(got) || seen[got] {
			t.Errorf("%q gives %q", id, got)
		}
		seen[got] = true
	}
	if got := NewIncarnation("edge-0"); !strings.HasPrefix(got, "edge-0-") {
		t.Errorf("people cannot tell whose incarnation %q is", got)
	}
}

func node(meta []byte) *memberlist.Node {
	return &memberlist.Node{Name: "edge-0-x", Addr: net.IPv4(10, 0, 0, 1), Port: 7946, Meta: meta}
}

func TestMetadataSurvivesTheWay(t *testing.T) {
	want := Member{
		ID: "edge-0", Incarnation: "edge-0-x", Role: RoleEdge, Zone: "eu-1b", Addr: "10.0.0.1:8090",
		Sessions: 250_000, Draining: true, Started: time.Unix(1_800_000_000, 0), Hosts: true, Gossip: "10.0.0.1:7946",
	}
	b, err := encodeMeta(want)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 128 {
		t.Errorf("a usual member's metadata has %d bytes", len(b))
	}
	if got := decodeMember(node(b)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMetadataOfOtherVersionsIsBorne(t *testing.T) {
	known := Member{ID: "edge-0-x", Incarnation: "edge-0-x", Gossip: "10.0.0.1:7946"}
	for name, c := range map[string]struct {
		meta string
		want Member
	}{
		"none":        {"", known},
		"newer":       {"2whatever comes", known},
		"broken":      {"1{", known},
		"wrong types": {`1{"i":7}`, known},
		"more fields": {`1{"i":"e","r":"edge","s":7,"new":{"a":[1]}}`, Member{
			ID: "e", Incarnation: "edge-0-x", Role: RoleEdge, Started: time.Unix(7, 0), Gossip: "10.0.0.1:7946",
		}},
	} {
		if got := decodeMember(node([]byte(c.meta))); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestQueueKeepsTheNewestEventOfEachMember(t *testing.T) {
	q := newEventQueue()
	event := func(kind EventKind, name string, n int) Event {
		return Event{kind, Member{Incarnation: name, Sessions: n}}
	}
	for n := range 100 {
		q.push(event(EventUpdate, "a", n))
	}
	q.push(event(EventJoin, "b", 0))
	q.push(event(EventUpdate, "b", 1))
	q.push(event(EventJoin, "c", 0))
	q.push(event(EventDead, "c", 0))
	for _, want := range []Event{event(EventUpdate, "a", 99), event(EventJoin, "b", 1), event(EventDead, "c", 0)} {
		if got, ok := q.pop(); !ok || got != want {
			t.Errorf("got %v, %t, want %v", got, ok, want)
		}
	}
	if got, ok := q.pop(); ok {
		t.Errorf("one more: %v", got)
	}
}
