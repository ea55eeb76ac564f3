package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// driver is the Node process that runs lime-js clients; see js/driver.js.
type driver struct {
	mu      sync.Mutex
	input   io.WriteCloser
	next    int
	waiting map[int]chan answer // by seq
	clients map[string]sink     // by name
	err     error               // why there are no more answers
}

// request and answer are the driver's lines.
type request struct {
	Seq      int       `json:"seq"`
	Client   string    `json:"client"`
	Do       string    `json:"do"`
	URL      string    `json:"url,omitempty"`
	Identity string    `json:"identity,omitempty"`
	Instance string    `json:"instance,omitempty"`
	Password string    `json:"password,omitempty"`
	Envelope *Envelope `json:"envelope,omitempty"`
}

type answer struct {
	Seq    int       `json:"seq"`
	Result *Envelope `json:"result"`
	Error  string    `json:"error"`

	Client   string    `json:"client"`
	Envelope *Envelope `json:"envelope"`
	Closed   bool      `json:"closed"`
}

// startDriver starts the driver, which ends with the test.
func startDriver(t testing.TB) *driver {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is not installed; `make deps` does that")
	}
	d := &driver{waiting: map[int]chan answer{}, clients: map[string]sink{}}
	cmd := exec.Command(node, "driver.js")
	cmd.Dir = "js"
	errorOutput := newTranscript()
	cmd.Stderr = errorOutput
	endWithParent(cmd)
	if d.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.read(output)
		_ = cmd.Wait() // it ends by our signal
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("driver.js printed:\n%s", errorOutput.tail())
		}
	})
	return d
}

// read takes the driver's lines until there are no more.
func (d *driver) read(output io.Reader) {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			d.end(fmt.Errorf("driver.js has ended: %w", err))
			return
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			d.end(fmt.Errorf("driver.js says %s: %w", line, err))
			return
		}
		d.mu.Lock()
		to, waiting := d.clients[a.Client], d.waiting[a.Seq]
		delete(d.waiting, a.Seq)
		d.mu.Unlock()
		switch {
		case waiting != nil:
			waiting <- a
		case to != nil && a.Envelope != nil:
			to.take(*a.Envelope)
		case to != nil && a.Closed:
			to.closed()
		}
	}
}

func (d *driver) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
	for _, waiting := range d.waiting {
		close(waiting)
	}
	d.waiting = nil
}

// ask has one thing done.
func (d *driver) ask(r request) (Envelope, error) {
	reply := make(chan answer, 1)
	d.mu.Lock()
	err := d.err
	if err == nil {
		d.next++
		r.Seq = d.next
		d.waiting[r.Seq] = reply
		err = json.NewEncoder(d.input).Encode(r)
	}
	d.mu.Unlock()
	if err != nil {
		return Envelope{}, err
	}
	select {
	case a, ok := <-reply:
		switch {
		case !ok:
			return Envelope{}, d.err
		case a.Error != "":
			return Envelope{}, errors.New(a.Error)
		case a.Result == nil:
			return Envelope{}, nil
		}
		return *a.Result, nil
	case <-time.After(patience):
		return Envelope{}, fmt.Errorf("lime-js has not answered to %s within %s", r.Do, patience)
	}
}

// client returns a client that is not connected yet.
func (d *driver) client(to sink) *jsClient {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &jsClient{driver: d, name: strconv.Itoa(len(d.clients))}
	d.clients[c.name] = to
	return c
}

// jsClient is a client of lime-js.
type jsClient struct {
	driver *driver
	name   string
}

func (c *jsClient) Login(url string, who Login) (Envelope, error) {
	return c.driver.ask(request{
		Client: c.name, Do: "login", URL: url, Identity: who.Identity, Instance: who.Instance, Password: who.Password,
	})
}

func (c *jsClient) Send(e Envelope) error {
	_, err := c.driver.ask(request{Client: c.name, Do: "send", Envelope: &e})
	return err
}

func (c *jsClient) Call(e Envelope) (Envelope, error) {
	return c.driver.ask(request{Client: c.name, Do: "call", Envelope: &e})
}

func (c *jsClient) Finish() (Envelope, error) {
	return c.driver.ask(request{Client: c.name, Do: "finish"})
}

func (c *jsClient) Drop() {
	_, _ = c.driver.ask(request{Client: c.name, Do: "drop"}) // it may be gone already
}
