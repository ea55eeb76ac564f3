package process

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sirupsen/logrus"

	"limegrove/internal/config"
)

// Hangups are the requests to read the configuration again, from now on. Several that come at once are one. What waits when
// the process ends is dropped.
func Hangups() (asked <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// Reload has a running process take a configuration of type C anew. Its fields are required; Settings and Config are those
// that it was started with, and Reload's own from then on.
type Reload[C any] struct {
	Settings *config.Settings
	Config   C

	// Read reads the sources again, and Of makes a configuration of settings.
	Read func() (C, *config.Settings, error)
	Of   func(*config.Settings) (C, error)

	// Fixed tells which flags cannot change this time, and of which the content of their files cannot.
	Fixed func(was, will C) (flags, content []string, err error)

	// Make makes all that is needed, and returns what puts it in force, which cannot fail. It leaves alone what is kept.
	Make func(cfg C, kept []string) (apply func(), err error)

	Logger  logrus.FieldLogger
	Metrics prometheus.Registerer

	current atomic.Pointer[C]
	results *prometheus.CounterVec
	success prometheus.Gauge // of the last one
	when    prometheus.Gauge // of the last that succeeded
}

// The results of reloads.
const (
	resultDone    = "done"
	resultRefused = "refused"
)

// Begin has metrics and Current tell of the configuration that the process was started with.
func (r *Reload[C]) Begin() {
	with := promauto.With(r.Metrics)
	r.results = with.NewCounterVec(prometheus.CounterOpts{
		Name: "limegrove_config_reloads_total", Help: "How often the configuration was read again, by result: done, or refused, which changes nothing.",
	}, []string{"result"})
	for _, result := range []string{resultDone, resultRefused} {
		r.results.WithLabelValues(result)
	}
	r.success = with.NewGauge(prometheus.GaugeOpts{
		Name: "limegrove_config_last_reload_successful", Help: "0 after a configuration that was refused; the one before it is in force.",
	})
	r.when = with.NewGauge(prometheus.GaugeOpts{
		Name: "limegrove_config_last_reload_success_timestamp_seconds", Help: "When the configuration that is in force was read, since 1970.",
	})
	r.done(r.Config)
}

func (r *Reload[C]) done(cfg C) {
	r.current.Store(&cfg)
	r.success.Set(1)
	r.when.Set(float64(time.Now().UnixMilli()) / 1000)
}

// Current is the configuration in force. It may be called from anywhere after Begin.
func (r *Reload[C]) Current() C { return *r.current.Load() }

// Run reads the configuration again whenever it is asked, until ctx is done.
func (r *Reload[C]) Run(ctx context.Context, asked <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			r.again()
		}
	}
}

// again reads the configuration once more and puts it in force, or tells why not.
func (r *Reload[C]) again() {
	changed, kept, err := r.take()
	if err != nil {
		r.results.WithLabelValues(resultRefused).Inc()
		r.success.Set(0)
		r.Logger.WithError(err).Error("the configuration is wrong; the one of before stays in force")
		return
	}
	r.results.WithLabelValues(resultDone).Inc()
	log := r.Logger.WithField("changed", flags(changed))
	if len(kept) > 0 {
		log.WithField("restart", flags(kept)).Warn("the configuration was read again; some of it needs a restart and stays as it was")
		return
	}
	log.Info("the configuration was read again")
}

// take does it all or nothing.
func (r *Reload[C]) take() (changed, kept []string, err error) {
	will, read, err := r.Read()
	if err != nil {
		return nil, nil, err
	}
	fixed, content, err := r.Fixed(r.Config, will)
	if err != nil {
		return nil, nil, err
	}
	next, kept := r.Settings.Next(read, fixed...)
	for _, flag := range content {
		if !slices.Contains(kept, flag) {
			kept = append(kept, flag)
		}
	}
	cfg, err := r.Of(next)
	var apply func()
	if err == nil {
		apply, err = r.Make(cfg, kept)
	}
	if err != nil && len(kept) > 0 {
		err = fmt.Errorf("%w (with what needs a restart as it was: %s)", err, flags(kept))
	}
	if err != nil {
		return nil, nil, err
	}
	apply()
	changed = r.Settings.Changed(next)
	r.Settings, r.Config = next, cfg
	r.done(cfg)
	return changed, kept, nil
}

// flags are flags as one gives them.
func flags(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("-" + name)
	}
	return b.String()
}
