package routing

import "unsafe"

// lent is b as a string, without a copy: for who has done with it when b is changed next. The
// client of NATS copies subjects into its buffer before a publication returns.
func lent(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
