package scale

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"limegrove/e2e/programs"
	"limegrove/loadtest/cluster"
)

var (
	sessions = flag.Int("sessions", 600, "what an edge takes; there are three edges, full")
	pairs    = flag.Int("pairs", 30, "how many talk")
)

const (
	half      = 3               // edges, and as many that join
	evenTime  = time.Minute     // within which sessions are even
	evenPart  = 0.10            // of the mean, that an edge may be away from it
	restTime  = 5 * time.Second // for which that is watched then
	awayPart  = 0.12            // of all sessions, that may be on their way: 6 %, and what edges do not know of yet
	writeTime = 500 * time.Millisecond
)

// TestScaleOutAndIn: P7. Three edges are full, three more join, half of the clients leave, three edges are drained.
func TestScaleOutAndIn(t *testing.T) {
	s := start(t, readManifests(t))
	defer s.crowd.close()
	s.full(t)
	stop := s.talk(t)
	s.decides(t, "at capacity", half, 2*half)

	s.joins(t)
	s.decides(t, "even", 2*half, 2*half)

	stay := half * *sessions / 2
	if err := s.crowd.leave(t.Context(), stay); err != nil {
		t.Errorf("clients leave: %v", err)
	}
	s.settled(t, s.cluster.Edges, stay)
	s.decides(t, "half of the clients have left", 2*half, half)

	s.drains(t)
	s.decides(t, "drained", half, half)
	stop()
}

// scaled is a cluster that is scaled, and all who look at it.
type scaled struct {
	manifests
	dir        string // of the logs
	cluster    *cluster.Cluster
	balancer   *balancer
	crowd      *crowd
	prometheus *prometheus
}

func start(t *testing.T, m manifests) *scaled {
	t.Helper()
	dir := t.TempDir()
	paths, err := programs.Build(t.Context(), dir, false)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), cluster.Config{
		Programs: paths, Dir: dir, Edges: half, Brokers: 1, Partitions: 2, Recipients: "anyone",
		Args: []string{"-rebalance=true", "-max-sessions", strconv.Itoa(*sessions), "-drain-timeout", m.drain.String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := &scaled{manifests: m, dir: dir, cluster: c, balancer: &balancer{}, prometheus: startPrometheus(t)}
	s.balancer.add(c.Edges...)
	s.prometheus.scrape(t, c.Edges)
	began := time.Now()
	if s.crowd, err = gather(t.Context(), s.balancer, half**sessions, *pairs); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d clients of %d edges logged in within %s", half**sessions, half, time.Since(began).Round(time.Millisecond))
	return s
}

// counts are the sessions of edges, as each says itself.
func counts(ctx context.Context, edges []*cluster.Process) (all []int, err error) {
	for _, e := range edges {
		n, err := cluster.Metric(ctx, []*cluster.Process{e}, metric)
		if err != nil {
			return nil, err
		}
		all = append(all, int(n))
	}
	return all, nil
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

// apart is how far the edge that is furthest from the mean is, as a part of that.
func apart(all []int) (worst float64) {
	mean := float64(sum(all)) / float64(len(all))
	for _, n := range all {
		worst = max(worst, math.Abs(float64(n)-mean)/mean)
	}
	return worst
}

// full wants all edges to have what they take, and nobody else to come in.
func (s *scaled) full(t *testing.T) {
	t.Helper()
	got, err := counts(t.Context(), s.cluster.Edges)
	if err != nil || !slices.Equal(got, slices.Repeat([]int{*sessions}, half)) {
		t.Fatalf("the edges have %d sessions, not %d each: %v", got, *sessions, err)
	}
	for _, e := range s.cluster.Edges {
		response, err := upgrade(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		after, err := strconv.Atoi(response.Header.Get("Retry-After"))
		if response.StatusCode != http.StatusServiceUnavailable || err != nil || after < 1 {
			t.Errorf("%s is full, and answers %s with Retry-After %q", e.Name, response.Status, response.Header.Get("Retry-After"))
		}
	}
}

// upgrade asks an edge for a WebSocket. One that is full may answer before it has read anything.
func upgrade(ctx context.Context, e *cluster.Process) (*http.Response, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.At(cluster.PortEdge))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	const request = "GET / HTTP/1.1\r\nHost: edges\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

// talk has the pairs talk until stop is called, which judges.
func (s *scaled) talk(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var talking sync.WaitGroup
	for _, one := range s.crowd.talks {
		talking.Go(func() {
			if err := one.write(ctx, writeTime); err != nil {
				t.Error(err)
			}
		})
	}
	return func() {
		cancel()
		talking.Wait()
		s.judge(t)
	}
}

// judge wants nothing to be lost, once all had the time to come.
func (s *scaled) judge(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if !slices.ContainsFunc(s.crowd.talks, func(one *talk) bool { return !one.whole() }) {
			break
		}
	}
	stored, again, passing, lost, refused := 0, 0, 0, 0, 0
	for i, one := range s.crowd.talks {
		if err := one.judge(); err != nil {
			t.Errorf("pair %d: %v", i, err)
		}
		stored += one.stored.sent
		again += one.again
		passing += one.passing.sent
		refused += len(one.refused)
		lost += len(one.passing.lost()) - len(one.refused)
	}
	t.Logf("of %d stored messages %d came again after a move; of %d that are not stored %d found nobody while one of both moved, and %d were not sent for want of a session",
		stored, again, passing, lost, refused)
}

// joins has as many edges join as there are, and wants the sessions to be even in time, and to stay.
func (s *scaled) joins(t *testing.T) {
	t.Helper()
	began := time.Now()
	if err := s.cluster.AddEdges(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	s.balancer.add(s.cluster.Edges[half:]...)
	s.prometheus.scrape(t, s.cluster.Edges)
	all := half * *sessions
	var even time.Duration // since when it is so without a break
	fewest := all
	for rest := began.Add(evenTime + restTime); time.Now().Before(rest) && (even == 0 || time.Since(began) < even+restTime); time.Sleep(500 * time.Millisecond) {
		got, err := counts(t.Context(), s.cluster.Edges)
		if err != nil {
			t.Fatal(err)
		}
		fewest = min(fewest, sum(got))
		switch {
		case apart(got) > evenPart || sum(got) < all*98/100:
			even = 0
		case even == 0:
			even = time.Since(began)
			t.Logf("%d are %.1f %% apart %s after the edges were started", got, 100*apart(got), even.Round(100*time.Millisecond))
		}
	}
	if even == 0 || even > evenTime {
		t.Errorf("the sessions are not even within %s", evenTime)
	}
	s.settled(t, s.cluster.Edges, all)
	moves := s.crowd.moves.Load()
	t.Logf("%d moves of %d sessions; at most %d were away at once", moves, all, all-fewest)
	if away := float64(all-fewest) / float64(all); away > awayPart {
		t.Errorf("%.0f %% of all were away at once", 100*away)
	}
	if moves > int64(all) {
		t.Errorf("%d moves of %d sessions are more than a move each", moves, all)
	}
}

// settled wants edges to have so many sessions, evenly.
func (s *scaled) settled(t *testing.T, edges []*cluster.Process, want int) {
	t.Helper()
	eventually(t, "all sessions are there", 30*time.Second, func() error {
		got, err := counts(t.Context(), edges)
		if err == nil && (sum(got) != want || apart(got) > evenPart) {
			err = fmt.Errorf("%d sessions are %d, not %d, or %.1f %% apart", got, sum(got), want, 100*apart(got))
		}
		return err
	})
}

// drains ends the edges that have joined, as Kubernetes does: they get no connections any more, have the time of
// their preStop, and are told to end.
func (s *scaled) drains(t *testing.T) {
	t.Helper()
	stay, leave := s.cluster.Edges[:half], s.cluster.Edges[half:]
	s.balancer.remove(leave...)
	s.prometheus.scrape(t, stay)
	time.Sleep(s.preStop)
	before := s.crowd.moves.Load()
	began := time.Now()
	var ending sync.WaitGroup
	for _, e := range leave {
		ending.Go(func() {
			status, err := e.Terminate(s.grace - s.preStop)
			if err != nil || status != 0 {
				t.Errorf("%s ends with status %d: %v", e.Name, status, err)
			}
			log, err := os.ReadFile(filepath.Join(s.dir, e.Name+".log"))
			if err != nil || bytes.Contains(log, []byte("cutting connections")) {
				t.Errorf("%s had sessions left at its end: %v", e.Name, err)
			}
		})
	}
	ending.Wait()
	took := time.Since(began)
	if took > s.drain {
		t.Errorf("the edges have ended after %s, not within the time of a drain, %s", took, s.drain)
	}
	want := half * *sessions / 2
	s.settled(t, stay, want)
	got, err := counts(t.Context(), stay)
	t.Logf("drained within %s, %d moves; the rest has %d, %.1f %% apart: %v", took.Round(100*time.Millisecond), s.crowd.moves.Load()-before, got, 100*apart(got), err)
}

// decides wants the autoscaler's formula, fed with what Prometheus has scraped, to want so many edges. Its target is
// for what an edge takes in production, and is scaled down to what one takes here.
func (s *scaled) decides(t *testing.T, when string, current, want int) {
	t.Helper()
	target := s.autoscaler.target(t) * float64(*sessions) / float64(s.capacity)
	eventually(t, when+", the autoscaler wants the right number of edges", 30*time.Second, func() error {
		average, err := s.prometheus.average(t.Context(), s.query, current)
		if err != nil {
			return err
		}
		wanted := wants(current, average, target)
		if wanted != want {
			return fmt.Errorf("%d, for %g on average where %g is the target; not %d", wanted, average, target, want)
		}
		bounded := s.autoscaler.bounded(wanted)
		t.Logf("%s: %.0f sessions on average where %.0f is the target: of %d edges %d are wanted, %d within the bounds, %d at first",
			when, average, target, current, wanted, bounded, s.autoscaler.step(current, bounded))
		return nil
	})
}

// eventually tries until there is no error any more, or the time is over.
func eventually(t *testing.T, what string, within time.Duration, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not so within %s: %s: %v", within, what, err)
		}
	}
}
