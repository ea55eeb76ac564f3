package client

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
)

// compression is what clients offer: each message is compressed by itself. RFC 7692, section 7.1.1.
const compression = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// inflater inflates messages, one after the other. The zero inflater is ready.
type inflater struct {
	flate io.ReadCloser
	in    bytes.Reader
	out   bytes.Buffer
}

// tail is what a sender leaves out at a message's end, and the end of the stream. RFC 7692, section 7.2.2.
var tail = []byte{0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff}

// message inflates one, whose bytes are good until the next one. It does not keep b.
func (i *inflater) message(b []byte) ([]byte, error) {
	i.in.Reset(b)
	whole := io.MultiReader(&i.in, bytes.NewReader(tail))
	if i.flate == nil {
		i.flate = flate.NewReader(whole)
	} else if err := i.flate.(flate.Resetter).Reset(whole, nil); err != nil {
		return nil, fmt.Errorf("inflate: %w", err)
	}
	i.out.Reset()
	switch n, err := i.out.ReadFrom(io.LimitReader(i.flate, maxFrame+1)); {
	case err != nil:
		return nil, fmt.Errorf("inflate: %w", err)
	case n > maxFrame:
		return nil, errFrame
	}
	return i.out.Bytes(), nil
}
