package files

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Why something of a file was refused here: labels of a metric.
const (
	refusedQuota  = "quota"  // of its owner
	refusedDigest = "digest" // it is not what was announced
)

type metrics struct {
	announced, completed, swept prometheus.Counter
	uploaded, downloaded        prometheus.Counter
	refused                     *prometheus.CounterVec
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		announced:  counter("limegrove_files_announced_total", "Files that were announced."),
		completed:  counter("limegrove_files_completed_total", "Files that have come in whole."),
		swept:      counter("limegrove_files_swept_total", "Files that were removed because their time was over."),
		uploaded:   counter("limegrove_files_uploaded_bytes_total", "Bytes of files that were stored."),
		downloaded: counter("limegrove_files_downloaded_bytes_total", "Bytes of files that were read."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_files_refused_total", Help: "Files that were refused, by reason: more than their owner's quota, or another digest than what was announced.",
		}, []string{"reason"}),
	}
	for _, reason := range []string{refusedQuota, refusedDigest} {
		m.refused.WithLabelValues(reason)
	}
	if to == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.announced, m.completed, m.swept, m.uploaded, m.downloaded, m.refused} {
		if err := to.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of files: %w", err)
		}
	}
	return m, nil
}
