package aioconnectors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
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
