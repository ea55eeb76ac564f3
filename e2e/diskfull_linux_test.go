package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"limegrove/lime"
)

// TestDiskThatIsFull: one process, whose streams are on a disk that others fill.
// Messages with an id are refused before there is no space, everything else goes on,
// and it heals by itself when there is space again.
func TestDiskThatIsFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 24<<20)
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 12<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, "edge", t.TempDir(), edgeProgram, "-data", filepath.Join(disk, "data"),
		"-listen", address(0), "-admin", address(0), "-gossip", address(0))
	e := newEdge(t, p)
	s := stage{&cluster{}, place{goLibrary, e}, place{goLibrary, e}}
	lia := s.newAccount(t, "lia")
	ana, rui, eve := guest(t, goLibrary, e, "ana/home"), guest(t, goLibrary, e, "rui/desk"), guest(t, goLibrary, e, "eve/lair")
	ana.setReceipts("accepted", "failed")

	letters := 0
	letter := func() string {
		letters++
		ana.send(text(strconv.Itoa(letters), lia+"@"+domain, strconv.Itoa(letters)+strings.Repeat(" ", 64<<10)))
		return strconv.Itoa(letters)
	}
	began := time.Now()
	for told := "accepted"; told == "accepted"; {
		id := letter()
		answer := ana.want("letter "+id, func(e Envelope) bool { return e.ID == id && e.Event != "" })
		if told = answer.Event; told == "failed" && !answer.failedFor(lime.CodeDispatchError) {
			t.Fatalf("letter %s: %s", id, answer)
		}
	}
	accepted := letters - 1
	t.Logf("%d letters of 64 KiB were accepted, and then one was not, in %s", accepted, time.Since(began).Round(time.Millisecond))
	if accepted < 10 {
		t.Errorf("only %d letters were accepted", accepted)
	}

	rui.send(text("", eve.node, "psst"))
	eve.wantText("what has no id goes on", "psst")
	if answer := rui.get("/ping"); answer.Status != "success" {
		t.Errorf("a command gets %s", answer)
	}
	e.wantMetric(t, `limegrove_routing_dropped_total{reason="not_stored"}`, 1)
	e.wantMetric(t, "limegrove_routing_store_retries_total", 1)
	e.wantTold(t, "the disk is full", "the disk is nearly full", 1, 1)
	if log, _ := p.output.read(); bytes.Count(log, []byte("\n")) > 40 || bytes.Contains(log, []byte("no space left")) {
		t.Errorf("the log has %d lines", bytes.Count(log, []byte("\n")))
	}

	waits := letter()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	ana.wantEvent("there is space again", waits, "accepted")
	t.Logf("a letter was accepted %s after there was space again", time.Since(freed).Round(time.Millisecond))
	e.wantPrinted(t, "the disk has room again")

	desk := s.arrive(t, lia)
	for i := 1; i <= letters; i++ {
		if i == accepted+1 {
			continue // that one has failed
		}
		got := desk.want(fmt.Sprintf("letter %d", i), func(e Envelope) bool { return e.Content != nil })
		if got.ID != strconv.Itoa(i) {
			t.Fatalf("letter %s came where letter %d was to come", got.ID, i)
		}
	}
	desk.wantNothingElse("each came once, and the failed one did not")
	for _, one := range []*session{ana, rui, eve} {
		if answer := one.get("/ping"); answer.Status != "success" {
			t.Errorf("%s has not stayed in session: %s", one.node, answer)
		}
		one.wantNothingElse("all along")
	}
}

// smallDisk mounts a disk that ends with the test.
func smallDisk(t *testing.T, bytes int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(bytes)); err != nil {
		t.Fatalf("this test mounts a tmpfs of %d bytes, and is not allowed to: %v", bytes, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}
