package interest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
)

// wire is a broker's end of a connection that notes what is written, and fails when it has room for no more.
type wire struct {
	net.Conn
	written bytes.Buffer
	room    int
	closed  bool
}

var errFull = errors.New("no room")

func (w *wire) Write(p []byte) (int, error) {
	if w.closed {
		return 0, net.ErrClosed
	}
	n := min(len(p), w.room)
	w.room -= n
	w.written.Write(p[:n])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func (w *wire) Close() error                     { w.closed = true; return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// library writes what the client library would.
type library struct {
	d     *dialer
	on    *conn
	wire  *wire
	marks []string // of the channels
}

func (l *library) connect() {
	l.wire = &wire{room: 1 << 30}
	l.on = &conn{Conn: l.wire, dialer: l.d}
	l.d.current = l.on
	_, _ = l.on.Write([]byte("CONNECT {}\r\n"))
	_, _ = l.on.Write([]byte("PING\r\n"))
}

func (l *library) channel(d *dialer) *Channel {
	mark := fmt.Sprintf("SUB own%d  ", len(l.marks))
	c := &Channel{dialer: d, mark: []byte(mark), prefix: "to.", suffix: ".*"}
	d.channels = append(d.channels, c)
	l.marks = append(l.marks, mark)
	return c
}

// subscriptions reads what was written as a broker would, and returns the subjects by their numbers.
func subscriptions(t *testing.T, written string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for written != "" {
		line, rest, ok := strings.Cut(written, "\r\n")
		if !ok {
			t.Fatalf("%q has no end", line)
		}
		written = rest
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && words[0] == "SUB":
			if _, has := all[words[2]]; has {
				t.Fatalf("the number %s is there already", words[2])
			}
			all[words[2]] = words[1]
		case len(words) == 2 && words[0] == "UNSUB":
			if _, has := all[words[1]]; !has {
				t.Fatalf("the number %s is not there", words[1])
			}
			delete(all, words[1])
		case len(words) == 3 && words[0] == "PUB":
			n, err := strconv.Atoi(words[2])
			if err != nil || len(written) < n+2 || written[n:n+2] != "\r\n" {
				t.Fatalf("%q is not followed by so much", line)
			}
			written = written[n+2:]
		case line == "PING" || line == "CONNECT {}":
		default:
			t.Fatalf("%q is no operation", line)
		}
	}
	return all
}

func FuzzABrokerHearsWholeOperations(f *testing.F) {
	f.Add([]byte("ssaaafrpafcsspf"))
	f.Add([]byte("aaasprrrccsspfra"))
	f.Add([]byte("cacscapfspaarrf"))
	f.Fuzz(func(t *testing.T, program []byte) {
		d := &dialer{}
		l := &library{d: d}
		channels := []*Channel{l.channel(d), l.channel(d)}
		l.connect()
		type one struct {
			channel int
			id      ID
		}
		want := map[one]string{}
		told := [2]bool{} // of the channels, on this connection
		write := func(s string) {
			if _, err := l.on.Write([]byte(s)); err != nil {
				t.Fatal(err)
			}
		}
		for i, op := range program {
			which := i % 2
			switch op {
			case 'a':
				name := fmt.Sprint("n", i)
				want[one{which, channels[which].Add(name)}] = name
			case 'r':
				all := slices.SortedFunc(maps.Keys(want), func(a, b one) int { return int(a.id)*2 + a.channel - int(b.id)*2 - b.channel })
				if len(all) > 0 {
					o := all[i%len(all)]
					channels[o.channel].Remove(o.id)
					delete(want, o)
				}
			case 's', 'b': // b: between others
				if told[which] {
					continue
				}
				told[which] = true
				sub := fmt.Sprintf("%s%d\r\n", l.marks[which], which+7)
				if op == 'b' {
					sub = "PING\r\n" + sub + "PUB x 2\r\nxx\r\n"
				}
				write(sub)
			case 'p':
				write("PUB to.x.y 9\r\nUNSUB 1\r\n\r\n")
			case 'f':
				l.on.writePending()
			case 'c':
				_ = l.on.Close()
				subscriptions(t, l.wire.written.String())
				l.connect()
				told = [2]bool{}
			}
		}
		for which := range channels {
			if !told[which] {
				write(fmt.Sprintf("%s%d\r\n", l.marks[which], which+7))
			}
		}
		write("PING\r\n")
		got := subscriptions(t, l.wire.written.String())
		if len(got) != len(want)+len(channels) {
			t.Errorf("%d subscriptions, want %d", len(got), len(want)+len(channels))
		}
		for o, name := range want {
			number := string(appendNumber(nil, uint64(o.id), uint64(o.channel)+7))
			if got[number] != "to."+name+".*" {
				t.Errorf("%s is %q, want %s", number, got[number], name)
			}
		}
		for which, c := range channels {
			n := 0
			for o := range want {
				if o.channel == which {
					n++
				}
			}
			if c.Len() != n {
				t.Errorf("%d names, want %d", c.Len(), n)
			}
		}
	})
}

// However far a write gets, the library hears that it failed, and nothing follows it.
func TestAConnectionThatTakesApartIsGivenUp(t *testing.T) {
	for room := 0; ; room++ {
		d := &dialer{}
		l := &library{d: d}
		c := l.channel(d)
		l.connect()
		c.Add("ana")
		_, _ = l.on.Write([]byte(l.marks[0] + "7\r\n"))
		c.Add("rui")
		l.wire.written.Reset()
		l.wire.room = room
		p := []byte("PUB to.x.y 1\r\nx\r\n")
		n, err := l.on.Write(p)
		if err == nil {
			if n != len(p) {
				t.Errorf("%d bytes were written, want %d", n, len(p))
			}
			if room != l.wire.written.Len() || room < len(p) {
				t.Fatalf("all fits into %d", room)
			}
			return
		}
		if !errors.Is(err, errFull) || n > len(p) || !l.wire.closed || d.current != nil {
			t.Fatalf("room for %d: %d were written (%v), closed: %v", room, n, err, l.wire.closed)
		}
		c.Add("lia")
		if len(l.on.pending) != 0 {
			t.Fatalf("room for %d: something waits for a connection that is gone", room)
		}
	}
}

// stuck is a wire whose broker does not read until it is closed.
type stuck struct {
	*wire
	read chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.read
	return s.wire.Write(p)
}

// However many subscriptions end while a broker does not read, those who wait for it to are few.
func TestEndsWaitTogetherForABrokerThatDoesNotRead(t *testing.T) {
	d := &dialer{}
	l := &library{d: d}
	c := l.channel(d)
	l.connect()
	_, _ = l.on.Write([]byte(l.marks[0] + "7\r\n"))
	read := make(chan struct{})
	l.on.Conn = stuck{l.wire, read}
	before := runtime.NumGoroutine()
	for range 20 {
		c.Remove(c.Add("ana"))
		time.Sleep(2 * endsWait) // each has time to begin another
	}
	if n := runtime.NumGoroutine() - before; n > 2 { // one that writes, and one behind it
		t.Errorf("%d goroutines wait", n)
	}
	close(read)
	_, _ = l.on.Write([]byte("PING\r\n"))
	l.on.writing.Lock()
	defer l.on.writing.Unlock()
	if got := subscriptions(t, l.wire.written.String()); len(got) != 1 {
		t.Errorf("there are %v, want the channel's own", got)
	}
}

// The library reads numbers modulo 2^64, wherever what it reads is cut into two.
func TestTheLibraryReadsNumbersAsWeWriteThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		number := string(appendNumber(nil, 12345, 1))
		brought := "MSG to.ana.1 " + number + " re 3\r\nabc\r\n" +
			"PING\r\n+OK\r\n" +
			"HMSG to.rui.1 " + number + " 12 15\r\nNATS/1.0\r\n\r\nxyz\r\n" +
			"-ERR 'Permissions Violation for Subscription to \"to.lia.*\"'\r\n" +
			"MSG to.ana.2 " + number + " 0\r\n\r\n"
		for cut := range len(brought) {
			ours, brokers := net.Pipe()
			opts := &nats.Options{AllowReconnect: false, AsyncErrorCB: func(*nats.Conn, *nats.Subscription, error) {}}
			go func() { // the broker
				defer func() { _ = brokers.Close() }()
				_, _ = io.WriteString(brokers, `INFO {"headers":true,"max_payload":1048576}`+"\r\n")
				buffer := make([]byte, 4096)
				var heard []byte
				for {
					n, err := brokers.Read(buffer)
					if err != nil {
						return
					}
					heard = append(heard, buffer[:n]...)
					if bytes.Contains(heard, []byte("PING\r\n")) {
						heard = nil
						_, _ = io.WriteString(brokers, "PONG\r\n")
					}
					if bytes.Contains(heard, []byte("SUB ")) {
						heard = nil
						go func() { // reading on, for the library may write as well
							_, _ = io.WriteString(brokers, brought[:cut])
							_, _ = io.WriteString(brokers, brought[cut:])
						}()
					}
				}
			}()
			opts.CustomDialer = pipe{ours}
			opts.Url = "nats://127.0.0.1:4222"
			if err := Option()(opts); err != nil {
				t.Fatal(err)
			}
			nc, err := opts.Connect()
			if err != nil {
				t.Fatal(err)
			}
			messages := make(chan *nats.Msg, 8)
			if _, err := Listen(nc, messages, "to.", ".*"); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"to.ana.1 re abc", "to.rui.1  xyz", "to.ana.2  "} {
				m := <-messages
				if got := fmt.Sprintf("%s %s %s", m.Subject, m.Reply, m.Data); got != want {
					t.Fatalf("cut at %d: got %q, want %q", cut, got, want)
				}
			}
			nc.Close()
		}
	})
}

// pipe is a dialer that has one connection.
type pipe struct{ conn net.Conn }

func (p pipe) Dial(string, string) (net.Conn, error) { return p.conn, nil }
