package transfer

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// The directions: labels of metrics.
const (
	upload   = "upload"
	download = "download"
)

// What becomes of transfers: labels of metrics.
const (
	resultDone      = "done"
	resultBusy      = "busy"      // too many are under way
	resultLeft      = "left"      // the client is gone
	resultIdle      = "idle"      // it moved nothing for too long
	resultDraining  = "draining"  // the edge ends
	resultMalformed = "malformed" // a bad request, or not what its checksum says
	resultGone      = "gone"      // there is no such file
	resultConflict  = "conflict"  // it stands elsewhere
	resultDigest    = "digest"    // the whole is not what was announced
	resultPieces    = "pieces"    // too many small ones
	resultFull      = "full"      // no room
	resultStore     = "store"     // JetStream does not answer
)

type metrics struct {
	underWay *prometheus.GaugeVec
	transfers,
	requests *prometheus.CounterVec
}

func newMetrics(to prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		underWay: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "limegrove_files_transfers_under_way", Help: "Requests that add to a file or read one, by direction.",
		}, []string{"direction"}),
		transfers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_files_transfers_total", Help: "Requests that were to add to a file or to read one, by direction and by what has come of them.",
		}, []string{"direction", "result"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "limegrove_files_requests_total", Help: "Requests for files and uploads, by method and status.",
		}, []string{"method", "status"}),
	}
	for _, direction := range []string{upload, download} {
		m.underWay.WithLabelValues(direction)
		for _, result := range []string{resultDone, resultBusy, resultLeft, resultIdle, resultDraining, resultGone, resultStore} {
			m.transfers.WithLabelValues(direction, result)
		}
	}
	for _, result := range []string{resultMalformed, resultConflict, resultDigest, resultPieces, resultFull} {
		m.transfers.WithLabelValues(upload, result)
	}
	m.requests.WithLabelValues(http.MethodGet, strconv.Itoa(http.StatusOK))
	if to == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.underWay, m.transfers, m.requests} {
		if err := to.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of transfers: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) ended(direction, result string) {
	m.transfers.WithLabelValues(direction, result).Inc()
}

// request counts one; a method is not for the client to make up.
func (m *metrics) request(method string, status int) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other"
	}
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
}
