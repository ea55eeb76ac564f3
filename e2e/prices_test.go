package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
)

// For `make prices`, which wants more than a look.
var (
	priceRounds  = flag.Int("price-rounds", 1, "`rounds` of which the medians are told")
	priceSeconds = flag.Float64("price-seconds", 0.1, "`seconds` that each measurement takes")
)

const (
	priceWindow  = 256 // stores under way
	priceMessage = 300 // bytes
)

// TestPricesOfSyncing prints what it costs NATS and Redis to sync what they write. It
// judges no number. `make prices` measures.
func TestPricesOfSyncing(t *testing.T) {
	t.Parallel() // alone when it measures
	syncs := []struct{ name, interval string }{
		{"every 2 minutes (default)", "2m"}, {"every second", "1s"}, {"always", "always"},
	}
	t.Logf("load average before: %s", loadAverage(t))
	for _, replicas := range []int{1, 3} {
		for _, s := range syncs {
			var many, half, most []float64
			for range *priceRounds {
				t.Run("", func(t *testing.T) {
					js := openPriced(t, replicas, s.interval)
					many = append(many, storesPerSecond(t, js))
					times := storeTimes(t, js)
					half, most = append(half, times[len(times)/2]), append(most, times[len(times)*99/100])
				})
			}
			t.Logf("NATS, %d replicas, synced %-26s %7.0f stores/s; one store: p50 %6.2f ms, p99 %6.2f ms",
				replicas, s.name+":", median(many), median(half), median(most))
		}
	}
	for _, appends := range []string{"no", "everysec", "always"} {
		var many, half, most []float64
		for range *priceRounds {
			t.Run("", func(t *testing.T) {
				store := openPricedRedis(t, appends)
				rate, times := raises(t, store)
				many, half, most = append(many, rate), append(half, times[len(times)/2]), append(most, times[len(times)*99/100])
			})
		}
		t.Logf("Redis, append-only file %-9s %7.0f floors raised/s; one call: p50 %6.2f ms, p99 %6.2f ms",
			appends+":", median(many), median(half), median(most))
	}
	t.Logf("load average after: %s", loadAverage(t))
}

func openPriced(t *testing.T, replicas int, interval string) jetstream.JetStream {
	t.Helper()
	config := t.TempDir() + "/nats.conf"
	if err := os.WriteFile(config, []byte("jetstream { sync_interval: "+interval+" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var url string
	if replicas == 1 {
		url = startNATS(t, "-c", config).url
	} else {
		url = startNATSCluster(t, "-c", config)[0].url
	}
	closed := make(chan struct{})
	nc, err := nats.Connect(url, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); <-closed })
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(priceWindow))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(js.CleanupPublisher)
	eventually(t, "the stream is made", patience, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: "LOG", Subjects: []string{"log.>"}, Replicas: replicas, AllowDirect: true, Duplicates: 20 * time.Second,
			RePublish: &jetstream.RePublish{Source: "log.>", Destination: "to.>"},
		})
		return err
	})
	return js
}

// priced is message n, as an edge stores it.
func priced(n int) *nats.Msg {
	return &nats.Msg{
		Subject: "log.0.localhost.@.user" + strconv.Itoa(n%1000) + "._", Data: []byte(strings.Repeat("x", priceMessage)),
		Header: nats.Header{nats.MsgIdHdr: {strconv.Itoa(n)}},
	}
}

// storesPerSecond keeps a window of stores under way.
func storesPerSecond(t *testing.T, js jetstream.JetStream) float64 {
	t.Helper()
	began, n := time.Now(), 0
	for ; time.Since(began).Seconds() < *priceSeconds; n++ {
		if _, err := js.PublishMsgAsync(priced(n), jetstream.WithStallWait(patience)); err != nil {
			t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
	return float64(n) / time.Since(began).Seconds()
}

// storeTimes stores one after the other, and returns the times in ms, sorted.
func storeTimes(t *testing.T, js jetstream.JetStream) (times []float64) {
	t.Helper()
	for began, n := time.Now(), 1<<30; time.Since(began).Seconds() < *priceSeconds; n++ {
		start := time.Now()
		if _, err := js.PublishMsg(t.Context(), priced(n)); err != nil {
			t.Fatal(err)
		}
		times = append(times, milliseconds(start))
	}
	slices.Sort(times)
	return times
}

func openPricedRedis(t *testing.T, appends string) *presence.Store {
	t.Helper()
	args := []string{"--appendonly", "no"}
	if appends != "no" {
		args = []string{"--appendonly", "yes", "--appendfsync", appends}
	}
	store, err := presence.Open(presence.Config{URL: redistest.Start(t, args...).URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// raises raises floors as edges do, of 100 identities in a call, four calls at once.
func raises(t *testing.T, store *presence.Store) (perSecond float64, times []float64) {
	t.Helper()
	const callers, each = 4, 100
	var all errgroup.Group
	per := make([][]float64, callers)
	began := time.Now()
	for c := range callers {
		all.Go(func() error {
			floors := make([]presence.Floor, each)
			for n := uint64(1); time.Since(began).Seconds() < *priceSeconds; n++ {
				for i := range floors {
					floors[i] = presence.Floor{
						Identity: lime.Identity{Name: fmt.Sprintf("user%d-%d", c, i), Domain: domain}, Log: "LOG_0@1", Position: n,
					}
				}
				start := time.Now()
				if err := store.RaiseFloors(t.Context(), floors); err != nil {
					return err
				}
				per[c] = append(per[c], milliseconds(start))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	times = slices.Sorted(slices.Values(slices.Concat(per...)))
	return float64(each*len(times)) / time.Since(began).Seconds(), times
}

func milliseconds(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

func median(of []float64) float64 {
	if len(of) == 0 {
		return 0 // the measurement has failed
	}
	slices.Sort(of)
	return of[len(of)/2]
}

func loadAverage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known here"
	}
	return strings.TrimSpace(string(text))
}
