package load

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Stalled is a load of conversations, in which one client of each edge stops reading.
type Stalled struct {
	Cluster  Cluster
	Pairs    int
	Rate     int
	Duration time.Duration // of each half: before clients stop, and after that
	Size     int
	Print    io.Writer
}

// What a stalled client is sent, and what its system holds for it: so little that the
// edge has to, and enough that reading again is not slow by it.
const (
	stalledRate   = 100
	stalledSize   = 1000
	stalledBuffer = 64 << 10
)

// Run measures. An error tells of messages that are wrong, never of delays.
func (o *Stalled) Run(ctx context.Context) (err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return err
	}
	c, err := startCluster(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.close()
	half := int(o.Duration.Seconds() * float64(o.Rate))
	t := newTally(2*half, o.Rate)
	tell(o.Print, "%d pairs, %d messages/s, %d edges; after %s one client of each, who is sent %d messages/s of %d bytes, stops reading for as long\n",
		o.Pairs, o.Rate, cfg.Edges, o.Duration, stalledRate, stalledSize)
	p, err := c.open(ctx, "", o.Pairs, o.Size, Pongs, t)
	if err != nil {
		return err
	}
	defer p.close()
	stalled, err := c.openStalled(ctx, int(2*o.Duration.Seconds()*stalledRate)*cfg.Edges)
	if err != nil {
		return err
	}
	defer stalled.close()

	t.start = time.Now().Add(100 * time.Millisecond)
	middle := t.start.Add(o.Duration)
	stalled.tally.start = t.start
	var sending sync.WaitGroup
	sending.Go(func() { p.pace(ctx) })
	sending.Go(func() { stalled.pace(ctx) })
	defer sending.Wait()
	time.AfterFunc(time.Until(middle), stalled.stall)
	wait(ctx, time.Until(t.start))
	first, err := c.usage()
	if err != nil {
		return err
	}
	quiet, err := c.peak(ctx, "limegrove_poll_queued_bytes", t.start, middle)
	if err != nil {
		return err
	}
	second, err := c.usage()
	if err != nil {
		return err
	}
	held, err := c.peak(ctx, "limegrove_poll_queued_bytes", middle, middle.Add(o.Duration))
	if err != nil {
		return err
	}
	sending.Wait()
	third, err := c.usage()
	if err != nil {
		return err
	}
	kernel, err := stalled.unsent()
	if err != nil {
		return err
	}
	average := loadAverage()
	stalled.resume()
	again := time.Now()
	stalled.tally.settle(ctx)
	took := time.Since(again)
	t.settle(ctx)

	const calm = 10 // the first tenth of each half is not measured
	before, during := t.delivered.between(half/calm, half), t.delivered.between(half+half/calm, 2*half)
	tell(o.Print, "  delivered before: %s\n  delivered during: %s\n  p99 during / before: %.3f; load average %s\n",
		before, during, float64(during.at(0.99))/float64(max(before.at(0.99), 1)), average)
	tell(o.Print, "  µs a message before: %s\n  µs a message during: %s\n",
		second.since(first, int64(half+stalled.tally.len()/2)), third.since(second, int64(half+stalled.tally.len()/2)))
	tell(o.Print, "  an edge held at most %.0f bytes for its clients, %.0f before, and its system %d for the one that does not read\n",
		held, quiet, kernel)
	v, s := t.verdict(), stalled.tally.verdict()
	tell(o.Print, "  stalled clients were sent %d and got %d within %s of reading again; lost %d, twice %d, out of order %d, faults %d %s\n",
		s.Sent, s.Delivered, round(took), s.Lost, s.Twice, s.Disordered, s.Faults, s.Fault)
	return errors.Join(v.Err(), s.Err())
}

// stalled are pairs of which the recipients do not read for a while.
type stalled struct {
	*pairs
	stopped atomic.Bool
	again   chan struct{} // closed when they read again
	once    sync.Once
}

// openStalled logs one such pair in for each edge, to send n messages in all.
func (c *cluster) openStalled(ctx context.Context, n int) (*stalled, error) {
	t := newTally(n, stalledRate*len(c.edges))
	p := newPairs(len(c.edges), stalledSize, Pongs, t)
	s := &stalled{pairs: p, again: make(chan struct{})}
	for i := range p.all {
		one, err := c.openPair(ctx, "stalled-", i, stalledBuffer)
		if err != nil {
			s.close()
			return nil, err
		}
		one.wait = s.wait
		p.all[i] = one
		p.reading.Go(func() { p.readSender(one) })
		p.reading.Go(func() { p.readRecipient(one) })
	}
	return s, nil
}

// unsent is how many bytes the edges' systems hold for the one that they hold most for:
// proc_pid_net(5), tx_queue in tcp.
func (s *stalled) unsent() (most int64, err error) {
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, fmt.Errorf("what the system holds for clients: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		for _, one := range s.all {
			client, edge := one.recipient.conn.LocalAddr(), one.recipient.conn.RemoteAddr()
			if len(fields) < 5 || fields[1] != inHex(edge) || fields[2] != inHex(client) {
				continue
			}
			queue, _, _ := strings.Cut(fields[4], ":")
			n, err := strconv.ParseInt(queue, 16, 64)
			if err != nil {
				return 0, fmt.Errorf("what the system holds for clients: %w", err)
			}
			most = max(most, n)
		}
	}
	return most, nil
}

// inHex is an address as Linux writes it there: the bytes of an IPv4 address as one
// little-endian number.
func inHex(a net.Addr) string {
	t := a.(*net.TCPAddr)
	return fmt.Sprintf("%08X:%04X", binary.LittleEndian.Uint32(t.IP.To4()), t.Port)
}

// wait is called by who reads.
func (s *stalled) wait() {
	if s.stopped.Load() {
		<-s.again
	}
}

// stall has them read no more.
func (s *stalled) stall() { s.stopped.Store(true) }

// resume has them read.
func (s *stalled) resume() { s.once.Do(func() { close(s.again) }) }

func (s *stalled) close() {
	s.resume()
	s.pairs.close()
}

// peak reads a metric of each edge until a moment, and returns the highest value that
// it had from another moment on.
func (c *cluster) peak(ctx context.Context, name string, from, until time.Time) (highest float64, err error) {
	for {
		for _, e := range c.edges {
			value, err := metric(ctx, []*process{e}, name)
			if err != nil {
				return 0, err
			}
			if time.Now().After(from) {
				highest = max(highest, value)
			}
		}
		if !time.Now().Before(until) || ctx.Err() != nil {
			return highest, ctx.Err()
		}
		wait(ctx, min(100*time.Millisecond, time.Until(until)))
	}
}
