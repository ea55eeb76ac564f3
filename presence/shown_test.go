package presence

import (
	"reflect"
	"testing"

	"limegrove/lime"
)

func TestOthersSeeTheBestOfAllSessions(t *testing.T) { // L-RES-05
	session := func(instance string, status lime.Status, message string, priority int) Registration {
		return Registration{
			Node:     lime.Node{Identity: lime.Identity{Name: "ana", Domain: "x"}, Instance: instance},
			Presence: lime.Presence{Status: status, Message: message, Priority: priority, Echo: true},
		}
	}
	guest := session("guest", lime.StatusAvailable, "", 0)
	guest.Guest = true
	for _, tc := range []struct {
		why  string
		all  []Registration
		want lime.Presence
	}{
		{"nobody is there", nil, lime.Presence{Status: lime.StatusUnavailable}},
		{"nobody wants to be seen", []Registration{
			session("1", "", "no", 0), session("2", lime.StatusUnavailable, "no", 0), session("3", lime.StatusInvisible, "no", 9), guest,
		}, lime.Presence{Status: lime.StatusUnavailable}},
		{
			"one is away",
			[]Registration{session("1", lime.StatusInvisible, "", 0), session("2", lime.StatusAway, "out", 0)},
			lime.Presence{Status: lime.StatusAway, Message: "out", Instances: []string{"2"}},
		},
		{"available is better than busy, and busy than away", []Registration{
			session("a", lime.StatusAway, "a", 9), session("b", lime.StatusAvailable, "b", 0), session("c", lime.StatusBusy, "c", 9),
		}, lime.Presence{Status: lime.StatusAvailable, Message: "b", Instances: []string{"a", "b", "c"}}},
		{"of the same status the highest priority", []Registration{
			session("a", lime.StatusBusy, "a", 0), session("b", lime.StatusBusy, "b", 2), session("c", lime.StatusBusy, "c", 2),
		}, lime.Presence{Status: lime.StatusBusy, Message: "b", Instances: []string{"a", "b", "c"}}},
		{
			"a negative priority is one",
			[]Registration{session("a", lime.StatusAway, "a", -3)},
			lime.Presence{Status: lime.StatusAway, Message: "a", Instances: []string{"a"}},
		},
	} {
		if got := (View{Registrations: tc.all}).Shown(); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %+v, want %+v", tc.why, got, tc.want)
		}
	}
	v := View{Registrations: []Registration{session("Home", lime.StatusBusy, "b", 2), session("x", lime.StatusInvisible, "i", 0)}}
	want := lime.Presence{Status: lime.StatusBusy, Message: "b", Priority: 2, Echo: true}
	if got := v.ShownAt("hOME"); !reflect.DeepEqual(got, want) {
		t.Errorf("at home %+v, want %+v", got, want)
	}
	for _, unseen := range []string{"x", "elsewhere"} {
		if got := v.ShownAt(unseen); !reflect.DeepEqual(got, lime.Presence{Status: lime.StatusUnavailable}) {
			t.Errorf("at %s %+v", unseen, got)
		}
	}
}
