package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/e2e/programs"
	"limegrove/loadtest/cluster"
	"limegrove/loadtest/usage"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "trade:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd, for measuring alone
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("trade", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.Mode, "mode", byIdentity, "what an edge subscribes to: identity or edge")
	flags.IntVar(&o.Edges, "edges", 12, "`number` of edges")
	flags.IntVar(&o.Sessions, "sessions", 200000, "`number` of sessions")
	flags.IntVar(&o.Connections, "connections", 1, "`number` of connections of an edge")
	flags.IntVar(&o.Size, "size", 256, "`bytes` of an envelope")
	flags.IntVar(&o.Stale, "stale", 0, "so many of a hundred are not where they are believed to be")
	rate := flags.Int("rate", 5000, "messages a second, before as many as can be")
	seconds := flags.Float64("seconds", 8, "`time` of each")
	port := flags.Int("port", 24222, "`port` of the broker")
	as := flags.String("as", "", "used by itself")
	index := flags.Int("index", 0, "used by itself")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *as != "" {
		return runEdge(*as, *index, in, out)
	}
	if o.Mode != byIdentity && o.Mode != byEdge || o.Edges < 1 || o.Connections < 1 || o.Sessions < o.Edges {
		return errors.New("-mode is identity or edge, and all numbers are at least 1")
	}
	return measure(o, *port, *rate, *seconds, out)
}

// child is an edge that runs.
type child struct {
	cmd  *exec.Cmd
	to   io.WriteCloser
	from *bufio.Scanner
}

// Tell gives the child an order.
func (c *child) Tell(o order) error { return json.NewEncoder(c.to).Encode(o) }

// Hear waits for its report.
func (c *child) Hear() (r report, err error) {
	if !c.from.Scan() {
		return r, errors.Join(errors.New("an edge has ended"), c.from.Err())
	}
	return r, json.Unmarshal(c.from.Bytes(), &r)
}

func measure(o options, port, rate int, seconds float64, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	program, err := programs.Tool(ctx, "nats-server")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trade")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	broker := &cluster.Process{Name: "broker"}
	if err := broker.Start(dir, program, "-a", "127.0.0.1", "-p", strconv.Itoa(port)); err != nil {
		return err
	}
	defer broker.Kill()
	o.URL = "nats://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	err = broker.Ready(ctx, func(context.Context) error {
		nc, err := nats.Connect(o.URL)
		if err == nil {
			nc.Close()
		}
		return err
	})
	if err != nil {
		return err
	}
	empty, err := broker.Resident()
	if err != nil {
		return err
	}

	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	var all []*child
	defer func() {
		for _, c := range all {
			_, _ = c.cmd.Process.Kill(), c.cmd.Wait()
		}
	}()
	groups := []usage.Group{{Name: "broker", Processes: []usage.Process{broker}}, {Name: "edges"}}
	began := time.Now()
	for i := range o.Edges {
		c := &child{cmd: exec.Command(self, "-as", string(text), "-index", strconv.Itoa(i))} // ourselves, ended below
		c.cmd.Stderr, c.cmd.SysProcAttr = os.Stderr, programs.Attributes()
		if c.to, err = c.cmd.StdinPipe(); err != nil {
			return err
		}
		from, err := c.cmd.StdoutPipe()
		if err != nil {
			return err
		}
		c.from = bufio.NewScanner(from)
		if err := c.cmd.Start(); err != nil {
			return err
		}
		all = append(all, c)
		groups[1].Processes = append(groups[1].Processes, usage.PID(c.cmd.Process.Pid))
		if _, err := c.Hear(); err != nil {
			return err
		}
	}
	took := time.Since(began)
	before, err := usage.Read(groups)
	if err != nil {
		return err
	}
	each := func(bytes int64) float64 { return float64(bytes) / float64(o.Sessions) }
	_, _ = fmt.Fprintf(out, "%s: %d sessions at %d edges with %d connections each, there after %.1f s; memory for a session: broker %.0f B (beside %d KiB), edges %.0f B with all that they are\n",
		o.Mode, o.Sessions, o.Edges, o.Connections, took.Seconds(), each(before.Groups[0].Resident-empty), empty>>10, each(before.Groups[1].Resident))

	var last report
	for _, r := range []int{rate, 0} {
		from, err := usage.Read(groups)
		if err != nil {
			return err
		}
		for _, c := range all {
			if err := c.Tell(order{Rate: r / o.Edges, Seconds: seconds}); err != nil {
				return err
			}
		}
		var now report
		for _, c := range all {
			one, err := c.Hear()
			if err != nil {
				return err
			}
			now.Sent, now.Received, now.Hops = now.Sent+one.Sent, now.Received+one.Received, now.Hops+one.Hops
			now.Nobody, now.Dropped = now.Nobody+one.Nobody, now.Dropped+one.Dropped
		}
		to, err := usage.Read(groups)
		if err != nil {
			return err
		}
		received := float64(now.Received - last.Received)
		micros := func(i int) float64 {
			return float64((to.Groups[i].CPU - from.Groups[i].CPU).Microseconds()) / received
		}
		name := "at " + strconv.Itoa(r) + "/s"
		if r == 0 {
			name = "as many as can be"
		}
		_, _ = fmt.Fprintf(out, "%s, %s: %.0f received/s of %.0f sent, %d second hops, %d dropped; µs of CPU a message: broker %.1f, edges %.1f\n",
			o.Mode, name, received/to.At.Sub(from.At).Seconds(), float64(now.Sent-last.Sent)/to.At.Sub(from.At).Seconds(),
			now.Hops-last.Hops, now.Dropped-last.Dropped, micros(0), micros(1))
		last = now
	}
	return nil
}
