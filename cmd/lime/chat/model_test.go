package chat

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// stocked is a desk with some conversations.
func stocked(t *testing.T, width, height int) *desk {
	d := newDesk(t, width, height)
	d.online()
	d.contacts("rui@localhost", "lia@localhost", "zoe@elsewhere.example")
	d.presence("rui@localhost", lime.Presence{Status: lime.StatusAvailable})
	d.presence("lia@localhost", lime.Presence{Status: lime.StatusAway, Message: "lunch"})
	d.roomTells("/chat/lobby", map[string]any{"count": 3, "occupants": []string{"ana@localhost", "rui@localhost", "tom@localhost"}})
	d.roomSays("/chat/lobby", "tom@localhost", "r-1", "Is anybody here? 漢字 are wide, and so is 👩‍👩‍👧.")
	d.says("!talk rui")
	d.says("Good morning!")
	d.hears(d.lastID(), lime.EventAccepted)
	d.later(time.Minute)
	d.says("Here is the plan. It is a long one, so that it has to be broken into rows, as often as need be, wherever there is room.")
	d.hears(d.lastID(), lime.EventReceived)
	d.says("Have you read it?")
	d.hears(d.lastID(), lime.EventConsumed)
	d.later(time.Minute)
	d.comes("rui@localhost/web", "Yes.\nTwo lines.")
	d.does(came{&lime.Message{ID: "f", From: lime.MustParseNode("rui@localhost/web"), Type: lime.MediaLinkType, Content: d.json(lime.MediaLink{
		Title: "cat.png", Type: "image/png", Size: 1_234_567, URI: "http://localhost/files/1",
	})}})
	d.comes("mia@localhost", "Hello, I am new here.")
	return d
}

// lastID is the id of the message that was said last.
func (d *desk) lastID() string {
	lines := d.m.talks[d.m.current].lines
	return lines[len(lines)-1].id
}

func TestWhatIsShown(t *testing.T) {
	for name, size := range map[string][2]int{"wide": {100, 24}, "usual": {80, 20}, "narrow": {40, 12}, "tiny": {20, 5}, "flat": {60, 3}} {
		t.Run(name, func(t *testing.T) {
			d := stocked(t, size[0], size[1])
			d.looksLike(name)
			checkFrame(t, draw(d.m))
		})
	}
	t.Run("list of a narrow window", func(t *testing.T) {
		d := stocked(t, 30, 12)
		d.press(keyList)
		d.looksLike("list")
		d.press(keyNext)
		if !d.m.listed {
			t.Error("the list is gone after a step in it")
		}
		d.says("x")
		if d.m.listed {
			t.Error("who types sees the list")
		}
	})
	t.Run("offline", func(t *testing.T) {
		d := stocked(t, 80, 16)
		d.offline()
		d.says("This waits.")
		d.looksLike("offline")
	})
	t.Run("transfers", func(t *testing.T) {
		d := stocked(t, 80, 24)
		d.says("!upload report.pdf")
		d.does(moved{id: d.lastID(), done: 300, total: 1000})
		d.says("!get 1")
		d.does(moved{number: 1, done: 1, total: 2})
		d.says("!upload /nowhere")
		d.does(uploaded{id: d.lastID(), err: errors.New("open /nowhere: no such file")})
		d.looksLike("transfers")
	})
	t.Run("help", func(t *testing.T) {
		d := newDesk(t, 80, 40)
		d.says("!help")
		d.looksLike("help")
	})
	t.Run("nothing", func(t *testing.T) {
		for w := range 30 {
			for h := range 12 {
				d := stocked(t, w, h)
				checkFrame(t, draw(d.m))
				d.press(keyList)
				checkFrame(t, draw(d.m))
			}
		}
	})
}

func TestTicksFollowAMessage(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!talk rui")
	todo := d.says("hello")
	if len(todo) != 1 {
		t.Fatalf("it is to do %s", effects(todo))
	}
	m := todo[0].(publish).message
	if m.To.String() != "rui@localhost" || string(m.Content) != `"hello"` || m.Type != lime.MediaText || m.ID == "" {
		t.Errorf("published is %s", m.AppendJSON(nil))
	}
	l := d.m.talks["rui@localhost"].lines[0]
	for _, step := range []struct {
		event any
		want  progress
	}{
		{notified{&lime.Notification{ID: "another", Event: lime.EventConsumed}}, waiting},
		{published{m.ID, nil}, accepted},
		{notified{&lime.Notification{ID: m.ID, Event: lime.EventDispatched}}, delivered},
		{notified{&lime.Notification{ID: m.ID, Event: lime.EventAccepted}}, delivered}, // which is late
		{notified{&lime.Notification{ID: m.ID, Event: lime.EventReceived}}, delivered},
		{notified{&lime.Notification{ID: m.ID, Event: lime.EventConsumed}}, consumed},
		{notified{&lime.Notification{ID: m.ID, Event: lime.EventFailed}}, consumed},
	} {
		if d.does(step.event); l.progress != step.want {
			t.Errorf("after %v it is %d, want %d", step.event, l.progress, step.want)
		}
	}
}

func TestWhatHasFailedIsSentAgainWithItsID(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!talk rui")
	first := d.says("hello")[0].(publish)
	d.does(published{first.message.ID, lime.NewReason(lime.CodeAuthorizationDestinationAccountNotFound, "there is no rui")})
	d.sees("there is no rui")
	d.sees("✗")
	d.wants("again", d.says("!again"), first)
	d.does(published{first.message.ID, nil})
	d.seesNot("there is no rui")
	d.wants("nothing is left to be sent again", d.says("!again"))
	d.sees("nothing has failed here")
}

func TestWhatIsSeenIsConsumedAndWhatIsNotIsCounted(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	rui := lime.MustParseNode("rui@localhost/web")
	d.wants("nobody looks at rui's", d.comes(rui.String(), "one"))
	d.comes(rui.String(), "two")
	if n := d.m.talks["rui@localhost"].unread; n != 2 {
		t.Errorf("%d are unread", n)
	}
	if got := d.m.title(); got != "(2) lime chat" {
		t.Errorf("the title is %q", got)
	}
	d.wants("it is opened", d.press(keyTab), sayConsumed{"in-1", rui}, sayConsumed{"in-3", rui})
	if n := d.m.unread(); n != 0 {
		t.Errorf("%d are unread", n)
	}
	d.wants("no more is said of it", d.does(focused{true}))

	d.does(focused{false})
	d.wants("the window is not looked at", d.comes(rui.String(), "three"))
	d.offline()
	d.wants("there is no session to tell it", d.does(focused{true}), reconnect{})
	d.wants("the user knows better", d.says("!connect"), reconnect{})
	todo := d.online()
	if last := todo[len(todo)-1]; last != (sayConsumed{fmt.Sprintf("in-%d", d.ids), rui}) {
		t.Errorf("with a session it is to do %s", effects(todo))
	}

	d.does(resized{40, 10})
	d.press(keyList)
	d.wants("the list hides it", d.comes(rui.String(), "four"))
	d.wants("and then not", d.press(keyList), sayConsumed{fmt.Sprintf("in-%d", d.ids), rui})
	d.wants("a message without an id", d.does(came{&lime.Message{From: rui, Type: lime.MediaText, Content: d.json("five")}}))
}

func TestAMessageThatComesAgainIsShownOnce(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	m := came{&lime.Message{ID: "1", From: lime.MustParseNode("rui@localhost/web"), Type: lime.MediaText, Content: d.json("once")}}
	d.does(m)
	d.does(m)
	other := came{&lime.Message{ID: "1", From: lime.MustParseNode("RUI@localhost/phone"), Type: lime.MediaText, Content: d.json("once")}}
	d.does(other)
	if talk := d.m.talks["rui@localhost"]; len(talk.lines) != 2 || talk.unread != 1 { // and who he is
		t.Errorf("%d lines, %d unread", len(talk.lines), talk.unread)
	}
}

func TestMessagesCarryTheirTime(t *testing.T) {
	d := newDesk(t, 80, 20)
	for sent, want := range map[string]time.Time{
		lime.FormatTime(d.now.Add(-time.Hour)):           d.now.Add(-time.Hour),
		lime.FormatTime(d.now.Add(time.Hour)):            d.now,
		lime.FormatTime(d.now.Add(-40 * 24 * time.Hour)): d.now,
		"nonsense": d.now, "": d.now,
	} {
		if got := d.m.timeSent(&lime.Message{Metadata: lime.Metadata{"sent": sent}}); !got.Equal(want) {
			t.Errorf("%q is %s, want %s", sent, got, want)
		}
	}
}

func TestRoomsAreEnteredInEachSession(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.wants("a room is joined without a connection", d.says("!join #Garden"), keepRooms{[]string{"/chat/garden"}})
	var entered []string
	for _, e := range d.online() {
		if a, ok := e.(ask); ok && a.command.Method == lime.MethodSubscribe {
			entered = append(entered, string(a.command.Resource))
		}
	}
	want := []string{
		`{"room":"/chat/garden","address":"%2fchat%2fgarden@rooms.localhost","since":"0","presence":true}`,
		`{"room":"/chat/lobby","address":"%2fchat%2flobby@rooms.localhost","since":"0","presence":true}`,
	}
	if fmt.Sprint(entered) != fmt.Sprint(want) {
		t.Errorf("entered are\n%s, want\n%s", entered, want)
	}
	d.roomTells("/chat/garden", map[string]any{"count": 2, "occupants": []string{"ana@localhost", "tom@localhost"}})
	d.sees("2 here: tom, you")
	d.roomTells("/chat/garden", map[string]any{"count": 2, "joined": []string{"mia@localhost"}, "left": []string{"tom@localhost"}})
	d.sees("2 here: mia, you")
	d.roomTells("/chat/garden", map[string]any{"count": 200})
	d.sees("200 here")
	d.seesNot("mia")

	sent := d.says("hello, all")[0].(publish).message
	if sent.To.String() != "%2fchat%2fgarden@rooms.localhost" {
		t.Errorf("it goes to %s", sent.To)
	}
	d.roomSays("/chat/garden", "ana@localhost", sent.ID, "hello, all")
	if talk := d.m.talks["/chat/garden"]; len(talk.lines) != 1 || talk.lines[0].progress != accepted || talk.position != 7 || talk.unread != 0 {
		t.Errorf("own words come back as %+v", talk)
	}
	d.roomSays("/chat/garden", "ana@localhost", "phone", "from my phone")
	d.sees("you: from my phone")

	todo := d.online()
	if a := todo[0].(ask); !strings.Contains(string(a.command.Resource), `"since":"7"`) {
		t.Errorf("it is entered again by %s", a.command.Resource)
	}
	no := false
	d.does(answered{about: aboutEntering{"/chat/garden"}, answer: &lime.Command{Resource: d.json(map[string]any{"room": "/chat/garden", "continuous": &no})}})
	d.sees("Something may be missing here.")

	d.roomTells("/chat/garden", map[string]any{"ended": true})
	d.sees("You were put out of this room.")
	if len(d.m.rooms()) != 1 {
		t.Errorf("still in %q", d.m.rooms())
	}
}

func TestARoomThatCannotBeEntered(t *testing.T) {
	no := lime.NewReason(lime.CodeCommandNotAllowed, "not for you")
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!join /secret")
	d.wants("it is not remembered", d.does(answered{about: aboutEntering{"/secret"}, err: no}), keepRooms{[]string{}})
	d.sees("You cannot enter this room: not for you")
	d.does(answered{about: aboutEntering{"/chat/lobby"}, err: no})
	if d.m.talks[lobby] != nil {
		t.Error("there is a lobby where none can be entered")
	}

	d = newDesk(t, 80, 20)
	d.online()
	d.does(answered{about: aboutEntering{lobby}, err: errors.New("lost"), lost: true})
	if !d.m.talks[lobby].joined {
		t.Error("a lost session has cost the lobby")
	}
	d.does(answered{about: aboutEntering{lobby}, err: no})
	d.says("hello")
	d.sees("!talk NAME opens a conversation")
}

func TestRoomsAreLeft(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!join /ride/42")
	todo := d.says("!leave")
	if len(todo) != 2 || todo[1].(ask).command.Method != lime.MethodUnsubscribe || d.m.talks["/ride/42"] != nil || d.m.current != lobby {
		t.Errorf("it is to do %s, and %q is open", effects(todo), d.m.current)
	}
	d.wants("what comes late is nobody's", d.roomSays("/ride/42", "tom@localhost", "1", "late"))
	if d.m.talks["/ride/42"] != nil {
		t.Error("the room is back")
	}
	d.says("!leave /ride/42")
	d.sees("you are not in /ride/42")
}

func TestMembersAreAskedFor(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.wants("by the path", d.says("!members /ride/a b%2f"), ask{aboutMembers{"/ride/a b%252f", lobby}, &lime.Command{Method: lime.MethodGet, URI: "/rooms/ride/a%20b%252f"}})
	d.does(answered{about: aboutMembers{"/ride/42", lobby}, answer: &lime.Command{Resource: d.json(map[string]any{
		"room": "/ride/42", "count": 2, "occupants": []string{"tom@localhost", "ana@localhost"},
	})}})
	d.sees("/ride/42: 2 here: tom, you")
	d.does(answered{about: aboutMembers{"/x", lobby}, err: lime.NewReason(lime.CodeCommandNotAllowed, "not for you")})
	d.sees("/x: not for you")
	d.says(`!join {"depot": 3}`)
	d.roomTells("?depot=3", map[string]any{})
	d.does(observed{&lime.Command{URI: "/rooms", Resource: d.json(map[string]any{"room": map[string]any{"depot": 3}, "count": 1, "occupants": []string{"ana@localhost"}})}})
	d.says("!members")
	d.sees("1 here: you")
}

func TestContacts(t *testing.T) {
	d := newDesk(t, 80, 20)
	var asked []string
	for _, e := range d.online() {
		if a := e.(ask); a.command.Method == lime.MethodGet {
			asked = append(asked, a.command.URI)
		}
	}
	if fmt.Sprint(asked) != "[/contacts?take=500&skip=0]" {
		t.Errorf("asked is %s", asked)
	}
	d.wants("there are more", d.does(answered{about: aboutContacts{}, answer: &lime.Command{Resource: d.json(map[string]any{
		"total": 3, "items": []map[string]any{{"identity": "rui@localhost"}, {"identity": "eve@localhost", "isPending": true}},
	})}}), ask{aboutContacts{2}, &lime.Command{Method: lime.MethodGet, URI: "/contacts?take=500&skip=2"}})
	d.sees("○ rui")
	d.seesNot("eve")
	d.presence("rui@localhost/web", lime.Presence{Status: lime.StatusBusy})
	d.sees("■ rui")

	d.comes("mia@localhost/phone", "hello")
	d.sees("mia ?")
	d.press(keyTab)
	d.sees("mia@localhost is none of your contacts")
	want := ask{aboutContact{who: lime.MustParseIdentity("mia@localhost")}, &lime.Command{
		Method: lime.MethodSet, URI: "/contacts", Type: lime.MediaContact, Resource: []byte(`{"identity":"mia@localhost"}`),
	}}
	d.wants("accepted", d.says("!accept"), want)
	d.wants("the same by name", d.says("!add mia"), want)
	d.does(answered{about: want.about})
	d.seesNot("mia ?")
	d.says("!remove mia@localhost")
	d.does(answered{about: aboutContact{lime.MustParseIdentity("mia@localhost"), true}})
	d.sees("mia ?")

	for typed, says := range map[string]string{
		"!add ana": "that is you", "!add a/b": "no name", "!add a b": "no name", "!talk @x": "no name", "!add": "",
	} {
		d.m.notice = ""
		if d.says(typed); says != "" {
			d.sees(says)
		}
	}
	guest := newDesk(t, 80, 20)
	guest.m.account = false
	guest.online()
	guest.wants("a guest has none", guest.says("!add rui"))
	guest.sees("guests have no contacts")
}

func TestWhoWritesIsSeenForAWhile(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!talk rui")
	writes := func(state string) {
		d.does(came{&lime.Message{From: lime.MustParseNode("rui@localhost/web"), Type: mediaChatState, Content: d.json(map[string]any{"state": state})}})
	}
	writes("composing")
	d.sees("is writing…")
	d.later(writingFor - time.Second)
	d.sees("is writing…")
	d.later(time.Second)
	d.seesNot("is writing…")
	writes("Composing")
	writes("paused")
	d.seesNot("is writing…")
	writes("composing")
	d.comes("rui@localhost/web", "done")
	d.seesNot("is writing…")
	for i := range 2 * maxWriting {
		d.does(came{&lime.Message{From: lime.MustParseNode(fmt.Sprintf("n%d@localhost/web", i)), Type: mediaChatState, Content: d.json(map[string]any{"state": "composing"})}})
	}
	if len(d.m.writing) > maxWriting {
		t.Errorf("%d are known to be writing", len(d.m.writing))
	}
}

func TestThatOneWritesIsSaidNowAndThen(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!talk rui")
	d.wants("rui is not here", d.does(key{keyText, "h"}))
	d.presence("rui@localhost", lime.Presence{Status: lime.StatusAvailable})
	rui := sayWriting{lime.MustParseIdentity("rui@localhost")}
	d.wants("he is", d.does(key{keyText, "e"}), rui)
	d.wants("it was just said", d.does(key{keyText, "l"}))
	d.later(writingEvery)
	d.wants("it is said again", d.press(keyBackspace), rui)
	d.press(keyKillLine)
	d.later(writingEvery)
	d.wants("a command is no message", d.does(key{keyText, "!help"}))
	d.press(keyKillLine)
	d.wants("but this is", d.does(key{keyText, "!!x"}), rui)
	d.offline()
	d.later(writingEvery)
	d.wants("without a session", d.does(key{keyText, "x"}))
}

func TestFilesAreSent(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	d.says("!talk rui")
	todo := d.says("!upload some where/cat.png")
	l := d.m.talks["rui@localhost"].lines[0]
	d.wants("it is uploaded", todo, upload{l.id, "some where/cat.png"})
	d.does(moved{id: l.id, done: 10, total: 40})
	d.sees("is sent [#####---------------] 25%")
	todo = d.does(uploaded{id: l.id, file: lime.File{Name: "cat.png", Type: "image/png", Size: 40, URI: "http://localhost/f"}})
	m := todo[0].(publish).message
	if m.ID != l.id || m.Type != lime.MediaLinkType || m.To.String() != "rui@localhost" || !strings.Contains(string(m.Content), `"uri":"http://localhost/f"`) {
		t.Errorf("published is %s", m.AppendJSON(nil))
	}
	d.sees("[1] cat.png (image/png, 40 B)")
	d.does(uploaded{id: "another"})
	d.does(moved{id: "another", done: 1, total: 2})
}

func TestFilesAreFetched(t *testing.T) {
	d := stocked(t, 80, 24)
	f, _ := d.m.fileOf(1)
	d.wants("it is fetched", d.says("!get 1 some/where else"), download{1, f.link, lime.MustParseIdentity("rui@localhost"), "some/where else"})
	d.does(fetched{number: 1, path: "some/where else/cat.png"})
	d.sees("is in some/where else/cat.png")
	d.says("!get #1")
	d.does(fetched{number: 1, err: errors.New("no such luck")})
	d.sees("not fetched: no such luck")
	d.does(fetched{number: 1, err: &fs.PathError{Op: "fetch", Path: "cat.png", Err: fs.ErrExist}})
	d.sees("not fetched: there is a file of its name")
	for _, typed := range []string{"!get 2", "!get x", "!get -1"} {
		d.wants(typed, d.says(typed))
		d.sees("there is no file")
	}
	d.wants("and nothing becomes of what is unknown", d.does(fetched{number: 9}))
	for i := range 2 * maxFiles {
		d.does(came{&lime.Message{ID: fmt.Sprint(i), From: f.line.reply, Type: lime.MediaLinkType, Content: d.json(f.link)}})
		d.does(came{&lime.Message{ID: fmt.Sprint("x", i), From: lime.MustParseNode("rui@localhost"), Type: lime.MediaLinkType, Content: d.json(f.link)}})
	}
	if len(d.m.files) != maxFiles {
		t.Errorf("%d files are remembered", len(d.m.files))
	}
	if _, ok := d.m.fileOf(1); ok {
		t.Error("the oldest is still there")
	}
}

func TestBounds(t *testing.T) {
	t.Run("lines", func(t *testing.T) {
		d := newDesk(t, 80, 20)
		d.says("!talk rui")
		waits := d.says("this waits")[0].(publish).message.ID
		for range 2 * maxLines {
			d.comes("rui@localhost/web", "x")
		}
		talk := d.m.talks["rui@localhost"]
		if len(talk.lines) != maxLines || talk.lines[0].id != waits {
			t.Errorf("%d lines, the first is %q", len(talk.lines), talk.lines[0].text)
		}
		d.does(published{waits, nil})
		d.comes("rui@localhost/web", "x")
		if talk.lines[0].id == waits || len(d.m.own) != 0 {
			t.Errorf("what is sent is not forgotten: %v", d.m.own)
		}
	})
	t.Run("bytes", func(t *testing.T) {
		d := newDesk(t, 80, 20)
		for range 100 {
			d.comes("rui@localhost/web", strings.Repeat("x", 2*maxText))
		}
		talk, sum := d.m.talks["rui@localhost"], 0
		for _, l := range talk.lines {
			sum += len(l.text)
		}
		if sum != talk.bytes || sum > maxTalkBytes || len(talk.lines) < 5 {
			t.Errorf("%d lines have %d bytes, of which %d are known", len(talk.lines), sum, talk.bytes)
		}
	})
	t.Run("conversations", func(t *testing.T) {
		d := newDesk(t, 80, 20)
		d.says("!talk zoe")
		d.says("this waits")
		d.says("!talk rui")
		for i := range 2 * maxTalks {
			d.later(time.Second)
			d.comes(fmt.Sprintf("n%d@localhost", i), "x")
		}
		for _, key := range []string{lobby, "zoe@localhost", "rui@localhost", fmt.Sprintf("n%d@localhost", 2*maxTalks-1)} {
			if d.m.talks[key] == nil {
				t.Errorf("%s is forgotten", key)
			}
		}
		if len(d.m.talks) != maxTalks || d.m.talks["n0@localhost"] != nil {
			t.Errorf("%d conversations", len(d.m.talks))
		}
	})
	t.Run("rooms", func(t *testing.T) {
		d := newDesk(t, 80, 20)
		for i := range 2 * maxRooms {
			d.says(fmt.Sprintf("!join #r%d", i))
		}
		if n := len(d.m.rooms()); n != maxRooms {
			t.Errorf("in %d rooms", n)
		}
	})
	t.Run("presences", func(t *testing.T) {
		d := newDesk(t, 80, 20)
		d.online()
		for i := range maxStatuses + 10 {
			d.presence(fmt.Sprintf("n%d@localhost", i), lime.Presence{Status: lime.StatusAvailable})
		}
		if len(d.m.statuses) != maxStatuses {
			t.Errorf("%d presences", len(d.m.statuses))
		}
	})
}

func TestScrolling(t *testing.T) {
	d := newDesk(t, 80, 12)
	for i := range 30 {
		d.comes("rui@localhost", fmt.Sprintf("line %02d.", i))
	}
	d.press(keyTab)
	d.sees("line 29.")
	d.press(keyPageUp)
	d.seesNot("line 29.")
	d.sees("line 22.")
	before := draw(d.m).text()
	d.comes("rui@localhost", "one more, and who reads on top is left there")
	if after := draw(d.m).text(); after != before {
		t.Errorf("what comes moves what is read:\n%s", after)
	}
	for range 20 {
		d.press(keyPageUp)
	}
	d.sees("── Monday, 2 March ──")
	d.press(keyPageDown)
	d.seesNot("── Monday, 2 March ──")
	d.press(keyEscape)
	d.sees("one more")
	d.press(keyPageUp)
	d.says("an own line brings to the end")
	d.sees("an own line brings to the end")
}

func TestStepsThroughTheList(t *testing.T) {
	d := stocked(t, 100, 24)
	var order []string
	for range len(d.m.entries()) {
		d.press(keyNext)
		order = append(order, d.m.current)
	}
	// The latest first, then who is here: tom is in the lobby, but nobody has met him.
	if want := "[mia@localhost lia@localhost zoe@elsewhere.example /chat/lobby rui@localhost]"; fmt.Sprint(order) != want {
		t.Errorf("it goes by %s, want %s", order, want)
	}
	d.press(keyPrevious)
	if d.m.current != "/chat/lobby" {
		t.Errorf("back is %s", d.m.current)
	}
}

func TestGroupsAreConversations(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	group := lime.Identity{Name: "choir", Domain: lime.GroupsDomain("localhost")}
	from, err := lime.ParseNode(string(lime.AppendGroupSender(nil, group, lime.MustParseIdentity("tom@localhost"))))
	if err != nil {
		t.Fatal(err)
	}
	d.does(came{&lime.Message{ID: "1", From: from, Type: lime.MediaText, Content: d.json("la")}})
	d.sees("& choir@groups.… 1")
	d.press(keyTab)
	d.sees("tom: la")
	if m := d.says("li")[0].(publish).message; m.To.Identity != group {
		t.Errorf("it goes to %s", m.To)
	}
	about := aboutGroup{"choir@groups.localhost"}
	d.wants("its members", d.says("!members"), ask{about, &lime.Command{Method: lime.MethodGet, URI: "/groups/choir@groups.localhost/members?take=100"}})
	d.does(answered{about: about, answer: &lime.Command{Resource: d.json(map[string]any{
		"total": 120, "items": []map[string]any{{"address": "ana@localhost"}, {"address": "tom@localhost"}},
	})}})
	d.sees("120 members: you, tom")
	d.does(answered{about: about, err: errors.New("not for you")})
	d.sees("choir@groups.localhost: not for you")
}

func TestMessagesOfAnEarlierProcessAreShownAsWaiting(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.does(found{&lime.Message{ID: "old", To: lime.MustParseNode("rui@localhost"), Type: lime.MediaText, Content: d.json("from before")}})
	d.does(found{&lime.Message{ID: "room", To: lime.MustParseNode("%2fchat%2flobby@rooms.localhost"), Type: lime.MediaText, Content: d.json("to all")}})
	d.sees("… ")
	d.sees("you: to all")
	d.says("!talk rui")
	d.sees("…   you: from before")
	d.hears("old", lime.EventAccepted)
	d.sees("✓   you: from before")
}

func TestCommandsThatAreNone(t *testing.T) {
	d := newDesk(t, 80, 20)
	for typed, says := range map[string]string{
		"!nonsense": "there is no !nonsense", "!talk": "it is !talk WHO", "!upload": "it is !upload PATH", "!get": "it is !get N", "!join": "it is !join ROOM",
		"!status sleeping": "a status is", "!members": "there is no connection", "!join /": "is no room", "!join #a/b": "letters, digits",
	} {
		d.m.notice = ""
		if d.wants(typed, d.says(typed)); says != "" {
			d.sees(says)
		}
	}
	d.wants("quit", d.says("!QUIT"), quit{})
	d.wants("Ctrl-C", d.press(keyQuit), quit{})
	d.wants("nothing", d.says("   "))
	d.says("!!bang")
	d.sees("you: !bang")
	d.says("!he")
	d.does(key{keyText, "!he"})
	d.press(keyTab)
	if d.m.input.text != "!help " {
		t.Errorf("it is completed to %q", d.m.input.text)
	}
}

func TestTheOwnStatus(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.online()
	p := lime.Presence{Status: lime.StatusAway, Message: "at lunch", RoutingRule: lime.RouteIdentity}
	d.wants("it is set", d.says("!status AWAY at lunch"), show{aboutPresence{p}, p})
	d.does(answered{about: aboutPresence{p}})
	d.sees("others see you as away")
	d.does(answered{about: aboutPresence{p}, err: errors.New("no")})
	d.sees("your status: no")
}

func TestWhoIsMeantBeforeThereIsAConnection(t *testing.T) {
	m := newModel(lime.Identity{}, false, []string{"/chat/garden", "nonsense"})
	d := &desk{t: t, m: m, now: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)}
	d.does(resized{80, 20})
	d.does(opening{"rui"})
	d.says("to the lobby")
	d.sees("there was no connection yet")
	d.online()
	if d.m.current != "rui@localhost" || fmt.Sprint(d.m.rooms()) != "[/chat/garden /chat/lobby]" {
		t.Errorf("%s is open, in %s", d.m.current, d.m.rooms())
	}
}

func TestPasting(t *testing.T) {
	d := newDesk(t, 80, 20)
	d.does(pasted{"two\r\nlines\x1b[201~"})
	d.sees("two↵lines[201~")
	d.does(pasted{strings.Repeat("x", maxInput)})
	d.sees("too long")
}
