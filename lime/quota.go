package lime

// Quota is the resource /quota, application/vnd.lime.quota+json: what a session may send. What
// is 0 has no limit.
type Quota struct {
	Threshold       int `json:"threshold,omitempty"`       // envelopes of a session
	Throughput      int `json:"throughput,omitempty"`      // envelopes a second
	MaxEnvelopeSize int `json:"maxEnvelopeSize,omitempty"` // bytes
}
