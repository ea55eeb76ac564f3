package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/loadtest/cluster"

	"limegrove/loadtest/usage"
)

// Backlog is many identities that messages wait for, and that come back.
type Backlog struct {
	Cluster    cluster.Config
	Identities int
	Each       int // messages that wait for each
	Size       int
	AtOnce     int // sessions that are there together
	Profiles   string
	Print      io.Writer
}

// Run measures. An error tells of messages that are wrong, never of delays.
func (o *Backlog) Run(ctx context.Context) (err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return err
	}
	c, err := startServers(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	n := o.Identities * o.Each
	tell(o.Print, "%d identities, %d messages of %d bytes for each, %d edges, %d brokers, %d partitions\n",
		o.Identities, o.Each, o.Size, cfg.Edges, cfg.Brokers, cfg.Partitions)

	began := time.Now()
	before, err := c.spending()
	if err != nil {
		return err
	}
	if err := c.fill(ctx, o); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	filled, err := c.spending()
	if err != nil {
		return err
	}
	tell(o.Print, "  stored in %s, %.0f/s; µs a message: %s; load average %s\n",
		round(time.Since(began)), float64(n)/time.Since(began).Seconds(), filled.since(before, int64(n)), usage.LoadAverage())
	if err := c.reach(ctx, c.Routers, "limegrove_sweep_moved_total", n); err != nil {
		return err
	}
	swept, err := c.spending()
	if err != nil {
		return err
	}
	tell(o.Print, "  moved to the inboxes by %s from the start; µs a message: %s; load average %s\n",
		round(time.Since(began)), swept.since(filled, int64(n)), usage.LoadAverage())

	if o.Profiles != "" {
		var profiling sync.WaitGroup
		defer profiling.Wait()
		profiling.Go(func() {
			if err := c.Profile(ctx, o.Profiles, 15*time.Second); err != nil {
				tell(o.Print, "  profiles: %v\n", err)
			}
		})
	}
	memory := c.watchMemory()
	began = time.Now()
	wrong := c.comeBack(ctx, o)
	took := time.Since(began)
	back, err := c.spending()
	if err != nil {
		return err
	}
	tell(o.Print, "  %d came back in %s: %.0f sessions/s, %.0f messages/s; µs a message: %s; load average %s\n",
		o.Identities, round(took), float64(o.Identities)/took.Seconds(), float64(n)/took.Seconds(), back.since(swept, int64(n)), usage.LoadAverage())
	tell(o.Print, "  logins refused and tried again: %d; wrong: %d %s\n", wrong.refused.Load(), wrong.count, wrong.first)
	err = c.reach(ctx, c.Edges, "limegrove_routing_inbox_removed_total", n)
	if err == nil {
		var end spending
		end, err = c.spending()
		tell(o.Print, "  the inboxes were empty %s after the last had come; µs a message: %s\n",
			round(time.Since(began)-took), end.since(back, int64(n)))
	}
	tell(o.Print, "  edges' memory: %s\n", memory())
	if wrong.count > 0 {
		err = errors.Join(err, fmt.Errorf("%d clients did not get what waited for them: %s", wrong.count, wrong.first))
	}
	return err
}

// fillers is how many sessions store messages for the others, and fillWindow how many
// messages of each are under way.
const (
	fillers    = 100
	fillWindow = 64
)

// fill has everything stored.
func (c *servers) fill(ctx context.Context, o *Backlog) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	text := strings.Repeat("x", o.Size)
	var all sync.WaitGroup
	for i := range min(fillers, o.Identities) {
		all.Go(func() {
			g, err := login(ctx, c.Edge(i), fmt.Sprintf("filler%d", i), i)
			if err != nil {
				cancel(err)
				return
			}
			defer g.conn.Close()
			stop := context.AfterFunc(ctx, func() { g.conn.Close() })
			defer stop()
			if err := g.fillShare(o, i, text); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// fillShare stores what one filler has to.
func (g *guest) fillShare(o *Backlog, first int, text string) error {
	var envelope, frames []byte
	share := (o.Identities - first + fillers - 1) / fillers * o.Each
	sent, accepted := 0, 0
	for accepted < share {
		frames = frames[:0]
		for ; sent < share && sent-accepted < fillWindow; sent++ {
			envelope = fmt.Appendf(envelope[:0], `{"id":"%d","to":"%s@%s","type":"text/plain","content":"%s"}`,
				sent%o.Each, absent(first+sent/o.Each*fillers), domain, text)
			frames = appendFrame(frames, opText, envelope)
		}
		if len(frames) > 0 {
			if err := g.write(frames); err != nil {
				return err
			}
		}
		answer, err := g.read()
		if err != nil {
			return err
		}
		if event := string(stringOf(answer, `"event":"`)); event != "accepted" {
			return fmt.Errorf("a message was not accepted: %s", answer)
		}
		accepted++
	}
	return nil
}

// absent names an identity that messages wait for.
func absent(i int) string { return "absent" + strconv.Itoa(i) }

// reach waits until a counter has come to n.
func (c *servers) reach(ctx context.Context, of []*cluster.Process, name string, n int) error {
	value, moved := 0.0, time.Now()
	for {
		now, err := cluster.Metric(ctx, of, name)
		switch {
		case err != nil:
			return err
		case now >= float64(n):
			return nil
		case now > value:
			value, moved = now, time.Now()
		case time.Since(moved) > time.Minute:
			return fmt.Errorf("%s stays at %.0f of %d", name, now, n)
		}
		if wait(ctx, 200*time.Millisecond); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// wrongs is what clients met with.
type wrongs struct {
	mu    sync.Mutex
	count int
	first string

	refused atomic.Int64 // logins, which were tried again
}

// comeBack has all identities log in, get what waits, and leave.
func (c *servers) comeBack(ctx context.Context, o *Backlog) *wrongs {
	var w wrongs
	var next atomic.Int64
	var all sync.WaitGroup
	for range o.AtOnce {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < o.Identities && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := c.visit(ctx, o, i, &w); err != nil {
					w.mu.Lock()
					if w.count++; w.count == 1 {
						w.first = fmt.Sprintf("%s: %v", absent(i), err)
					}
					w.mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return &w
}

// visitPatience bounds a session that takes what waits for it.
const visitPatience = time.Minute

// A client that is refused comes again, and gives up after so many tries.
const (
	tries    = 20
	tryAgain = 500 * time.Millisecond
)

// visit is one identity's session.
func (c *servers) visit(ctx context.Context, o *Backlog, i int, w *wrongs) error {
	g, err := login(ctx, c.Edge(i), absent(i), i)
	for try := 1; err != nil && try < tries && ctx.Err() == nil; try++ {
		w.refused.Add(1)
		wait(ctx, tryAgain/2+rand.N(tryAgain))
		g, err = login(ctx, c.Edge(i), absent(i), i)
	}
	if err != nil {
		return err
	}
	defer g.conn.Close()
	if err := g.conn.SetDeadline(time.Now().Add(visitPatience)); err != nil {
		return err
	}
	got, finishing := 0, false
	for {
		op, payload, ok := g.next()
		switch {
		case !ok:
			if err := g.fill(); err != nil {
				return fmt.Errorf("after %d messages: %w", got, err)
			}
		case op == opPing:
			if err := g.write(appendFrame(nil, opPong, payload)); err != nil {
				return err
			}
			if got == o.Each && !finishing {
				finishing = true
				if err := g.finish(); err != nil {
					return err
				}
			}
		case op == opClose:
			if finishing {
				return nil
			}
			return fmt.Errorf("closed after %d messages: %q", got, payload)
		case op == opText && string(stringOf(payload, `"state":"`)) == "finished":
		case op == opText:
			if id := string(stringOf(payload, `"id":"`)); id != strconv.Itoa(got) {
				return fmt.Errorf("message %q comes instead of %d", id, got)
			}
			got++
		}
	}
}

// watchMemory looks at the edges' memory until the function that it returns is called,
// which tells what it has seen.
func (c *servers) watchMemory() func() string {
	look := func() (sum int64) {
		for _, p := range c.Edges {
			if n, err := p.Resident(); err == nil {
				sum += n
			}
		}
		return sum
	}
	before := look()
	peak := before
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
				peak = max(peak, look())
			}
		}
	}()
	return func() string {
		close(stop)
		<-stopped
		const mib = 1 << 20
		return fmt.Sprintf("%d MiB before, %d MiB at most, %d MiB after", before/mib, peak/mib, look()/mib)
	}
}
