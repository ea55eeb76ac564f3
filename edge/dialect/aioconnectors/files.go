package aioconnectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
)

// lexical is up to how many pieces of a file are in order by their names as they are.
const lexical = 9

// padded returns with_file with the name of a piece of a file such that the names of all its
// pieces are in order as texts: connectors join them so, and would put 10 before 2. Of anything
// else it returns with_file as it is. A-38
func padded(withFile []byte) []byte {
	if !bytes.Contains(withFile, []byte("chunked")) {
		return withFile
	}
	var file members
	if !file.parse(withFile) {
		return withFile
	}
	var piece []json.RawMessage
	if json.Unmarshal(file.get("chunked"), &piece) != nil || len(piece) != 3 {
		return withFile
	}
	base, ok := textOf(piece[0])
	i, err := strconv.ParseUint(string(piece[1]), 10, 32)
	n, err2 := strconv.ParseUint(string(piece[2]), 10, 32)
	if !ok || err != nil || err2 != nil || n <= lexical {
		return withFile
	}
	out := []byte{'{'}
	for k, one := range file {
		if k > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), one.name...), `":`...)
		if string(one.name) == "dst_name" {
			out = appendText(out, fmt.Sprintf("%s_%0*d_%d", base, len(piece[2]), i, n))
			continue
		}
		out = append(out, one.value...)
	}
	return append(out, '}')
}

// file returns with_file; nil when there is none that connectors could bear.
func (r *reader) file() []byte {
	if v := r.carried("with_file"); len(v) > 0 && v[0] == '{' {
		return v
	}
	return nil
}

// beforeFile is how many bytes of the binary part are before the file's content.
func beforeFile(withFile []byte) int {
	var file members
	if !file.parse(withFile) {
		return 0
	}
	return int(min(file.number("binary_offset"), math.MaxInt32))
}

// tries counts how often messages with a file were handed out. A connector that does not know
// the kind of a file ends its connection, and would do so for ever, since what it has not
// confirmed comes again: after maxTries the message comes without the file, as one does whose
// file is refused.
type tries struct {
	seed maphash.Seed // set when it is made and not changed

	mu          sync.Mutex
	now, before map[uint64]int // by a hash of the connector and the message; triesKept at most in each
}

const (
	maxTries  = 3
	triesKept = 4096
)

// more notes that a message, which it borrows, is about to be handed out to a connector, and
// tells whether it is with its file. It knows a message by its bytes: ids come again.
func (t *tries) more(connector string, message []byte) bool {
	var h maphash.Hash
	h.SetSeed(t.seed)
	_, _ = h.WriteString(connector) // it never fails
	_, _ = h.Write(message)
	key := h.Sum64()
	t.mu.Lock()
	defer t.mu.Unlock()
	n := max(t.now[key], t.before[key]) + 1
	if t.now == nil || len(t.now) >= triesKept {
		t.now, t.before = map[uint64]int{}, t.now
	}
	t.now[key] = n
	return n <= maxTries
}
