package chat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// desk is somebody with a model: ana@localhost, who has an account.
type desk struct {
	t   testing.TB
	m   *model
	now time.Time
	ids int
}

func newDesk(t testing.TB, width, height int) *desk {
	d := &desk{t: t, now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}
	d.m = newModel(lime.MustParseIdentity("ana@localhost"), true, nil)
	d.m.newID = func() string { d.ids++; return fmt.Sprintf("id-%d", d.ids) }
	d.does(resized{width, height})
	return d
}

// does has something happen, and returns what is to be done.
func (d *desk) does(event any) []effect { return d.m.update(d.now, event) }

func (d *desk) later(by time.Duration) []effect {
	d.now = d.now.Add(by)
	return d.does(tick{})
}

func (d *desk) press(codes ...keyCode) (todo []effect) {
	for _, c := range codes {
		todo = append(todo, d.does(key{code: c})...)
	}
	return todo
}

// says types a line.
func (d *desk) says(text string) []effect {
	d.does(key{keyText, text})
	return d.press(keyEnter)
}

// online has a session begin.
func (d *desk) online() []effect {
	return d.does(connection{state: online, me: lime.MustParseNode("ana@localhost/desk"), server: "edge-1", sessions: d.m.conn.sessions + 1})
}

func (d *desk) offline() []effect {
	return d.does(connection{state: away, me: lime.MustParseNode("ana@localhost/desk"), pause: 4, why: "connection refused", sessions: d.m.conn.sessions})
}

// comes has a text come from somebody.
func (d *desk) comes(from, text string) []effect {
	d.t.Helper()
	d.ids++
	return d.does(came{&lime.Message{ID: fmt.Sprintf("in-%d", d.ids), From: lime.MustParseNode(from), Type: lime.MediaText, Content: d.json(text)}})
}

func (d *desk) json(v any) json.RawMessage {
	d.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

// roomSays has somebody say something in a room.
func (d *desk) roomSays(path, who, id, text string) []effect {
	d.t.Helper()
	name, err := room.Parse(path)
	if err != nil {
		d.t.Fatal(err)
	}
	at := lime.Identity{Name: name.Address(), Domain: lime.RoomsDomain("localhost")}
	from, err := lime.ParseNode(string(lime.AppendGroupSender(nil, at, lime.MustParseIdentity(who))))
	if err != nil {
		d.t.Fatal(err)
	}
	return d.does(came{&lime.Message{
		ID: id, From: from, To: lime.Node{Identity: at}, Type: lime.MediaText, Content: d.json(text), Metadata: lime.Metadata{"#room.position": "7"},
	}})
}

// roomTells has the server tell who is in a room.
func (d *desk) roomTells(path string, change map[string]any) []effect {
	change["room"] = path
	return d.does(observed{&lime.Command{Method: lime.MethodObserve, URI: "/rooms", Resource: d.json(change)}})
}

func (d *desk) presence(who string, p lime.Presence) []effect {
	return d.does(observed{&lime.Command{Method: lime.MethodObserve, URI: "/presence", From: lime.MustParseNode(who), Resource: d.json(p)}})
}

func (d *desk) contacts(who ...string) []effect {
	var items []map[string]any
	for _, one := range who {
		items = append(items, map[string]any{"identity": one})
	}
	return d.does(answered{about: aboutContacts{}, answer: &lime.Command{Resource: d.json(map[string]any{"total": len(who), "items": items})}})
}

// hears has something become of an own message.
func (d *desk) hears(id string, e lime.Event) []effect {
	return d.does(notified{&lime.Notification{ID: id, Event: e}})
}

// sees wants a text to be shown.
func (d *desk) sees(text string) {
	d.t.Helper()
	if shown := draw(d.m).text(); !strings.Contains(shown, text) {
		d.t.Errorf("%q is not to be seen in\n%s", text, shown)
	}
}

func (d *desk) seesNot(text string) {
	d.t.Helper()
	if shown := draw(d.m).text(); strings.Contains(shown, text) {
		d.t.Errorf("%q is to be seen in\n%s", text, shown)
	}
}

// looksLike wants what is shown to be what a file has. -update writes that.
func (d *desk) looksLike(name string) {
	d.t.Helper()
	file := filepath.Join("testdata", "frames", name+".txt")
	got := draw(d.m).text()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		d.t.Errorf("%v: %s is\n%s", err, name, got)
	}
}

// wants wants effects to be these.
func (d *desk) wants(what string, got []effect, want ...effect) {
	d.t.Helper()
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		d.t.Errorf("%s: it is to do\n%s, want\n%s", what, effects(got), effects(want))
	}
}

func effects(all []effect) string {
	var b strings.Builder
	for _, e := range all {
		switch e := e.(type) {
		case publish:
			fmt.Fprintf(&b, "publish %s\n", e.message.AppendJSON(nil))
		case ask:
			fmt.Fprintf(&b, "ask %#v %s\n", e.about, e.command.AppendJSON(nil))
		default:
			fmt.Fprintf(&b, "%#v\n", e)
		}
	}
	return b.String()
}
