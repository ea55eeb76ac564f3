package edge

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

// helloFirst writes what is to come before a ClientHello together with it, so that both
// reach the edge at once, and reads the confirmation before anything of TLS.
type helloFirst struct {
	net.Conn
	before string
	skip   func(net.Conn) error
}

func (c *helloFirst) Write(b []byte) (int, error) {
	all := append([]byte(c.before), b...)
	c.before = ""
	if _, err := c.Conn.Write(all); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *helloFirst) Read(b []byte) (int, error) {
	if c.skip != nil {
		if err := c.skip(c.Conn); err != nil {
			return 0, err
		}
		c.skip = nil
	}
	return c.Conn.Read(b)
}

// oneObject reads one object and not a byte more.
func oneObject(from io.Reader) (string, error) {
	var text []byte
	for {
		var b [1]byte
		if _, err := io.ReadFull(from, b[:]); err != nil {
			return string(text), err
		}
		if text = append(text, b[0]); b[0] == '}' && json.Valid(text) {
			return string(text), nil
		}
	}
}

func TestTLSIsNegotiatedOverTCP(t *testing.T) { // L-SES-06, L-SES-07, L-SES-10, L-TRN-12
	eachTCP(t, Config{TLS: tlsConfig(), Encryption: []Encryption{EncryptionTLS, EncryptionNone}, SendQueue: 1 << 20}, func(t *testing.T, e *fixture) {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			for _, hello := range []struct {
				early bool   // it comes with the choice
				space string // before it: L-TRN-06
			}{{false, ""}, {false, "\n"}, {true, ""}, {true, "\r\n\t \n"}} {
				c := e.tcp()
				c.says(`{"state":"new"}`)
				offer, err := oneObject(c.nc)
				must(t, err)
				must(t, match([]byte(offer), `{"id":"*","state":"negotiating","encryptionOptions":["tls","none"],"compressionOptions":["none"]}`))
				var h lime.Header
				_, err = h.Scan([]byte(offer))
				must(t, err)
				c.id = string(h.ID)
				choice := `{"id":"` + c.id + `","state":"negotiating","encryption":"tls","compression":"none"}`
				over := &helloFirst{Conn: c.nc, skip: func(from net.Conn) error {
					confirmed, err := oneObject(from)
					return errors.Join(err, match([]byte(confirmed), choice))
				}}
				if hello.early {
					over.before = choice + hello.space
				} else {
					c.says(choice)
					c.says(hello.space)
					must(t, over.skip(c.nc))
					over.skip = nil
				}
				inside := tls.Client(over, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
				must(t, inside.Handshake())
				c.nc, c.node = inside, "ana@example.org/1"
				go c.read()
				c.hears("inside TLS", `{"id":"$id","state":"authenticating"}`)
				c.authenticate()
				c.greets("encrypted")
				c.greets(strings.Repeat("x", 100_000))
				c.says(`{"id":"$id","state":"finishing"}`)
				c.hears("L-FIN-01", `{"id":"$id","state":"finished"}`)
				c.ends("and closed")
			}
		}
		rui := e.tcp()
		go rui.read()
		rui.node = "rui@example.org/1"
		rui.says(`{"state":"new"}`)
		rui.hears("the offer", `{"id":"*","state":"negotiating"}`)
		rui.says(`{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
		rui.hears("L-SES-07", `{"id":"$id","state":"negotiating","encryption":"none","compression":"none"}`)
		rui.hears("goes on", `{"id":"$id","state":"authenticating"}`)
		rui.authenticate()
		rui.greets("in clear")
	})
}

func TestWhoChoosesTLSAndSpeaksNoneIsClosed(t *testing.T) {
	eachTCP(t, Config{TLS: tlsConfig(), EstablishTimeout: 500 * time.Millisecond, CloseTimeout: 100 * time.Millisecond}, func(t *testing.T, e *fixture) {
		for _, next := range []string{"", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01"} {
			c := e.tcp()
			c.says(`{"state":"new"}`)
			offer, err := oneObject(c.nc)
			must(t, err)
			must(t, match([]byte(offer), `{"state":"negotiating","encryptionOptions":["tls"],"id":"*"}`)) // L-SES-09
			var h lime.Header
			_, err = h.Scan([]byte(offer))
			must(t, err)
			c.says(`{"id":"` + string(h.ID) + `","state":"negotiating","encryption":"tls","compression":"none"}` + next)
			_, err = oneObject(c.nc)
			must(t, err)
			if rest, err := io.ReadAll(c.nc); isTimeout(err) || bytes.Contains(rest, []byte("state")) {
				t.Errorf("%q: %q comes, %v", next, rest, err)
			}
		}
	})
}

// choosesTLS is a client in a bubble that waits with its ClientHello.
func (e *fixture) choosesTLS() *tcpClient {
	e.t.Helper()
	c := e.tcp()
	go c.read()
	go c.says(`{"state":"new"}`)
	c.hears("the offer", `{"id":"*","state":"negotiating"}`)
	go c.says(`{"id":"` + c.id + `","state":"negotiating","encryption":"tls","compression":"none"}`)
	c.hears("confirmed", `{"id":"$id","state":"negotiating","encryption":"tls"}`)
	return c
}

// Half a handshake is cut in its own time, however long a session may take to begin.
func TestHalfAHandshakeIsCut(t *testing.T) { // L-SES-10: nothing in clear behind the confirmation
	synctest.Test(t, func(t *testing.T) {
		e := fixtureTCP(t, Config{TLS: tlsConfig(), EstablishTimeout: time.Hour})
		ana := e.choosesTLS()
		began := time.Now()
		ana.ends("and cut")
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
		synctest.Wait()
		if n := counted(t, e.metrics.handshakes); n != 1 {
			t.Errorf("%d are counted", n)
		}
	})
}

// Whatever ends a session between the confirmation and TLS sends nothing in clear.
func TestNothingInClearBehindTheConfirmation(t *testing.T) {
	for name, end := range map[string]func(*fixture){
		"drain": func(e *fixture) { go e.Shutdown(e.t.Context()) },
		"time":  func(*fixture) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := fixtureTCP(t, Config{TLS: tlsConfig(), HandshakeTimeout: -1, EstablishTimeout: time.Second})
				ana := e.choosesTLS()
				synctest.Wait()
				end(e)
				ana.ends("and the end")
			})
		})
	}
}
