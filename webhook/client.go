package webhook

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/complaint"
)

// endpoint is one endpoint as a router sees it.
type endpoint struct {
	*Endpoint
	counters
	client *http.Client
	gate   *gate
	warn   complaint.Log

	mu      sync.Mutex
	workers map[*worker]struct{}
}

func newEndpoint(d *Deliverer, cfg *Endpoint) *endpoint {
	transport := d.cfg.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxIdleConnsPerHost, own.MaxConnsPerHost = cfg.Requests, cfg.Requests
		transport = own
	}
	e := &endpoint{Endpoint: cfg, workers: map[*worker]struct{}{}, client: &http.Client{
		Transport:     transport,
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	e.counters = d.metrics.of(e)
	log := d.cfg.Logger.WithField("endpoint", cfg.Name)
	e.warn.Logger = log
	e.gate = newGate(cfg.Requests, func(failing bool) {
		if failing {
			e.failing.Set(1)
			e.warn.Warn("an endpoint fails; its events wait", nil)
			return
		}
		e.failing.Set(0)
		log.Info("the endpoint is there again")
	})
	return e
}

// count counts a request.
func (e *endpoint) count(a answer, began time.Time) answer {
	e.requests.With(prometheus.Labels{"endpoint": e.Name, "result": results[a.verdict]}).Inc()
	e.seconds.Observe(time.Since(began).Seconds())
	return a
}

func (e *endpoint) add(w *worker) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.workers[w] = struct{}{}
}

func (e *endpoint) remove(w *worker) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.workers, w)
}

// age is for how long the oldest event has waited that it does not have, of this router's
// partitions.
func (e *endpoint) age() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	oldest := int64(0)
	for w := range e.workers {
		if at := w.oldest.Load(); at != 0 && (oldest == 0 || at < oldest) {
			oldest = at
		}
	}
	if oldest == 0 {
		return 0
	}
	return max(time.Since(time.Unix(0, oldest)), 0)
}
