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

// driver is a process that runs the clients of a library: those in js, limego.
type driver struct {
	name string // of its library, for errors

	mu      sync.Mutex
	input   io.WriteCloser
	next    int
	waiting map[int]chan answer // by seq
	clients map[string]sink     // by name
	err     error               // why there are no more answers
}

// request and answer are the driver's lines.
type request struct {
	Seq         int            `json:"seq"`
	Client      string         `json:"client"`
	Do          string         `json:"do"`
	URL         string         `json:"url,omitempty"`
	Identity    string         `json:"identity,omitempty"`
	Instance    string         `json:"instance,omitempty"`
	Password    string         `json:"password,omitempty"`
	Key         string         `json:"key,omitempty"`
	Application bool           `json:"application,omitempty"`
	Presence    map[string]any `json:"presence,omitempty"`
	Envelope    *Envelope      `json:"envelope,omitempty"`
}

type answer struct {
	Seq    int       `json:"seq"`
	Result *Envelope `json:"result"`
	Error  string    `json:"error"`

	Client   string    `json:"client"`
	Envelope *Envelope `json:"envelope"`
	Closed   bool      `json:"closed"`
}

// startDriver starts the driver of a library in a folder. It ends with the test.
func startDriver(t testing.TB, library, dir, program string, args ...string) *driver {
	t.Helper()
	d := &driver{name: library, waiting: map[int]chan answer{}, clients: map[string]sink{}}
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	errorOutput := newTranscript()
	cmd.Stderr = errorOutput
	endWithParent(cmd)
	var err error
	if d.input, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the driver of %s: %v", library, err)
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
			t.Logf("the driver of %s printed:\n%s", library, errorOutput.tail())
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
			d.end(fmt.Errorf("the driver of %s has ended: %w", d.name, err))
			return
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			d.end(fmt.Errorf("the driver of %s says %s: %w", d.name, line, err))
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
		return Envelope{}, fmt.Errorf("%s has not answered to %s within %s", d.name, r.Do, patience)
	}
}

// client returns a client that is not connected yet.
func (d *driver) client(_ testing.TB, to sink) Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &drivenClient{driver: d, name: strconv.Itoa(len(d.clients))}
	d.clients[c.name] = to
	return c
}

// drivenClient is a client that a driver runs.
type drivenClient struct {
	driver *driver
	name   string
}

func (c *drivenClient) Login(url string, who Login) (Envelope, error) {
	return c.driver.ask(request{
		Client: c.name, Do: "login", URL: url, Identity: who.Identity, Instance: who.Instance,
		Password: who.Password, Key: who.Key, Application: who.Application, Presence: who.Presence,
	})
}

func (c *drivenClient) Send(e Envelope) error {
	_, err := c.driver.ask(request{Client: c.name, Do: "send", Envelope: &e})
	return err
}

func (c *drivenClient) Call(e Envelope) (Envelope, error) {
	return c.driver.ask(request{Client: c.name, Do: "call", Envelope: &e})
}

func (c *drivenClient) Finish() (Envelope, error) {
	return c.driver.ask(request{Client: c.name, Do: "finish"})
}

func (c *drivenClient) Drop() {
	_, _ = c.driver.ask(request{Client: c.name, Do: "drop"}) // it may be gone already
}
