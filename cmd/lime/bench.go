package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"limegrove/cmd/lime/words"
	"limegrove/lime/client"
)

// Bounds of a bench: it is for a look, and not to bring a cluster down.
const (
	maxPairs     = 500
	maxBenchSize = 64 << 10
	maxBenchTime = 10 * time.Minute
	// maxPairRate is what one session may send, with room below what an edge allows by default.
	maxPairRate = 900
)

// course is what a bench is to do.
type course struct {
	pairs  int
	rate   float64 // messages a second over all pairs; 0 for a closed loop
	stored bool
	size   int
	during time.Duration
}

func (c *course) check() error {
	switch {
	case c.pairs < 1 || c.pairs > maxPairs:
		return usage("--pairs: 1 to %d, not %d", maxPairs, c.pairs)
	case c.rate < 0:
		return usage("--rate: %g is less than nothing", c.rate)
	case c.rate > float64(maxPairRate*c.pairs):
		return usage("--rate: %g are more than %d for each pair, which edges refuse by default; more --pairs take more", c.rate, maxPairRate)
	case c.size < leastBenchSize || c.size > maxBenchSize:
		return usage("--size: %d to %d bytes, not %d", leastBenchSize, maxBenchSize, c.size)
	case c.during < time.Second || c.during > maxBenchTime:
		return usage("--for: 1s to %s, not %s", maxBenchTime, c.during)
	}
	return nil
}

// loop is what people call how it sends.
func (c *course) loop() string {
	if c.rate == 0 {
		return "closed loop"
	}
	return fmt.Sprintf("%g/s", c.rate)
}

func (c *course) kind() string {
	if c.stored {
		return "stored"
	}
	return "transient"
}

func (a *app) bench() *cobra.Command {
	c := course{}
	cmd := &cobra.Command{
		Use: "bench [SERVER...]", Short: "Measure how soon messages arrive, and whether all of them do",
		Long: `Measure how soon messages arrive, and whether all of them do, between pairs of sessions that it opens itself: as guests, or as
more sessions of the profile's identity. Of several SERVERs, the edges of a cluster, the two of a pair are at different ones.

Without --rate it is a closed loop: each pair has one message under way, and sends the next when it has arrived, which
says how soon, and with how many pairs how much; none sends more than 900 a second, which edges allow. With --rate it is an open loop: messages are sent at their times whatever becomes of those
before, and each is late from the time at which it was to be sent, so that a server that stands still for a second
is seen. Both ends are in this process, so that there is one clock; what it cannot do itself, such as thousands
of pairs, is for the load generators.

It ends after --for, or when it is interrupted, with what was measured till then. The status is 1 when a session was lost, a
stored message has not arrived, or one has arrived out of order or twice. Messages without --stored may be lost.`,
		Example: `  lime bench
  lime bench --stored --pairs 20 --rate 500 --for 30s
  lime bench ws://edge-1:8080/ ws://edge-2:8080/ -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.profile()
			if err == nil {
				err = c.check()
			}
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{p.Server}
			}
			for _, at := range args {
				if err := checkURL("SERVER", at, "ws", "wss", "net.tcp"); err != nil {
					return err
				}
			}
			return a.runBench(cmd.Context(), c, p, args)
		},
	}
	f := cmd.Flags()
	f.IntVar(&c.pairs, "pairs", 10, "`NUMBER` of pairs of sessions, each with a sender and a recipient")
	f.Float64Var(&c.rate, "rate", 0, "messages a `SECOND` over all pairs; 0 for a closed loop")
	f.BoolVar(&c.stored, "stored", false, "send with ids, so that messages are stored before they are accepted")
	f.IntVar(&c.size, "size", 128, "`BYTES` of a message's content")
	f.DurationVar(&c.during, "for", 10*time.Second, "how long it sends")
	return cmd
}

// runBench opens the pairs, has them send, and prints what came of it.
func (a *app) runBench(ctx context.Context, c course, p profile, servers []string) error {
	b, err := a.openBench(ctx, c, p, servers)
	defer b.close()
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted before all sessions were there: nothing was measured")
		}
		return err
	}
	shown := a.waits(c.during, "sending")
	b.run(ctx, shown)
	return a.showBench(b.result())
}

// showBench prints a result, and is the error of one that should not be.
func (a *app) showBench(r benchResult) error {
	if a.output == outputJSON {
		if err := a.print(r, ""); err != nil {
			return err
		}
		return r.wrong()
	}
	if _, err := fmt.Fprintf(a.out, "%d pairs, %s, %s, %d bytes, %.1f s, at %s\n\n", r.Pairs, r.Kind, r.Loop, r.Size, r.Seconds, words.Clean(fmt.Sprint(r.Servers))); err != nil {
		return err
	}
	t := a.table("SENT", "RECEIVED", "LOST", "TWICE", "REORDERED", "REFUSED", "RECEIVED/S")
	t.row(r, r.Sent, r.Received, r.Lost, r.Twice, r.Reordered, r.Refused, number(r.Rate))
	if err := t.end(); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	t = a.table("", "P50", "P90", "P99", "P99.9", "MAX", "COUNT")
	for _, one := range r.delays() {
		d := one.of
		t.row(d, one.name, milliseconds(d.P50), milliseconds(d.P90), milliseconds(d.P99), milliseconds(d.P999), milliseconds(d.Max), d.Count)
	}
	if err := t.end(); err != nil {
		return err
	}
	return r.wrong()
}

func milliseconds(ms float64) string { return fmt.Sprintf("%.3g ms", ms) }

// benchConfig is what a session of a bench is like.
func benchConfig(p *profile, instance string) (client.Config, error) {
	cfg, err := p.config()
	if err != nil {
		return cfg, err
	}
	if cfg.Node.Name != "" {
		cfg.Node.Instance = instance
	}
	cfg.Backoff.Tries = -1 // a loss is told, and not hidden
	return cfg, nil
}
