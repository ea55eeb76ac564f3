package e2e

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/routing/stream"
)

// waitingToMeasure is for `make prices`, which wants many more.
var waitingToMeasure = flag.Int("waiting", 1000, "`number` of waiting messages whose cost is measured")

// TestCostOfWaitingMessages prints what messages in the inbox cost the broker, ten for
// an address. It judges no number: of few messages it says little.
func TestCostOfWaitingMessages(t *testing.T) {
	const each, lot = 10, 10_000
	server := startNATS(t)
	closed := make(chan struct{})
	nc, err := nats.Connect(server.url, nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); <-closed })
	streams, err := stream.Open(t.Context(), stream.Config{NATS: nc})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(streams.Close)

	memory, disk := server.resident(t), folderSize(t, server.dir)
	for done := 0; done < *waitingToMeasure; done += lot {
		list := make([]stream.Transfer, min(lot, *waitingToMeasure-done))
		for i := range list {
			n := done + i
			list[i].Message = stream.Message{
				Subject: fmt.Sprintf("log.0.localhost.@.user%d._", n/each), Position: uint64(n + 1),
				Data: []byte(strings.Repeat("x", priceMessage)),
			}
		}
		for _, err := range streams.Copy(t.Context(), 0, list) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	n := float64(*waitingToMeasure)
	t.Logf("%d waiting messages of %d B: %.0f B of disk and %.0f B of memory each, of which JetStream knows the ids for 10 minutes",
		*waitingToMeasure, priceMessage, float64(folderSize(t, server.dir)-disk)/n, float64(server.resident(t)-memory)/n)
}

// resident is the memory of a process, in bytes.
func (p *process) resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func folderSize(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
