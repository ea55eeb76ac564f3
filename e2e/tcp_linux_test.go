package e2e

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWordOfTheSystemAcknowledges over TCP what a client has that sends no receipts and
// answers no ping, as lime-go does by itself: design, promise P4. Only Linux gives its word.
func TestWordOfTheSystemAcknowledges(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-tcp", address(0))
	s := stage{c, place{goLibrary, c.edges[0]}, place{limeGo(t), c.edges[1].overTCP()}}
	ana := s.guest(t, s.here, "ana", "home")
	ana.setReceipts("dispatched", "failed")
	began := time.Now()
	rui := s.guest(t, s.there, "rui", "desk")
	rui.wantPing("it is asked")
	ana.send(text("1", rui.node, "once"))
	rui.wantText("a message", "once")
	ana.wantEvent("its sender hears of it", "1", "dispatched")
	took := time.Since(began)
	t.Logf("the system was believed %s after the session had begun", took.Round(time.Millisecond))
	if took < pongPatience {
		t.Errorf("that took %s, so that there was no time to answer", took)
	}

	// Who has not answered in time is not waited for again.
	sent := time.Now()
	ana.send(text("2", rui.node, "once, too"))
	rui.wantText("another message", "once, too")
	ana.wantEvent("its sender hears of it", "2", "dispatched")
	if took := time.Since(sent); took >= pongPatience {
		t.Errorf("that took %s, as if an answer had been awaited again", took)
	}
	rui.wantNothingButPings("each of them once")
	s.comeBack(t, ana, rui).wantNothingButPings("what was acknowledged does not come again")
}

// TestWhatAClientOverTCPDoesNotReadWaits: only what its system has is taken for delivered
// to it. The rest comes, in order, to the next session of the node: design, promises P1
// and P8.
func TestWhatAClientOverTCPDoesNotReadWaits(t *testing.T) {
	t.Parallel()
	const (
		messages, size = 250, 10_000 // for which its system has no room
		idle           = 4 * pongPatience
	)
	certificate, key := newCertificate(t)
	c := startCluster(t, 1)
	e := c.addEdge(t, "-tcp", address(0), "-tcp-encryption", "tls,none", "-tls-cert", certificate, "-tls-key", key,
		"-ping-interval", pongPatience.String(), "-idle-timeout", idle.String())
	s := stage{c, place{goLibrary, c.edges[0]}, place{limeGo(t, "-pongs"), e.overTCP()}}
	for _, encryption := range []string{"none", "tls"} {
		t.Run("encryption "+encryption, func(t *testing.T) {
			t.Parallel()
			ana := s.guest(t, s.here, "ana", "home")
			ana.setReceipts("accepted", "dispatched", "failed")
			phone := s.guest(t, s.here, "rui", "phone")
			rui := dialTCP(t, e)
			rui.login(phone.identity()+"/desk", encryption)
			phone.wantInstances("it is there", patience, "desk", "phone")

			// It reads nothing, and from the first message on no answer is awaited.
			all := []string{"first"}
			ana.send(text("first", rui.node, "hello"))
			ana.wantEvent("there is room in its system", "first", "dispatched")
			for i := range messages {
				all = append(all, strconv.Itoa(i))
				ana.send(text(strconv.Itoa(i), rui.node, strings.Repeat("x", size)))
			}
			for _, id := range all {
				ana.wantEvent("it is stored", id, "accepted")
			}
			phone.wantInstances("the silent session ends", idle+patience, "phone") // L-TRN-10
			eve := s.guest(t, s.there, "eve", "lair")
			eve.send(text("", ana.node, "that is all"))
			ana.wantText("behind all that the edge has told ana", "that is all")

			dispatched, waits := []string{"first"}, []string{}
			for _, told := range ana.received() {
				if told.Event != "dispatched" {
					t.Errorf("the sender is told %s", told)
				}
				dispatched = append(dispatched, told.ID)
			}
			has := rui.system()
			t.Logf("of %d messages its system has %d, and %d are said to be dispatched", len(all), len(has), len(dispatched))
			for _, id := range all {
				switch told := slices.Contains(dispatched, id); {
				case told && !slices.Contains(has, id):
					t.Errorf("message %s is said to be dispatched, and its system does not have it", id)
				case !told:
					waits = append(waits, id)
				}
			}
			if len(waits) == 0 {
				t.Error("all of them have found room")
			}

			again := guest(t, s.here.lib, s.here.at, nameOf(phone)+"/desk")
			ana.send(text("last", again.node, "last"))
			again.wantText("the last message", "last")
			var came []string
			for _, message := range again.received() {
				came = append(came, message.ID)
			}
			if !slices.Equal(came, waits) {
				t.Errorf("the next session gets %q, not %q", came, waits)
			}
		})
	}
}

// tcpClient speaks LIME over TCP by hand, and reads only when it is told to.
type tcpClient struct {
	t      testing.TB
	socket *net.TCPConn
	gate   gate     // of socket
	conn   net.Conn // over gate
	in     *json.Decoder
	node   string
}

// gate lets through so many bytes that are read; negative is all of them.
type gate struct {
	net.Conn
	left int
}

func (g *gate) Read(b []byte) (int, error) {
	switch {
	case g.left < 0:
		return g.Conn.Read(b)
	case g.left == 0:
		return 0, io.EOF
	}
	n, err := g.Conn.Read(b[:min(len(b), g.left)])
	g.left -= n
	return n, err
}

// dialTCP connects, with a system that has room for little.
func dialTCP(t testing.TB, at *edge) *tcpClient {
	t.Helper()
	const room = 16 << 10
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		failed := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, room) })
		if err == nil {
			err = failed
		}
		return err
	}}
	conn, err := d.DialContext(t.Context(), "tcp", at.tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &tcpClient{t: t, socket: conn.(*net.TCPConn), gate: gate{conn, -1}}
	c.over(&c.gate)
	return c
}

func (c *tcpClient) over(conn net.Conn) { c.conn, c.in = conn, json.NewDecoder(conn) }

// login logs a guest in.
func (c *tcpClient) login(node, encryption string) {
	c.t.Helper()
	offer := c.ask(Envelope{State: "new"})
	choice := Envelope{ID: offer.ID, State: "negotiating", Encryption: encryption, Compression: "none"}
	confirmed := c.ask(choice)
	if confirmed.State != choice.State || confirmed.Encryption != encryption || confirmed.Compression != "none" {
		c.t.Fatalf("%s is confirmed by %s", choice, confirmed) // L-SES-07
	}
	if encryption == "tls" { // L-SES-10
		c.over(tls.Client(c.conn, &tls.Config{InsecureSkipVerify: true})) // lime-go looks at the certificate
	}
	c.hear()
	session := c.ask(Envelope{ID: offer.ID, State: "authenticating", From: node, Scheme: "guest"})
	if session.State != "established" {
		c.t.Fatalf("%s logs in: %s", node, session)
	}
	c.node = session.To
}

// ask sends an envelope, a byte at a time (L-TRN-07), and reads one.
func (c *tcpClient) ask(e Envelope) Envelope {
	c.t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range b {
		if _, err := c.conn.Write(b[i : i+1]); err != nil {
			c.t.Fatal(err)
		}
	}
	return c.hear()
}

func (c *tcpClient) hear() (e Envelope) {
	c.t.Helper()
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	if err := c.in.Decode(&e); err != nil {
		c.t.Fatal(err)
	}
	return e
}

// system reads what the client's system has, and nothing that comes because of that, and
// returns the ids of the messages.
func (c *tcpClient) system() (ids []string) {
	c.t.Helper()
	raw, err := c.socket.SyscallConn()
	if err == nil {
		failed := raw.Control(func(fd uintptr) { c.gate.left, err = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
		if err == nil {
			err = failed
		}
	}
	if err == nil {
		err = c.socket.SetDeadline(time.Now().Add(patience))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	for {
		var e Envelope
		if c.in.Decode(&e) != nil { // the last one is not whole
			return ids
		}
		if e.Content != nil {
			ids = append(ids, e.ID)
		}
	}
}
