package routing

import (
	"testing"

	"limegrove/lime"
)

func (c *client) takes(body string) {
	c.e.w.Helper()
	given, err := lime.ParseCapability([]byte(body))
	if err != nil {
		c.e.w.Fatal(err)
	}
	c.SetCapability(&given)
}

const photosOnly = `{"contentTypes":["application/vnd.lime.media-link+json"]}`

func TestAStoredMessageThatNobodyTakesFails(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available)
	rui.takes(photosOnly)
	ana.SayID("m1", "rui@t.org/1", "to the node")
	ana.Want("the sender hears so", "m1 accepted", "m1 failed 71")
	ana.SayID("m2", "rui@t.org", "to the identity, which has no other session")
	ana.Want("the sender hears so", "m2 accepted", "m2 failed 71")
	rui.WantNothing("nothing comes")
	w.noneLeft(rui)
	rui.takes(`{}`)
	ana.SayID("m3", "rui@t.org", "now it does")
	rui.Want("what is taken", "now it does")
	ana.Want("and nothing of before", "m3 accepted", "m3 dispatched")
}

func TestAMessageWaitsForTheSessionThatTakesIt(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, watch, phone := a.Login("ana@t.org/1", available), b.Login("rui@t.org/watch", available), b.Login("rui@t.org/phone", available)
	watch.takes(photosOnly)
	ana.SayID("m1", "rui@t.org", "one")
	phone.Want("who takes it", "one")
	ana.Want("has it", "m1 accepted", "m1 dispatched")
	watch.WantNothing("who does not, has not")
	watch.takes(`{}`)
	watch.Want("what it has left to the other, and is still there", "one")
	ana.SayID("m2", "rui@t.org", "two")
	phone.Want("the next", "two")
	watch.Want("is for both", "two")
}

func TestWhatIsNotTakenAndNotStored(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, rui, lia := a.Login("ana@t.org/1", available), b.Login("rui@t.org/1", available), b.Login("rui@t.org/2", available)
	rui.takes(`{"contentTypes":["a/b"],"resourceTypes":["a/b"]}`)
	ana.SayID("m1", "rui@t.org/1", "x") // without streams it is not stored
	ana.Want("a message", "m1 failed 71")
	ana.Say("rui@t.org", "to both")
	lia.Want("another session takes it", "to both")
	ask := func(id, rest string) {
		ana.mustRoute("rui@t.org/1", `{"id":"`+id+`","from":"ana@t.org/1","to":"rui@t.org/1","method":`+rest+`}`)
	}
	ask("c1", `"set","uri":"/x","type":"application/json","resource":{}`)
	ana.Want("a command of another type", "c1 set failure 62")
	ask("c2", `"set","uri":"/x","type":"a/b","resource":{}`)
	ask("c3", `"get","uri":"/x"`)
	rui.Want("what is taken, and what has no type", "c2 set", "c3 get")
	rui.takes(`{"resourceTypes":[]}`)
	ask("c4", `"get","uri":"/x"`)
	ana.Want("no command at all", "c4 get failure 62")
	ask("c5", `"get","status":"success"`)
	rui.Want("but its answers", "c5 get success")
	b.WantDropped("each is counted", dropUnaccepted, 4)
}
