package subject

import (
	"errors"
	"strings"
	"testing"

	"limegrove/room"
)

func TestSubjectsOfRooms(t *testing.T) {
	for text, want := range map[string][3]string{
		`"/Ride/*"`:                  {"room.org.t.@./2.Ride.%2A", "room.org.t.@./2.Ride.*", "wide.org.t.@./2.Ride.%2A"},
		`{"target":"*","depot":1.5}`: {`room.org.t.@.?depot;target;.1%2E5e+00."%2A"`, `room.org.t.@.?depot;target;.1%2E5e+00.*`, `wide.org.t.@.?depot;target;.1%2E5e+00."%2A"`},
		`{}`:                         {"room.org.t.@.?.%", "room.org.t.@.?.%", "wide.org.t.@.?.%"},
		`{"":"a b"}`:                 {`room.org.t.@.?;."a%20b"`, `room.org.t.@.?;."a%20b"`, `wide.org.t.@.?;."a%20b"`},
		`"/_a/@.>%"`:                 {"room.org.t.@./2.%5Fa.%40%2E%3E%2525", "room.org.t.@./2.%5Fa.%40%2E%3E%2525", "wide.org.t.@./2.%5Fa.%40%2E%3E%2525"},
	} {
		n, err := room.Of([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		shape, _ := n.Split()
		exact, err1 := Room("T.org", n, false)
		wild, err2 := Room("t.ORG", n, true)
		wide, err3 := Wide("t.org", n)
		all, err4 := WideAll("t.org", shape)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := [...]string{exact, wild, wide}; got != want {
			t.Errorf("%s has the subjects\n%q, want\n%q", text, got, want)
		}
		log, err5 := RoomLog(3, "t.ORG", n)
		attendance, err6 := Attendance("t.ORG", n)
		if log != "roomlog.3."+strings.TrimPrefix(exact, "room.") || attendance != "attend."+strings.TrimPrefix(exact, "room.") || err5 != nil || err6 != nil {
			t.Errorf("%s is kept at %s and attended at %s (%v, %v)", text, log, attendance, err5, err6)
		}
		if prefix, ok := strings.CutSuffix(all, ">"); !ok || !strings.HasPrefix(wide, prefix) {
			t.Errorf("%s is not of %s", wide, all)
		}
		if back, ok := SplitWide(wide); !ok || back != n {
			t.Errorf("%s is of the room %s, %t", wide, back, ok)
		}
	}
	for _, bad := range []string{"", "wide", "wide.org.t", "room.org.t.@./1.a", "wide.org.t.@./2.a", "wide.org.t.@.?a;.x"} {
		if n, ok := SplitWide(bad); ok {
			t.Errorf("%s is of the room %s", bad, n)
		}
	}
	dots, err := room.Path(strings.Repeat(".", 500))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := Room("t.org", dots, false); !errors.Is(err, ErrTooLong) {
		t.Errorf("it goes to %s (%v)", s, err)
	}
}
