package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"limegrove/lime"
)

// Against a plain list: the next is the first of the smallest rank, or of one that was passed
// often enough, and none is passed much more often than that.
func TestRankedQueueIsOneListForEachRank(t *testing.T) {
	type one struct{ rank, number int }
	rapid.Check(t, func(t *rapid.T) {
		var q ranked[*one]
		var model []*one
		passed := map[int]int{} // by rank
		for number := range rapid.IntRange(0, 300).Draw(t, "steps") {
			before := len(model)
			var gone *one
			switch step := rapid.IntRange(0, 9).Draw(t, "step"); {
			case step < 6:
				o := &one{rapid.IntRange(-3, 3).Draw(t, "rank"), number}
				q.push(o.rank, o)
				model = append(model, o)
			case step == 6 && before > 0:
				gone = model[rapid.IntRange(0, before-1).Draw(t, "which")]
				is := func(o *one) bool { return o == gone }
				if !q.remove(gone.rank, is) || q.remove(gone.rank, is) {
					t.Fatal("one that is there is taken out once")
				}
			default:
				first, _ := q.first()
				var ok bool
				if gone, ok = q.pop(); ok != (before > 0) || first != gone {
					t.Fatalf("%v, %v of %d", gone, ok, before)
				}
				for _, o := range model {
					switch {
					case o.rank < gone.rank && passed[gone.rank] < maxPassed, o.rank == gone.rank && o.number < gone.number:
						t.Fatalf("%+v goes before %+v", gone, o)
					case o.rank > gone.rank && passed[o.rank] > maxPassed+7:
						t.Fatalf("%+v waits for ever", o)
					}
				}
				if gone != nil {
					for rank := range passed {
						if rank > gone.rank {
							passed[rank]++
						}
					}
					passed[gone.rank] = 0
				}
			}
			if gone != nil {
				model = slices.DeleteFunc(model, func(o *one) bool { return o == gone })
			}
			for rank := -3; rank <= 3; rank++ {
				if !slices.ContainsFunc(model, func(o *one) bool { return o.rank == rank }) {
					delete(passed, rank)
				} else if _, ok := passed[rank]; !ok {
					passed[rank] = 0
				}
			}
			if q.len() != len(model) {
				t.Fatalf("%d are there, not %d", q.len(), len(model))
			}
		}
	})
}

func ofType(id, mediaType string) *lime.Message {
	m := text(id, "x")
	m.Type = mediaType
	return m
}

// ids takes so many messages, and returns their ids.
func (f *far) ids(n int) (ids []string) {
	for range n {
		id, _ := f.message()
		ids = append(ids, id)
	}
	return ids
}

var urgent = PriorityByType(map[string]int{"Text/Alarm; charset=utf-8": -5, "text/log": 5})

// aioconnectors, A-28: with a full queue the smaller number is sent first, and the order within
// a type is kept. What was sent before keeps its place.
func TestPublicationsGoByTheirPriority(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Priority: urgent, InFlight: 6, PingInterval: -1, IdleTimeout: -1, ResendAfter: -1})
		publish := func(ids ...string) {
			for _, id := range ids {
				m := ofType(id, map[byte]string{'a': "TEXT/alarm", 'm': "text/plain", 'l': "text/log;x=y"}[id[0]])
				later(func() error { return c.Publish(within(t), m) })
				synctest.Wait() // so that they come in order, with room or without
			}
		}
		publish("l0")
		f.hears("it was sent before", `{"id":"l0"}`)
		f.conn.Close()
		synctest.Wait()
		publish("l1", "m1", "l2", "a1", "m2") // and now there is no room
		publish("l3", "m3", "l4", "a2", "m4", "a3")
		f = p.accept()
		f.begins(ana)
		if got := fmt.Sprint(f.ids(6)); got != "[l0 a1 m1 m2 l1 l2]" {
			t.Errorf("%s are sent of those that had room", got)
		}
		var got []string
		for i := range 6 {
			f.says(`{"id":"` + []string{"l0", "a1", "m1", "m2", "l1", "l2"}[i] + `","event":"accepted"}`)
			got = append(got, f.ids(1)...)
		}
		if fmt.Sprint(got) != "[a2 a3 m3 m4 l3 l4]" {
			t.Errorf("%s are sent of those that waited for room", got)
		}
		f.hearsNothing("that is all")
	})
}

// A server that reads slowly: what waits goes by its priority, and who waits for room gets it so.
func TestMessagesThatWaitGoByTheirPriority(t *testing.T) {
	size := len(ofType("m1", "text/alarm").AppendJSON(nil))
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Priority: urgent, SendQueue: 5 * size, PingInterval: -1, IdleTimeout: -1})
		f.stalled.Store(true)
		send := func(ids ...string) (ends []<-chan error) {
			for _, id := range ids {
				m := ofType(id, map[byte]string{'a': "text/alarm", 'm': "text/plain", 'l': "text/log"}[id[0]])
				ends = append(ends, later(func() error { return c.Send(within(t), m) }))
				synctest.Wait()
			}
			return ends
		}
		send("m0", "m1")                         // the first is read, the second is being written
		send("l1", "m2", "l2", "a1", "m3", "l3") // which is all that there is room for, about
		line := send("m4", "l4", "a2", "a3")
		for i, end := range line {
			select {
			case err := <-end:
				t.Errorf("the %dth has room: %v", i, err)
			default:
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		given := later(func() error { return c.Send(ctx, ofType("a9", "text/alarm")) })
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up: %v", err)
		}
		if err := c.Send(within(t), &lime.Command{ID: "c", Method: lime.MethodObserve, URI: "/x"}); err != nil {
			t.Error(err)
		}
		f.goOn()
		synctest.Wait()
		var got []string
		for said := range drained(f) {
			m, err := lime.DecodeMessage([]byte(said))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.ID)
		}
		if fmt.Sprint(got) != "[m0 m1 c a1 a2 a3 m2 m3 m4 l1 l2 l3 l4]" {
			t.Errorf("they go as %s", got)
		}
		for _, end := range line {
			if err := <-end; err != nil {
				t.Error(err)
			}
		}
		if err := c.Send(within(t), ofType("m5", strings.Repeat("x", 1<<20))); !errors.Is(err, ErrTooLong) {
			t.Error(err)
		}
		f.conn.Close()
		synctest.Wait()
		offline := later(func() error { return c.Send(within(t), ofType("a4", "text/alarm")) })
		f = p.accept()
		f.begins(ana)
		f.hears("in the next session", `{"id":"a4"}`)
		if err := <-offline; err != nil {
			t.Error(err)
		}
	})
}

// Urgent messages without end, at a rate of ten a second: one in 33 is not.
func TestTheLeastUrgentDoesNotWaitForEver(t *testing.T) {
	for _, how := range []string{"Send", "Publish"} {
		inMemory(t, func(t *testing.T, p *place) {
			c, f := p.session(Config{Priority: urgent, Rate: 10, InFlight: 1000, SendQueue: 1 << 14, PingInterval: -1, IdleTimeout: -1, ResendAfter: -1})
			ctx, cancel := context.WithCancel(context.Background())
			send := func(prefix, mediaType string, n int) {
				for i := range n {
					m := ofType(prefix+strconv.Itoa(i), mediaType)
					if how == "Send" {
						if c.Send(ctx, m) != nil {
							return
						}
					} else if _, err := c.PublishAsync(ctx, m); err != nil {
						return
					}
				}
			}
			go send("a", "text/alarm", 500)
			synctest.Wait()
			go send("l", "text/log", 3)
			go send("m", "text/plain", 3)
			after := map[string]int{}
			last := map[byte]int{'a': -1, 'l': -1, 'm': -1}
			for i, id := range f.ids(150) {
				number, err := strconv.Atoi(id[1:])
				if err != nil || number != last[id[0]]+1 {
					t.Fatalf("%s: %s comes behind the %dth of its type", how, id, last[id[0]])
				}
				last[id[0]] = number
				after[id] = i
			}
			for _, id := range []string{"l0", "l1", "l2", "m0", "m1", "m2"} {
				if _, ok := after[id]; !ok {
					t.Errorf("%s: %s still waits", how, id)
				}
			}
			if between := after["l2"] - after["l1"]; between < maxPassed || between > maxPassed+4 {
				t.Errorf("%s: %d others between two of the least urgent", how, between)
			}
			cancel()
		})
	}
}

// Shutdown sends what waits before it says that it finishes, as without priorities.
func TestShutdownSendsWhatWaitsByItsPriority(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c, f := p.session(Config{Priority: urgent, Rate: 10})
		for i := range 30 {
			if err := c.Send(within(t), ofType(fmt.Sprint(i), "text/log")); err != nil {
				t.Fatal(err)
			}
		}
		down := later(func() error { return c.Shutdown(within(t)) })
		for i := range 30 {
			f.hears("in order", `{"id":"`+fmt.Sprint(i)+`"}`)
		}
		f.hears("and then", `{"state":"finishing"}`)
		f.says(`{"id":"s1","state":"finished"}`)
		if err := <-down; err != nil {
			t.Error(err)
		}
	})
}
