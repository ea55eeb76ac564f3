// Command limego drives lime-go clients for the end-to-end tests, which speak with it in
// the lines of js/driver.js. URLs are net.tcp://host:port, or net.tcp+tls://host:port for
// clients that choose to be encrypted.
//
// It is a module of its own, so that who uses the other one does not inherit lime-go. That
// has data races of its own, for which it is built without the race detector.
package main

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "limego:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd, for tests alone
	}
}

// run does what it is asked until there is no more.
func run(in io.Reader, out io.Writer) error {
	d := &driver{clients: map[string]*client{}, out: json.NewEncoder(out)}
	flag.BoolVar(&d.pongs, "pongs", false, "answer pings, which lime-go does only if it is told to")
	ca := flag.String("ca", "", "PEM `file` with the certificate that an edge must have")
	flag.Parse()
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return err
		}
		d.roots = x509.NewCertPool()
		if !d.roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("there is no certificate in %s", *ca)
		}
	}
	for lines := json.NewDecoder(in); ; {
		var r request
		if err := lines.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		go d.answer(r) // a request may take as long as it likes, others go on
	}
}

// driver has the clients.
type driver struct {
	pongs bool
	roots *x509.CertPool // nil for the system's

	mu      sync.Mutex
	clients map[string]*client // by name
	out     *json.Encoder
}

// request and line are what comes and what goes.
type request struct {
	Seq      int             `json:"seq"`
	Client   string          `json:"client"`
	Do       string          `json:"do"`
	URL      string          `json:"url"`
	Identity string          `json:"identity"`
	Instance string          `json:"instance"`
	Password string          `json:"password"` // in Base64; empty for a guest
	Envelope json.RawMessage `json:"envelope"`
}

type line struct {
	Seq    int    `json:"seq,omitempty"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`

	Client   string `json:"client,omitempty"`
	Envelope any    `json:"envelope,omitempty"`
	Closed   bool   `json:"closed,omitempty"`
}

func (d *driver) say(l line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.out.Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, "limego: say:", err)
	}
}

func (d *driver) answer(r request) {
	result, err := d.do(r)
	l := line{Seq: r.Seq, Result: result}
	if err != nil {
		l.Error = err.Error()
	}
	d.say(l)
}

func (d *driver) do(r request) (any, error) {
	if r.Do == "login" {
		return d.login(r)
	}
	d.mu.Lock()
	c := d.clients[r.Client]
	d.mu.Unlock()
	if c == nil {
		return nil, fmt.Errorf("client %s is not logged in", r.Client)
	}
	switch r.Do {
	case "send":
		return nil, c.send(r.Envelope)
	case "call":
		return c.call(r.Envelope)
	case "finish":
		return c.finish()
	case "drop":
		return nil, c.drop()
	}
	return nil, fmt.Errorf("what is %s?", r.Do)
}
