package edge

import (
	"strings"
	"testing"
)

// The offers and answers are those of RFC 7692, section 7.1.
func TestCompressionIsAgreedOn(t *testing.T) {
	const (
		agreed  = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		allBits = agreed + "; server_max_window_bits=15"
		none    = ""
	)
	for _, row := range []struct{ offer, answer string }{
		{"permessage-deflate", agreed},
		{"permessage-deflate; client_max_window_bits", agreed}, // browsers
		{"permessage-deflate; client_max_window_bits=8", agreed},
		{"permessage-deflate; client_max_window_bits=15", agreed},
		{"permessage-deflate; server_no_context_takeover", agreed},
		{"permessage-deflate; client_no_context_takeover", agreed},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", agreed}, // gorilla
		{"permessage-deflate; server_max_window_bits=15", allBits},
		{`permessage-deflate; server_max_window_bits="15"`, allBits},
		{"permessage-deflate; server_no_context_takeover; client_max_window_bits=10; server_max_window_bits=15", allBits},
		// What we cannot keep to.
		{"permessage-deflate; server_max_window_bits=14", none},
		{"permessage-deflate; server_max_window_bits=8", none},
		// What there is not.
		{"permessage-deflate; server_max_window_bits", none},
		{"permessage-deflate; server_max_window_bits=16", none},
		{"permessage-deflate; server_max_window_bits=7", none},
		{"permessage-deflate; server_max_window_bits=015", none},
		{"permessage-deflate; server_max_window_bits=x", none},
		{"permessage-deflate; client_max_window_bits=7", none},
		{"permessage-deflate; client_max_window_bits=16", none},
		{"permessage-deflate; server_no_context_takeover=1", none},
		{"permessage-deflate; client_no_context_takeover=true", none},
		{"permessage-deflate; mystery", none},
		{"permessage-deflate; mystery=7", none},
		{"permessage-bzip2", none},
		{"x-webkit-deflate-frame", none},
		{"permessage-deflate-frame", none},
		// What is there twice.
		{"permessage-deflate; client_max_window_bits; client_max_window_bits", none},
		{"permessage-deflate; client_max_window_bits=10; client_max_window_bits", none},
		{"permessage-deflate; server_max_window_bits=15; server_max_window_bits=15", none},
		{"permessage-deflate; server_no_context_takeover; server_no_context_takeover", none},
		{"permessage-deflate; client_no_context_takeover; client_no_context_takeover", none},
		// The first of several that can be kept to, and once. Section 5.1.
		{"permessage-deflate; server_max_window_bits=10, permessage-deflate", agreed},
		{"permessage-deflate; mystery, permessage-deflate; server_max_window_bits=15, permessage-deflate", allBits},
		{"mux; max-channels=4, permessage-deflate", agreed},
		{"permessage-deflate, permessage-deflate", agreed},
		{"permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", agreed},
	} {
		inMemory(t, compressing, func(t *testing.T, e *fixture) {
			c := e.connect()
			c.inflates = row.answer != none
			c.write([]byte(offering(row.offer)))
			head := c.wantUpgrade()
			_, answer, _ := strings.Cut(head, "Sec-WebSocket-Extensions: ")
			answer, _, _ = strings.Cut(answer, "\r\n")
			if got := strings.NewReplacer("; ", ";", ";", "; ").Replace(answer); got != row.answer {
				t.Errorf("%q is answered by %q, not %q", row.offer, got, row.answer)
			}
			if strings.Count(head, "Extensions") > 1 {
				t.Errorf("%q is answered twice: %q", row.offer, head)
			}
			c.write(compressed(`{"state":"new"}`))
			if row.answer == none {
				c.hearsFailed("it is not understood then", 21, 1002)
				return
			}
			c.hears("it is understood", `{"state":"authenticating"}`)
		})
	}
}

func TestNothingIsAgreedOnByDefault(t *testing.T) {
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		c := e.connect()
		c.write([]byte(offering("permessage-deflate; client_max_window_bits")))
		if head := c.wantUpgrade(); strings.Contains(head, "Extensions") {
			t.Errorf("compression is agreed on: %q", head)
		}
		c.write(compressed(`{"state":"new"}`))
		c.hearsFailed("it is not understood", 21, 1002)
	})
}
