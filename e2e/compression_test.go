package e2e

import (
	"strconv"
	"strings"
	"testing"
)

// TestCompressedConversations of clients of two libraries on two edges, and of both with
// one that does not compress: RFC 7692.
func TestCompressedConversations(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-compression", "5", "-compression-threshold", "200")
	go1, js := place{compressingGo, c.edges[0]}, place{compressingJS(t), c.edges[1]}
	s := stage{c, go1, js}
	ana, rui, lia := s.guest(t, go1, "ana", "home"), s.guest(t, js, "rui", "desk"), s.guest(t, place{goLibrary, c.edges[1]}, "lia", "phone")
	for n, pair := range []talk{{ana: ana, rui: rui}, {ana: ana, rui: lia}, {ana: rui, rui: lia}} {
		pair.exchange("short messages")
		long := strings.Repeat("the same again and ", 5000)
		for i := range 3 {
			id := "long-" + strconv.Itoa(3*n+i)
			pair.ana.send(text(id, pair.rui.node, long))
			pair.rui.wantText("a long one", long)
			pair.rui.send(text(id, pair.ana.node, long))
			pair.ana.wantText("and one back", long)
		}
		pair.exchange("and short ones")
	}
	for _, e := range c.edges {
		e.wantMetric(t, "limegrove_edge_compression_agreed_total", 1)
		e.wantMetric(t, `limegrove_edge_compressed_total{direction="sent"}`, 6)
		e.wantMetric(t, `limegrove_edge_compressed_total{direction="received"}`, 6)
		e.wantMetric(t, `limegrove_edge_uncompressed_total{reason="small"}`, 2)
	}
	for _, one := range []*session{ana, rui, lia} {
		one.finish()
		one.wantEnd("in peace", "finished")
	}
}
