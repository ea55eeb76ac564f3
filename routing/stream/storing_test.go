package stream

import "testing"

// TestPlainAcknowledgement: what is taken for one without being decoded. The rest is decoded.
func TestPlainAcknowledgement(t *testing.T) {
	for ack, plain := range map[string]bool{
		`{"stream":"LOG_3","seq":1764390000000001}`:                                      true,
		`{"stream":"LOG_3","domain":"hub","seq":17}`:                                     true,
		`{"stream":"LOG_3","seq":17,"duplicate":true}`:                                   false,
		`{"error":{"code":503,"err_code":10077,"description":"no"},"stream":"","seq":0}`: false,
		`{"stream":"LOG_3","seq":0,"error":{"code":503}}`:                                false,
		`{"type":"io.nats.jetstream.api.v1.pub_ack","stream":"LOG_3","seq":17}`:          false,
		`{"stream":"LOG_3"}`: false,
		``:                   false,
		`+OK`:                false,
	} {
		if isStored([]byte(ack)) != plain {
			t.Errorf("%q: %t", ack, !plain)
		}
	}
}
