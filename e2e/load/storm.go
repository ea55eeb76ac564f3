package load

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/loadtest/cluster"

	"limegrove/loadtest/usage"
)

// LoginStorm is a load of conversations, during which many more want to log in by
// password than a router can check.
type LoginStorm struct {
	Cluster  cluster.Config
	Pairs    int           // of those who are in session
	Rate     int           // messages a second between them
	Logins   int           // a second, offered to the one router
	Way      StormWay      // how they come; default ToRouter
	Accounts int           // whose passwords they have, right and wrong by turns
	Duration time.Duration // of each half: before the storm, and in it
	Size     int
	Print    io.Writer
}

// maxConnecting bounds the clients of a storm that are connected at once, so that this
// program is not what breaks. What is due then is not offered, and counted.
const maxConnecting = 4096

// Run measures. An error tells of messages that are wrong, and of logins that nobody
// answered or that were answered wrongly; never of delays.
func (o *LoginStorm) Run(ctx context.Context) (err error) {
	cfg := o.Cluster
	if cfg.Dir, err = os.MkdirTemp(cfg.Dir, "load-"); err != nil {
		return err
	}
	c, err := startServers(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.signUp(ctx, o.Accounts); err != nil {
		return err
	}
	open := c.askRouter
	if o.Way == ToEdges {
		open = c.askEdges
	}
	ask, end, err := open()
	if err != nil {
		return err
	}
	defer end()
	half := int(o.Duration.Seconds() * float64(o.Rate))
	t := newTally(2*half, o.Rate)
	tell(o.Print, "%d pairs, %d messages/s, %d edges, 1 router; after %s %d logins/s by password to the %s, of %d accounts, for as long\n",
		o.Pairs, o.Rate, cfg.Edges, o.Duration, o.Logins, o.Way, o.Accounts)
	p, err := c.open(ctx, "", o.Pairs, o.Size, Pongs, t)
	if err != nil {
		return err
	}
	defer p.close()

	t.start = time.Now().Add(100 * time.Millisecond)
	middle := t.start.Add(o.Duration)
	over := middle.Add(o.Duration)
	var sending sync.WaitGroup
	sending.Go(func() { p.pace(ctx) })
	defer sending.Wait()
	wait(ctx, time.Until(middle))
	first, err := c.spending()
	if err != nil {
		return err
	}
	s := &storm{ask: ask, accounts: o.Accounts}
	sending.Go(func() { s.blow(ctx, o.Logins, middle, over) })
	watched, err := c.watchQueues(ctx, over)
	if err != nil {
		return err
	}
	second, err := c.spending()
	if err != nil {
		return err
	}
	sending.Wait()
	average := usage.LoadAverage()
	t.settle(ctx)

	const calm = 10 // the first tenth of each half is not measured
	before, during := t.delivered.between(half/calm, half), t.delivered.between(half+half/calm, 2*half)
	tell(o.Print, "  delivered before: %s\n  delivered during: %s\n  p99 during / before: %.3f; load average %s\n",
		before, during, float64(during.at(0.99))/float64(max(before.at(0.99), 1)), average)
	s.tell(o.Print, o.Duration)
	tell(o.Print, "  a router had at most %.0f logins waiting and %.0f being hashed or waiting for it; µs a login offered: %s\n",
		watched.waiting, watched.hashing, second.since(first, s.offered.Load()))
	v := t.verdict()
	return errors.Join(v.Err(), s.Err())
}

// storm is logins that come whether those before were answered or not.
type storm struct {
	ask      func(ctx context.Context, i int, name, password string) ([]byte, error)
	accounts int

	connecting                                      atomic.Int64
	offered, skipped, accepted, wrong, busy, failed atomic.Int64

	mu     sync.Mutex
	fault  string
	toldIn delays // what refused logins took to hear of it, in µs
	letIn  delays // what accepted ones took
}

// blow offers logins until end, at a rate, and waits for their answers.
func (s *storm) blow(ctx context.Context, rate int, start, end time.Time) {
	var all sync.WaitGroup
	interval := time.Second / time.Duration(rate)
	for i := 0; ctx.Err() == nil; i++ {
		due := start.Add(time.Duration(i) * interval)
		if due.After(end) {
			break
		}
		if early := time.Until(due); early > 0 {
			time.Sleep(early)
		}
		if s.connecting.Load() >= maxConnecting {
			s.skipped.Add(1)
			continue
		}
		s.connecting.Add(1)
		all.Go(func() {
			defer s.connecting.Add(-1)
			s.one(ctx, i)
		})
	}
	all.Wait()
}

// one offers the i-th login: two thirds have the right password.
func (s *storm) one(ctx context.Context, i int) {
	right := i%3 != 2
	given := stormPassword
	if !right {
		given = "wrong"
	}
	began := time.Now()
	s.offered.Add(1)
	answer, err := s.ask(ctx, i, accountName(i%s.accounts), given)
	took := int32(min(time.Since(began).Microseconds(), 1<<31-1))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.note("%v", err)
	case (bytes.Contains(answer, []byte(`"established"`)) || bytes.Contains(answer, []byte(`"role":"member"`))) && right:
		s.accepted.Add(1)
		s.letIn = append(s.letIn, took)
	case bytes.Contains(answer, []byte(`"code":13`)) && !right:
		s.wrong.Add(1)
	case bytes.Contains(answer, []byte(`try again later`)):
		s.busy.Add(1)
		s.toldIn = append(s.toldIn, took)
	default:
		s.note("the password is right: %v, and the answer %s", right, answer)
	}
}

// note notes what should not have happened, with mu held.
func (s *storm) note(format string, args ...any) {
	if s.failed.Add(1) == 1 {
		s.fault = fmt.Sprintf(format, args...)
	}
}

func (s *storm) tell(to io.Writer, within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	perSecond := func(n *atomic.Int64) float64 { return float64(n.Load()) / within.Seconds() }
	tell(to, "  logins a second: offered %.0f (%.0f more were not, for want of clients), accepted %.1f, wrong passwords refused %.1f, told to come later %.0f, failed %.1f\n",
		perSecond(&s.offered), perSecond(&s.skipped), perSecond(&s.accepted), perSecond(&s.wrong), perSecond(&s.busy), perSecond(&s.failed))
	tell(to, "  until accepted: %s\n  until told to come later: %s\n", s.letIn.sorted(), s.toldIn.sorted())
}

// Err says what should not have happened.
func (s *storm) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.failed.Load(); n > 0 {
		return fmt.Errorf("%d logins were not answered as they should be, first: %s", n, s.fault)
	}
	return nil
}

// stormPassword is that of all accounts.
const stormPassword = "open sesame"

func accountName(i int) string { return fmt.Sprintf("account%d", i) }

// signUp makes accounts, as guests do.
func (c *servers) signUp(ctx context.Context, n int) error {
	maker, err := login(ctx, c.Edge(0), "maker", 0)
	if err != nil {
		return err
	}
	defer maker.conn.Close()
	for i := range n {
		if err := maker.conn.SetDeadline(time.Now().Add(dialPatience)); err != nil {
			return err
		}
		_, err := maker.ask(fmt.Appendf(nil, `{"id":"%d","from":"%s@%s","pp":"%s","method":"set","uri":"/account",`+
			`"type":"application/vnd.lime.account+json","resource":{"password":"%s"}}`,
			i, accountName(i), domain, nodeOf("maker"), base64.StdEncoding.EncodeToString([]byte(stormPassword))), `"status":"success"`)
		if err != nil {
			return fmt.Errorf("make an account: %w", err)
		}
	}
	return nil
}

// tryLogin connects, says who it is, and returns the answer. The session ends with it.
func (c *servers) tryLogin(ctx context.Context, i int, name, password string) ([]byte, error) {
	s, err := dial(ctx, c.Edge(i), i)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer s.conn.Close()
	g := &guest{socket: s}
	answer, err := g.ask([]byte(`{"state":"new"}`), `"state":"authenticating"`)
	if err != nil {
		return nil, err
	}
	id := bytes.Clone(stringOf(answer, `"id":"`))
	answer, err = g.ask(fmt.Appendf(nil,
		`{"id":"%s","from":"%s@%s/%d","state":"authenticating","scheme":"plain","authentication":{"password":"%s"}}`,
		id, name, domain, i, base64.StdEncoding.EncodeToString([]byte(password))), `"state":"`)
	return bytes.Clone(answer), err
}

// queues are the most that routers had waiting.
type queues struct{ waiting, hashing float64 }

// watchQueues looks at the routers' queues until a moment.
func (c *servers) watchQueues(ctx context.Context, until time.Time) (q queues, err error) {
	for time.Now().Before(until) && ctx.Err() == nil {
		page, err := cluster.Fetch(ctx, "http://"+c.Routers[0].At(cluster.PortAdmin)+"/metrics")
		if err != nil {
			return q, err
		}
		for line := range strings.Lines(string(page)) {
			var value float64
			if _, err := fmt.Sscanf(line, `limegrove_router_waiting{kind="plain"} %g`, &value); err == nil {
				q.waiting = max(q.waiting, value)
			}
			if _, err := fmt.Sscanf(line, `limegrove_account_hashing %g`, &value); err == nil {
				q.hashing = max(q.hashing, value)
			}
		}
		wait(ctx, min(100*time.Millisecond, time.Until(until)))
	}
	return q, ctx.Err()
}
