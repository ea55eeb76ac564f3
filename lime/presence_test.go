package lime

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPresenceIsReadLeniently(t *testing.T) { // L-RES-08, L-ENV-03, L-ENV-11
	for in, want := range map[string]Presence{
		`{}`:                     {},
		`{"status":"available"}`: {Status: StatusAvailable},
		`{"status":"AWAY","routingRule":"IDENTITYBYPRIORITY","priority":-3}`:                       {Status: StatusAway, RoutingRule: RouteIdentityByPriority, Priority: -3},
		`{"status":null,"message":null,"new":{"x":[1]}}`:                                           {},
		`{"echo":true,"promiscuous":true,"roundRobin":true,"filterByDistance":true,"message":"é"}`: {Echo: true, Promiscuous: true, RoundRobin: true, FilterByDistance: true, Message: "é"},
		`{"instances":["x"],"lastSeen":"2020-01-01T00:00:00.000Z"}`:                                {}, // read-only
	} {
		p, err := ParsePresence([]byte(in))
		if err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%s is %+v, %v", in, p, err)
		}
	}
}

func TestBadPresenceIsABadArgument(t *testing.T) {
	for _, in := range []string{
		``, `[]`, `"available"`, `{"status":"asleep"}`, `{"status":1}`, `{"routingRule":"everything"}`, `{"priority":"high"}`,
		`{"priority":1.5}`, `{"echo":"yes"}`, `{"message":"` + strings.Repeat("é", MaxPresenceMessage+1) + `"}`,
	} {
		if p, err := ParsePresence([]byte(in)); !errors.Is(err, &Reason{Code: CodeCommandInvalidArgument}) {
			t.Errorf("%.50s is %+v, %v", in, p, err)
		}
	}
}

func TestDatesAreUTCWithMilliseconds(t *testing.T) { // L-ENV-15
	at := time.Date(2026, 2, 3, 4, 5, 6, 7_999_999, time.FixedZone("", 3600))
	if got := FormatTime(at); got != "2026-02-03T03:05:06.007Z" {
		t.Error(got)
	}
	if got := FormatTime(time.Unix(0, 0)); got != "1970-01-01T00:00:00.000Z" {
		t.Error(got)
	}
}

func FuzzPresence(f *testing.F) {
	f.Add([]byte(`{"status":"available","routingRule":"identity","priority":1,"message":"x"}`))
	f.Add([]byte(`{"STATUS":"Busy","instances":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePresence(b)
		if err != nil {
			if AsReason(err) == nil {
				t.Fatal(err)
			}
			return
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePresence(out)
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Fatalf("%q is %+v, but %q is %+v, %v", b, p, out, again, err)
		}
	})
}
