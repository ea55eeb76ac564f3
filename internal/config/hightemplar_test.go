package config

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

// noTemplar is what there is without any flag.
var noTemplar = HighTemplar{Timeout: 5 * time.Second, Calls: 64, Idle: 300 * time.Second, Subscriptions: 5000, Backlog: 1 << 20}

func TestHighTemplarHasAnAPIAndADomain(t *testing.T) { // H-33, H-35
	domains := []string{"-domain", "t.org", "-domain", "ht.t.org"}
	served := append(domains, "-hightemplar", "/ws/", "-hightemplar-api", "http://api/api/", "-hightemplar-domain", "HT.t.org")
	got := mustParseEdge(t, nil, served...)
	want := noTemplar
	want.Path, want.API, want.Domain = "/ws/", "http://api/api/", "HT.t.org"
	if !reflect.DeepEqual(got.HighTemplar, want) {
		t.Errorf("got %+v, want %+v", got.HighTemplar, want)
	}
	if want := (HighTemplarRooms{Rooms: "t.org", Wildcards: WildcardsExact}); got.HighTemplarRooms != want {
		t.Errorf("got %+v, want %+v", got.HighTemplarRooms, want)
	}
	full := noTemplar
	full.Path, full.API, full.Domain, full.APISocket, full.UserPath = "/ws", "http://api/", "ht.t.org", "/run/api.sock", "user.data.id"
	full.Headers, full.Notify, full.Origins = []string{"X-A=param:a", "X-B=fixed:b"}, true, []string{"http://a", "http://b"}
	full.Legacy, full.Calls, full.Subscriptions, full.Backlog, full.Timeout, full.Idle = true, 3, 4, 5000, time.Second, time.Minute
	rooms := HighTemplarRooms{Rooms: "ht.t.org", Wildcards: WildcardsBoth}
	text := strings.ReplaceAll(strings.Join(full.Flags(rooms), " "), "'", "")
	if again := mustParseEdge(t, nil, append(domains, strings.Fields(text)...)...); !reflect.DeepEqual(again.HighTemplar, full) || again.HighTemplarRooms != rooms {
		t.Errorf("its flags %s are read as %+v", text, again.HighTemplar)
	}
	if flags := noTemplar.Flags(rooms); flags != nil {
		t.Errorf("without a path there are %q", flags)
	}
	other := append(served, "-bachata", "/ws", "-bachata-domain", "t.org", "-bachata-auth", "open")
	for flag, args := range map[string][]string{
		"-hightemplar:":           append(domains, "-hightemplar", "ws"),
		"-hightemplar-api":        append(domains, "-hightemplar", "/ws", "-hightemplar-api", "api", "-hightemplar-domain", "ht.t.org"),
		"-hightemplar-api-socket": append(served, "-hightemplar-api", "https://api/", "-hightemplar-api-socket", "/x"),
		"-hightemplar-domain":     append(served, "-hightemplar-domain", "t.org"),
		"-hightemplar-rooms":      append(served, "-hightemplar-rooms", "elsewhere"),
		"-hightemplar-wildcards":  append(served, "-hightemplar-wildcards", "any"),
		"-hightemplar-idle":       append(served, "-hightemplar-idle", "0s"),
		"-hightemplar-backlog":    append(served, "-hightemplar-backlog", "1"),
		"-hightemplar-amqp":       {"-hightemplar-amqp", "http://broker"},
		"-hightemplar-subject":    {"-hightemplar-subject", "room.x"},
		"is the path of -bachata": append(other, "-bachata-domain", "ht.t.org"),
	} {
		if _, err := ParseEdge(args, env(nil).get, io.Discard); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%v: %v, and nothing of %s", args, err, flag)
		}
	}
	for _, subject := range []string{"ack.x", "event", "presence.org", "roomlog.0.x", "$JS.API.x", "_INBOX.x"} {
		if _, err := ParseEdge([]string{"-hightemplar-subject", subject}, env(nil).get, io.Discard); err == nil {
			t.Errorf("triggers may come on %s", subject)
		}
	}
}
