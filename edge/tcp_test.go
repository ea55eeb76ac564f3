package edge

import (
	"context"
	"encoding/json"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

// tcpClient speaks LIME over TCP.
type tcpClient struct {
	t    testing.TB
	nc   net.Conn
	id   string // the session's
	node string

	in     chan string // what came but for pings; closed at the end
	pings  atomic.Int32
	silent atomic.Bool // pings are not answered
	gate   sync.Mutex  // held, it stops the reading

	writing sync.Mutex // held from the begin of an envelope in pieces to its end
}

// eachTCP runs a test for every way in which clients reach an edge over TCP.
func eachTCP(t *testing.T, cfg Config, test func(t *testing.T, e *fixture)) {
	t.Helper()
	for _, name := range []string{"sockets", "goroutines"} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.goroutines = name == "goroutines"
			e := newFixture(t, cfg)
			e.over = overTCP
			e.run(e.listen(func(nc net.Conn) net.Conn {
				must(t, nc.(patient).Conn.(*net.TCPConn).SetReadBuffer(systemRoom))
				return nc
			}))
			test(t, e)
		})
	}
}

// systemRoom is that of the client's system, and many messages do not fit into it and the edge's.
// With less than a packet of loopback there would be one a second.
const (
	systemRoom = 256 << 10
	many       = 4
)

// bigMessage is one of them.
var bigMessage = `{"id":"m","from":"x@y/z","to":"ana@example.org/1","type":"text/plain","content":"` + strings.Repeat("x", 1_000_000) + `"}`

// tcp connects; the client reads when it is told to.
func (e *fixture) tcp() *tcpClient {
	e.t.Helper()
	c := &tcpClient{t: e.t, nc: e.dial(), in: make(chan string, 1<<12)}
	e.t.Cleanup(func() { _ = c.nc.Close() })
	return c
}

// tcpLogin begins a session without encryption.
func (e *fixture) tcpLogin(node string) *tcpClient {
	e.t.Helper()
	c := e.tcp()
	go c.read()
	c.login(node)
	return c
}

func (c *tcpClient) login(node string) {
	c.t.Helper()
	c.node = node
	c.says(`{"state":"new"}`)
	c.hears("authenticating", `{"id":"*","state":"authenticating"}`)
	c.authenticate()
}

func (c *tcpClient) authenticate() {
	c.t.Helper()
	c.says(`{"id":"$id","from":"` + c.node + `","state":"authenticating","scheme":"guest"}`)
	c.hears("established", `{"id":"$id","to":"`+c.node+`","state":"established"}`)
}

// read takes what comes, one object after another, and answers pings.
func (c *tcpClient) read() {
	defer close(c.in)
	for stream := json.NewDecoder(c.nc); ; {
		c.gate.Lock()
		c.gate.Unlock() //nolint:staticcheck // it is a gate
		var raw json.RawMessage
		if stream.Decode(&raw) != nil {
			return
		}
		var e struct{ ID, URI, Status string }
		if err := json.Unmarshal(raw, &e); err != nil {
			c.t.Error(err)
		}
		if e.URI == "/ping" && e.Status == "" {
			c.pings.Add(1)
			if !c.silent.Load() {
				c.writing.Lock()
				_, _ = c.nc.Write([]byte(`{"id":"` + e.ID + `","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`))
				c.writing.Unlock()
			}
			continue
		}
		c.in <- string(raw)
	}
}

// saysInPieces says an envelope in several writes, and no answer to a ping between.
func (c *tcpClient) saysInPieces(pieces ...string) {
	c.t.Helper()
	c.writing.Lock()
	defer c.writing.Unlock()
	for _, piece := range pieces {
		c.says(piece)
	}
}

func (c *tcpClient) says(envelope string) {
	c.t.Helper()
	if _, err := c.nc.Write([]byte(strings.ReplaceAll(envelope, "$id", c.id))); err != nil {
		c.t.Logf("write: %v", err)
	}
}

func (c *tcpClient) hears(sentence, pattern string) {
	c.t.Helper()
	select {
	case got, ok := <-c.in:
		if !ok {
			c.t.Fatalf("%s: the end came", sentence)
		}
		if err := match([]byte(got), strings.ReplaceAll(pattern, "$id", c.id)); err != nil {
			c.t.Fatalf("%s: %v, in %s", sentence, err, got)
		}
		checkBearable(c.t, []byte(got))
		var h lime.Header
		if _, err := h.Scan([]byte(got)); err == nil && h.Kind == lime.KindSession {
			checkServerWords(c.t, []byte(got))
			c.id = string(h.ID)
		}
	case <-time.After(patience):
		c.t.Fatalf("%s: nothing came", sentence)
	}
}

// ends takes the end of the connection.
func (c *tcpClient) ends(sentence string) {
	c.t.Helper()
	select {
	case got, ok := <-c.in:
		if ok {
			c.t.Errorf("%s: %s came", sentence, got)
		}
	case <-time.After(patience):
		c.t.Errorf("%s: the connection goes on", sentence)
	}
}

func (c *tcpClient) greets(sentence string) {
	c.t.Helper()
	c.says(`{"to":"` + c.node + `","type":"text/plain","content":"` + sentence + `"}`)
	c.hears(sentence, `{"from":"`+c.node+`","content":"`+sentence+`"}`)
}

func TestEnvelopesOverTCPMayBeSplitAnywhere(t *testing.T) { // L-TRN-06, L-TRN-07
	eachTCP(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.tcpLogin("ana@example.org/1")
		text := `{"id":"m","to":"ana@example.org/1","type":"text/plain","content":"a \"quoted\\ }{ é 😀 text"}`
		got := `{"id":"m","from":"ana@example.org/1","content":"a \"quoted\\ }{ é 😀 text"}`
		for at := 1; at < len(text); at++ {
			ana.saysInPieces(text[:at], text[at:])
			ana.hears("one more", got)
		}
	})
}

func TestManyEnvelopesInOnePiece(t *testing.T) {
	eachTCP(t, Config{}, func(t *testing.T, e *fixture) {
		ana := e.tcpLogin("ana@example.org/1")
		const n = 100
		ana.says(strings.Repeat(` {"to":"ana@example.org/1","type":"text/plain","content":"x"}`+"\r\n", n))
		for range n {
			ana.hears("each", `{"from":"ana@example.org/1","content":"x"}`)
		}
		ana.says(`{"id":"$id","state":"finishing"}`)
		ana.hears("L-FIN-01", `{"id":"$id","state":"finished"}`)
		ana.ends("and closed")
	})
}

func TestWhatIsNoEnvelopeEndsASessionOverTCP(t *testing.T) { // L-TRN-08, L-TRN-13
	eachTCP(t, Config{MaxEnvelope: 1 << 10}, func(t *testing.T, e *fixture) {
		for _, says := range []string{
			"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01", `[]`, `{"id":}`, "{\"id\":\"\xff\xfe\"}",
			`{"id":"` + strings.Repeat("x", 1<<10) + `"}`, `{"id":"` + strings.Repeat("x", 1<<12),
		} {
			for _, established := range []bool{false, true} {
				c := e.tcp()
				go c.read()
				if established {
					c.login("ana@example.org/1")
				}
				c.says(says)
				c.hears(says, `{"id":"*","from":"`+server+`","state":"failed","reason":{"code":21,"description":"*"}}`)
				c.ends(says)
			}
		}
	})
}

func TestHalfAnEnvelopeOverTCPIsCutInTime(t *testing.T) {
	eachTCP(t, Config{UnfinishedTimeout: 300 * time.Millisecond, EstablishTimeout: 300 * time.Millisecond}, func(t *testing.T, e *fixture) {
		ana := e.tcpLogin("ana@example.org/1")
		ana.says(`{"id":"`)
		ana.hears("the rest", `{"id":"$id","state":"failed","reason":{"code":21,"description":"*"}}`)
		ana.ends("did not come")
		rui := e.tcp()
		go rui.read()
		rui.hears("L-SES-28", `{"id":"*","state":"failed","reason":{"code":16,"description":"*"}}`)
		rui.ends("who says nothing")
	})
}

func TestRefusalOverTCPIsLIME(t *testing.T) {
	eachTCP(t, Config{MaxSessions: 1}, func(t *testing.T, e *fixture) {
		ana := e.tcpLogin("ana@example.org/1")
		rui := e.tcp()
		go rui.read()
		rui.hears("full", `{"id":"*","from":"`+server+`","state":"failed","reason":{"code":11,"description":"the edge is overloaded"}}`)
		rui.ends("and closed")
		ana.greets("who is in stays")
		if n := counted(t, e.metrics.rejections[rejectFull]); n != 1 {
			t.Errorf("%d are counted", n)
		}
		done := make(chan struct{})
		go func() { defer close(done); e.Shutdown(context.Background()) }()
		ana.hears("L-FIN-05", `{"id":"$id","state":"finished"}`)
		ana.ends("and closed")
		<-done
	})
}

// asks has an edge deliver to a client and ask for a proof.
func (c *tcpClient) asks(e *fixture, n uint32, envelope string) {
	c.t.Helper()
	to := e.board.recipient(c.node)
	must(c.t, to.Deliver([]byte(envelope)))
	must(c.t, to.Probe(n))
	to.Flush()
}

func wantProofs(t *testing.T, p *place, want ...uint32) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		got := p.proved()
		if slices.Equal(got, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("proved are %v, not %v", got, want)
		}
		runtime.Gosched()
	}
}

func TestAnswerToAPingProvesOverTCP(t *testing.T) { // P4
	eachTCP(t, Config{pingPatience: time.Hour}, func(t *testing.T, e *fixture) {
		ana := e.tcpLogin("ana@example.org/1")
		place := e.board.place(ana.node)
		for n := range uint32(3) {
			ana.asks(e, n+1, message200)
			ana.hears("what was delivered", `{"type":"text/plain"}`)
			wantProofs(t, place, []uint32{1, 2, 3}[:n+1]...)
		}
		if n := ana.pings.Load(); n != 4 {
			t.Errorf("it was pinged %d times", n)
		}
		// From now on nothing but an answer proves.
		ana.silent.Store(true)
		ana.asks(e, 4, message200)
		ana.hears("it has come", `{"type":"text/plain"}`)
		c := e.board.recipient(ana.node).(*conn)
		looked := make(chan struct{})
		must(t, c.back(func() { // as if its time were over
			c.proving().asked, c.proving().look = never, c.edge.instant(c.turn().Now)
			c.lookAgain()
			close(looked)
		}))
		<-looked
		ana.greets("and what it says is heard")
		wantProofs(t, place, 1, 2, 3)
		ana.says(`{"id":"ping-9","method":"get","status":"success"}`) // that never was
		ana.says(`{"id":"ping-x","method":"get","status":"success"}`)
		ana.says(`{"id":"ping-0","method":"get","status":"success"}`)
		ana.greets("none of them proves")
		wantProofs(t, place, 1, 2, 3)
		ana.says(`{"id":"ping-4","method":"get","status":"failure","reason":{"code":61}}`)
		wantProofs(t, place, 1, 2, 3, 4)
	})
}

func TestWordOfTheSystemProvesForThoseWhoDoNotAnswer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	eachTCP(t, Config{pingPatience: 200 * time.Millisecond, SendQueue: 64 << 20}, func(t *testing.T, e *fixture) {
		ana, place := e.silent("ana@example.org/1")
		ana.asks(e, 1, message200)
		ana.hears("what was delivered", `{"type":"text/plain"}`)
		wantProofs(t, place, 1)
		asked := ana.pings.Load() // at the beginning, and once more if the probe was early
		ana.asks(e, 2, message200)
		ana.hears("and again", `{"type":"text/plain"}`)
		wantProofs(t, place, 1, 2)
		if n := ana.pings.Load(); n != asked {
			t.Errorf("who does not answer was pinged %d times more", n-asked)
		}

		// What does not fit into its system is not proved before it reads.
		ana.gate.Lock()
		for range many - 1 {
			must(t, e.board.recipient(ana.node).Deliver([]byte(bigMessage)))
		}
		ana.asks(e, 3, bigMessage)
		looks := make(chan struct{})
		c := e.board.recipient(ana.node).(*conn)
		for range 3 { // the system is asked, and says no
			must(t, c.back(func() {
				c.lookAgain()
				if c.proving().look == never {
					t.Error("nobody will look again")
				}
				looks <- struct{}{}
			}))
			<-looks
		}
		wantProofs(t, place, 1, 2)
		ana.gate.Unlock()
		for range many {
			ana.hears("when it reads", `{"id":"m","type":"text/plain"}`)
		}
		wantProofs(t, place, 1, 2, 3)

		// Who answers after all is believed from then on.
		ana.says(`{"id":"ping-0","method":"get","status":"success"}`)
		ana.greets("heard")
		ana.silent.Store(false)
		ana.asks(e, 4, message200)
		ana.hears("what was delivered", `{"type":"text/plain"}`)
		wantProofs(t, place, 1, 2, 3, 4)
		if n := ana.pings.Load(); n != asked+1 {
			t.Errorf("it was pinged %d times", n)
		}
	})
}

func TestSilentClientOverTCPIsPinged(t *testing.T) { // L-TRN-09, L-TRN-10
	synctest.Test(t, func(t *testing.T) {
		e := newFixture(t, Config{goroutines: true})
		e.over = overTCP
		e.runInMemory()
		ana, rui := e.tcpLogin("ana@example.org/1"), e.tcpLogin("rui@example.org/1")
		ana.silent.Store(true)
		synctest.Wait()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		ana.hears("who says nothing and does not answer", `{"id":"$id","state":"finished","reason":null}`)
		ana.ends("goes")
		rui.greets("who answers stays")
		if a, r := ana.pings.Load(), rui.pings.Load(); a != 2 || r < 10 {
			t.Errorf("they were pinged %d and %d times", a, r)
		}
	})
}
