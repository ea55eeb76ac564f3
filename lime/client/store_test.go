package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
	"limegrove/lime/client/spool"
)

// kept opens a spool, which starts no goroutine.
func kept(t testing.TB, dir string, cfg spool.Config) *spool.Spool {
	t.Helper()
	cfg.SyncEvery = -1
	s, err := spool.Open(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// started is a client for which there is no server yet.
func (p *place) started(url string, cfg Config) *Client {
	p.t.Helper()
	cfg.NetDial = p.dial
	c, err := Start(url, cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		c.Close()
		<-c.Done()
	})
	return c
}

func TestStartWaitsForTheNetwork(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://nobody/", Config{Servers: []string{"ws://server/"}, Node: lime.MustParseNode(ana)})
		one := c.publishes(t, "1")
		f := p.accept()
		f.begins(ana)
		f.hears("what has waited", `{"id":"1"}`)
		f.says(`{"id":"1","event":"accepted"}`)
		if err := one.Wait(within(t)); err != nil {
			t.Error(err)
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://nobody/", Config{Backoff: Backoff{Tries: 3}})
		<-c.Done()
		if err := c.Err(); err == nil || p.dials.Load() != 3 {
			t.Errorf("%v after %d tries", err, p.dials.Load())
		}
		if _, err := Start("http://x/", Config{}); err == nil {
			t.Error("an address that is none")
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://server/", Config{Node: lime.MustParseNode(ana), Scheme: Plain(Fixed("wrong"))})
		f := p.accept()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"failed","reason":{"code":13}}`)
		<-c.Done()
		if err := c.Err(); !errors.Is(err, &lime.Reason{Code: 13}) {
			t.Error(err)
		}
	})
}

// What a process has published while there was no network, the next one sends: with the same
// ids, in order, and nothing twice. More than InFlight is read from the disk when there is room.
func TestKeptMessagesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	const n = 50
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://nobody/", Config{Store: kept(t, dir, spool.Config{}), InFlight: 4})
		ctx, cancel := context.WithCancel(context.Background())
		var all []*Publication
		for i := range n {
			one, err := c.PublishAsync(ctx, text(fmt.Sprint(i), "x"))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, one)
		}
		if _, err := c.PublishAsync(ctx, text("7", "x")); !errors.Is(err, ErrID) {
			t.Errorf("an id that is kept: %v", err)
		}
		short, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := c.Publish(short, text("short", "x")); !errors.Is(err, ErrKept) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who does not wait: %v", err)
		}
		cancel() // which no longer matters to what is kept
		synctest.Wait()
		if err := all[0].Err(); err != nil {
			t.Error(err)
		}
		if texts := c.publications.texts(); texts != 4 {
			t.Errorf("%d texts are in memory", texts)
		}
		if err := c.Shutdown(within(t)); err != nil {
			t.Errorf("what is kept holds nobody up: %v", err)
		}
		for _, one := range all {
			if err := one.Wait(within(t)); !errors.Is(err, ErrKept) || !errors.Is(err, ErrClosed) {
				t.Fatal(err)
			}
		}
	})
	inMemory(t, func(t *testing.T, p *place) {
		store := kept(t, dir, spool.Config{})
		c, f := p.session(Config{Store: store, InFlight: 4})
		fresh := later(func() error { return c.Publish(within(t), text("new", "x")) })
		synctest.Wait()
		if _, err := c.PublishAsync(within(t), text("7", "x")); !errors.Is(err, ErrID) {
			t.Errorf("an id that is kept: %v", err)
		}
		ids := f.ids(4)
		f.hearsNothing("four are in flight")
		f.conn.Close()
		f = p.accept()
		f.begins(ana)
		for i := range n + 2 {
			id := f.ids(1)[0]
			want := []string{strconv.Itoa(i), "short", "new"}[max(i-n+1, 0)]
			if id != want {
				t.Errorf("%s comes for %s", id, want)
			}
			if i < 4 && id != ids[i] {
				t.Errorf("%s is sent again for %s", id, ids[i])
			}
			f.says(`{"id":"` + id + `","event":"accepted"}`)
		}
		if err := <-fresh; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if st := store.Stats(); st.Count != 0 || c.publications.waiting() || c.Dropped(DropKept) != 0 {
			t.Errorf("what is answered is kept: %+v", st)
		}
	})
}

// texts counts those in memory.
func (p *publications) texts() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.byID {
		if one.text != nil {
			n++
		}
	}
	return n
}

func TestWhatIsAnsweredIsNotKept(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		dir := t.TempDir()
		store := kept(t, dir, spool.Config{Types: map[string]spool.Limit{"text/never": {Count: -1}}})
		c, f := p.session(Config{Store: store, InFlight: 2, MaxResends: -1, ResendAfter: time.Second, PingInterval: -1, IdleTimeout: -1})
		for answer, want := range map[string]error{
			`"event":"accepted"`:                    nil,
			`"event":"failed","reason":{"code":33}`: &lime.Reason{Code: 33},
		} {
			err := later(func() error { return c.Publish(within(t), text("", "x")) })
			id := f.hears("the message", `{"id":"*"}`)
			if n := store.Stats().Count; n != 1 {
				t.Errorf("%d are kept while there is no answer", n)
			}
			f.says(`{"id":"` + id + `",` + answer + `}`)
			if got := <-err; !errors.Is(got, want) {
				t.Error(got)
			}
			synctest.Wait()
			if n := store.Stats().Count; n != 0 {
				t.Errorf("%d are kept after %s", n, answer)
			}
		}
		given := c.publishes(t, "given")
		f.hears("once", `{"id":"given"}`)
		if err := given.Wait(within(t)); !errors.Is(err, ErrUnanswered) || errors.Is(err, ErrKept) {
			t.Errorf("what is given up: %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		one, err := c.PublishAsync(ctx, ofType("n", "Text/Never; x=y"))
		if err != nil {
			t.Fatal(err)
		}
		f.hears("what is not kept", `{"id":"n"}`)
		cancel()
		if err := one.Wait(within(t)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrKept) {
			t.Errorf("what is not kept is given up: %v", err)
		}
		asked := c.asks(within(t), text("q", "?"))
		f.asked()
		synctest.Wait()
		if n := store.Stats().Count; n != 0 {
			t.Errorf("%d are kept: questions are not", n)
		}
		c.Close()
		if r := <-asked; !errors.Is(r.err, ErrClosed) {
			t.Error(r.err)
		}
	})
}

func TestNoRoomInTheStoreIsTheSendersError(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://nobody/", Config{Store: kept(t, t.TempDir(), spool.Config{Limit: spool.Limit{Count: 2}})})
		c.publishes(t, "1")
		c.publishes(t, "2")
		for range 2 { // its id is not taken by that
			if _, err := c.PublishAsync(within(t), text("3", "x")); !errors.Is(err, spool.ErrFull) || errors.Is(err, ErrKept) {
				t.Error(err)
			}
		}
		if c.publications.kept != 2 || len(c.publications.byID) != 2 {
			t.Errorf("%d of %d are kept", c.publications.kept, len(c.publications.byID))
		}
	})
}

// shelf is a store whose disk fails as the test wants.
type shelf struct {
	*spool.Spool
	fails func(what string) error
	lost  uint64 // is not found any more
}

func (s *shelf) Next(after uint64) (uint64, []byte, error) {
	if err := s.fails("next"); err != nil {
		return 0, nil, err
	}
	if after+1 == s.lost {
		after++
	}
	return s.Spool.Next(after)
}

func (s *shelf) Remove(number uint64) error {
	if err := s.fails("remove"); err != nil {
		return err
	}
	return s.Spool.Remove(number)
}

func TestStoreThatFailsIsToldOf(t *testing.T) {
	broken := errors.New("input/output error")
	inMemory(t, func(t *testing.T, p *place) {
		var failing atomic.Value
		failing.Store("")
		store := &shelf{Spool: kept(t, t.TempDir(), spool.Config{}), fails: func(what string) error {
			if what == failing.Load() {
				return broken
			}
			return nil
		}}
		for _, text := range []string{
			`{"id":"1","to":"rui@example.org","type":"text/plain","content":"x"}`, // of another process
			`{"to":"rui@example.org","type":"text/plain","content":"x"}`, `{"id":"1","type":"text/plain","content":"again"}`, `no JSON`,
		} {
			if _, err := store.Put("text/plain", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		c, f := p.session(Config{Store: store, InFlight: 1})
		if n := c.Dropped(DropKept); n != 3 || store.Stats().Count != 1 {
			t.Errorf("%d are of no use, and %d are kept", n, store.Stats().Count)
		}
		f.hears("of another process", `{"id":"1","content":"x"}`)
		lost, unread, last := c.publishes(t, "2"), c.publishes(t, "3"), c.publishes(t, "4")
		store.lost = 5 // behind the four
		failing.Store("remove")
		f.says(`{"id":"1","event":"failed","reason":{"code":33}}`)
		if err := lost.Wait(within(t)); !errors.Is(err, errGone) {
			t.Errorf("one that is lost: %v", err)
		}
		f.hears("the next", `{"id":"3"}`)
		if n := c.Dropped(DropKept); n != 4 {
			t.Errorf("%d have failed without anybody who hears it", n)
		}
		failing.Store("next")
		f.says(`{"id":"3","event":"accepted"}`)
		if err := unread.Wait(within(t)); err != nil {
			t.Error(err)
		}
		if err := last.Wait(within(t)); !errors.Is(err, ErrKept) || !errors.Is(err, broken) {
			t.Errorf("one that cannot be read: %v", err)
		}
		if _, err := Start("ws://nobody/", Config{Store: store}); !errors.Is(err, broken) {
			t.Errorf("a store that cannot be read: %v", err)
		}
		failing.Store("")
		after := c.publishes(t, "5")
		f.hears("it goes on", `{"id":"5"}`)
		f.says(`{"id":"5","event":"accepted"}`)
		if err := after.Wait(within(t)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := store.Stats().Count; n != 1 { // the one that could not be read
			t.Errorf("%d are kept", n)
		}
	})
}

// What was kept goes by its priority, and in the order of the processes.
func TestKeptMessagesHavePriorities(t *testing.T) {
	dir := t.TempDir()
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://nobody/", Config{Store: kept(t, dir, spool.Config{}), Priority: urgent, InFlight: 1})
		for _, m := range []*lime.Message{ofType("l1", "text/log"), ofType("l2", "text/log"), ofType("a1", "text/alarm")} {
			if _, err := c.PublishAsync(within(t), m); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
	})
	inMemory(t, func(t *testing.T, p *place) {
		c := p.started("ws://server/", Config{Store: kept(t, dir, spool.Config{}), Priority: urgent, InFlight: 1, Node: lime.MustParseNode(ana)})
		for _, m := range []*lime.Message{ofType("l3", "text/log"), ofType("a2", "text/alarm")} {
			if _, err := c.PublishAsync(within(t), m); err != nil {
				t.Fatal(err)
			}
		}
		f := p.accept()
		f.begins(ana)
		for _, id := range []string{"l1", "a1", "a2", "l2", "l3"} { // the first has its place already
			f.hears("by priority", `{"id":"`+id+`"}`)
			f.says(`{"id":"` + id + `","event":"accepted"}`)
		}
	})
}

// What has arrived is the program's once it is on its disk: the server is told so at once, and
// what the program has not handled when it dies the next process handles, first and once.
func TestArrivalsOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	transient := `{"from":"rui@example.org/desk","to":"` + ana + `","type":"text/plain","content":"no id"}`
	inMemory(t, func(t *testing.T, p *place) {
		store := kept(t, dir, spool.Config{Types: map[string]spool.Limit{"text/never": {Count: -1}}})
		handled := make(chan string, 1)
		c, f := p.session(Config{Arrivals: store, Handler: handler(func(ctx context.Context, _ *Client, m *lime.Message) error {
			if m.ID != "0" {
				<-ctx.Done() // as if the process died meanwhile
			}
			handled <- m.ID
			return ctx.Err()
		})})
		f.says(message("0", ""))
		f.hears("it is on the disk", `{"id":"0","event":"received"}`)
		<-handled
		f.hears("and handled", `{"id":"0","event":"consumed"}`)
		for _, id := range []string{"1", "2", "3"} {
			f.says(message(id, ""))
			f.hears("while the handler is at the first", `{"id":"`+id+`","event":"received"}`)
		}
		f.says(transient)
		f.says(`{"id":"n","from":"rui@example.org/desk","to":"` + ana + `","type":"text/never","content":"x"}`)
		f.says(`{"id":"p","from":"` + server + `","method":"get","uri":"/ping"}`)
		f.hearsNothing("one that is not kept holds back the proof, and nothing else does")
		if n := store.Stats().Count; n != 4 {
			t.Errorf("%d are kept", n)
		}
		c.Close()
		<-handled
	})
	inMemory(t, func(t *testing.T, p *place) {
		store := kept(t, dir, spool.Config{})
		c, f := p.session(Config{Arrivals: store})
		f.says(message("2", "")) // since the server may not have heard that it came
		f.says(message("4", ""))
		f.hears("a new one is kept", `{"id":"4","event":"received"}`)
		var got []string
		for m, err := range c.Messages(within(t)) {
			if err != nil {
				t.Fatal(err)
			}
			if n := store.Stats().Count; n != 5-len(got) {
				t.Errorf("%d are kept while %q is handled", n, m.ID)
			}
			if got = append(got, m.ID); len(got) == 5 {
				break
			}
		}
		if fmt.Sprint(got) != "[1 2 3  4]" {
			t.Errorf("%q are handled", got)
		}
		f.hears("one that came again is acknowledged again", `{"id":"2","event":"received"}`)
		if n := store.Stats().Count; n != 0 || c.Dropped(DropDuplicate) != 1 {
			t.Errorf("%d are kept", n)
		}
	})
}

// Without room on the disk the server keeps what has an id, as without a store.
func TestArrivalsThatDoNotFitAreTheServers(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		store := kept(t, t.TempDir(), spool.Config{Limit: spool.Limit{Count: 1}})
		if _, err := store.Put("text/plain", []byte("no JSON")); err != nil {
			t.Fatal(err)
		}
		c, f := p.session(Config{Arrivals: store, Queue: 2})
		if n := c.Dropped(DropMalformed); n != 1 || store.Stats().Count != 0 {
			t.Errorf("%d are no messages", n)
		}
		f.says(message("1", ""))
		f.hears("there is room for one", `{"id":"1","event":"received"}`)
		f.says(message("2", ""))
		f.says(`{"id":"p","from":"` + server + `","method":"get","uri":"/ping"}`)
		f.hearsNothing("none for the other")
		later(func() error { f.says(message("3", "")); return nil })
		f.hearsNothing("and the queue is full")
		for m, err := range c.Messages(within(t)) {
			if err != nil {
				t.Fatal(err)
			}
			switch m.ID {
			case "1":
				f.hearsNothing("it was acknowledged")
			case "2":
				f.hears("this one when it is taken", `{"id":"2","event":"received"}`)
				f.hears("and the proof", `{"id":"p","status":"success"}`)
			}
			if m.ID == "3" {
				f.hears("and this one, which came while the first was handled", `{"id":"3","event":"received"}`)
				break
			}
		}
		if st := store.Stats(); st.Refused != 2 || st.Count != 0 {
			t.Errorf("%+v", st)
		}
	})
}

// A program that handles what earlier processes have left before it is in session.
func TestArrivalsAreHandledWithoutASession(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		store := kept(t, t.TempDir(), spool.Config{})
		if _, err := store.Put("text/plain", []byte(message("1", `,"to":"`+ana+`"`))); err != nil {
			t.Fatal(err)
		}
		handled := make(chan string, 1)
		c := p.started("ws://nobody/", Config{Arrivals: store, Node: lime.MustParseNode(ana), Handler: handler(func(_ context.Context, _ *Client, m *lime.Message) error {
			handled <- m.ID
			return nil
		})})
		if id := <-handled; id != "1" {
			t.Error(id)
		}
		synctest.Wait()
		if n := c.Dropped(DropReceipt); n != 1 || store.Stats().Count != 0 {
			t.Errorf("%d receipts had no session, and %d are kept", n, store.Stats().Count)
		}
	})
}
